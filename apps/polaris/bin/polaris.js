#!/usr/bin/env node
import module from "node:module"

// Written for the Node that it refuses, too.
try {
  await import("@lpo/rollout/SupportedNode")
  // What was compiled once starts sooner the next time.
  module.enableCompileCache()
  await import("../dist/main.js")
} catch (error) {
  if (error?.name !== "UnsupportedNode") throw error
  console.error(`polaris: ${error.message}`)
  process.exitCode = 1
}
