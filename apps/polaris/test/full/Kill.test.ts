import { afterAll, expect, it } from "vitest"
import { makeProgram } from "../program.ts"

const { checksum, end, killAt, polaris, short } = makeProgram()
afterAll(end)

it("killed with SIGKILL five times and resumed, ends with the same weights", async () => {
  expect((await polaris([...short, "--name", "whole"])).code).toBe(0)
  // Each life gets a few more steps than the one before had; checkpoints come every ten steps, so most work is redone.
  const { kills, last } = await killAt("killed", [2, 9, 13, 17, 20])
  expect(kills).toBe(5)
  expect(last.stderr).toBe("")
  expect(await checksum("killed")).toBe(await checksum("whole"))
})
