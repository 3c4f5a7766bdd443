import { expect, it } from "vitest"
import { SupportedNode } from "@lpo/rollout"

it.each(["22.19.0", "22.21.1", "23.0.0", "24.2.0", "26.1.0", "100.0.0-nightly"])("runs under Node %s", (version) => {
  expect(SupportedNode.refusal(version)).toBeNull()
})

it.each(["0.12.18", "18.20.4", "20.19.5", "22.0.0", "22.9.0", "22.18.99"])(
  "says what to do under Node %s",
  (version) => {
    expect(SupportedNode.refusal(version)).toBe(
      `LPO needs Node 22.19 or newer, and this is Node ${version}; install another Node, then run it again`,
    )
  },
)
