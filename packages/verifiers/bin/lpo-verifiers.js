#!/usr/bin/env node
// Written for the Node that it refuses, too.
try {
  await import("@lpo/rollout/SupportedNode")
  await import("../dist/cli/main.js")
} catch (error) {
  if (error?.name !== "UnsupportedNode") throw error
  console.error(`lpo-verifiers: ${error.message}`)
  process.exitCode = 1
}
