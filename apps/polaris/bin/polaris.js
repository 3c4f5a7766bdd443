#!/usr/bin/env node
import module from "node:module"

// Written for the Node that it refuses, too. `doctor` works there, and says what else is missing.
const { version } = process
const [major, minor] = version.slice(1).split(".").map(Number)
if ((major < 22 || (major === 22 && minor < 19)) && process.argv[2] !== "doctor") {
  console.error(
    `polaris: it needs Node 22.19 or newer, and this is Node ${version}; install another Node, then run it again`,
  )
  process.exitCode = 1
} else {
  // What was compiled once starts sooner the next time; older versions of Node cannot keep it.
  module.enableCompileCache?.()
  await import("../dist/main.js")
}
