/** `polaris doctor` on this machine, without a network: what is there, what is missing and how to get it. */
import { expect, it } from "vitest"
import type { Finding } from "../../src/doctor/Finding.ts"
import { here } from "../program.ts"

/** Nothing listens on the port of discard. */
const dead = "http://127.0.0.1:9"

it("looks at everything without a network, and says how to get what is missing", async () => {
  const { code, stderr, stdout } = await here(["doctor", "--json"], { HF_ENDPOINT: dead })
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  const found = JSON.parse(stdout) as ReadonlyArray<Finding>
  const of = (what: string) => found.find((one) => one.what.startsWith(what))
  for (const what of [
    "Node",
    "processor",
    "memory",
    "disk for runs",
    "backend wasm",
    "backend cpu",
    "embedded sandbox",
  ])
    expect(of(what), what).toMatchObject({ state: "ok", fix: null })
  expect(of("Node")?.seen).toBe(process.versions.node)
  for (const what of ["NVIDIA GPU", "Vulkan driver", "backend webgpu", "native sandbox", "hub's cache"])
    expect(of(what), what).toBeDefined()
  expect(of("hub")?.state).toBe("absent")
  expect(of("hub")?.fix).toMatch(/--data FILE, --model FOLDER/)
  // Whatever is not there comes with a way to it.
  for (const { fix, state, what } of found) if (state !== "ok") expect(fix, what).toMatch(/\w/)
})
