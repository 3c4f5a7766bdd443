/** What `polaris doctor` says of servers and of the hub. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { ConfigProvider, Effect } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"
import * as Tinker from "../../../packages/tinker/test/double.ts"
import * as Services from "../src/doctor/Services.ts"

/** Nothing listens on the port of discard. */
const dead = "http://127.0.0.1:9"
let tinker: Awaited<ReturnType<typeof Tinker.make>>
const asked: Array<string | undefined> = []
const server = createServer((request, response) => {
  asked.push(request.headers.authorization)
  response.end(request.url === "/v1/models" ? JSON.stringify({ data: [{ id: "base" }, { id: "mine" }] }) : "")
})
let rollouts = ""

beforeAll(async () => {
  tinker = await Tinker.make({ dialect: "skyrl" })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  rollouts = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await tinker.close()
  await new Promise((resolve) => server.close(resolve))
})

it("looks at the servers that are given, with their keys, and never shows one", async () => {
  const provider = ConfigProvider.fromUnknown({ HF_HUB_OFFLINE: "1", LPO_ROLLOUTS_KEY: "very-secret" })
  const given = { server: tinker.baseUrl, rollouts: `${rollouts}, ${dead}` }
  const found = await Effect.runPromise(Effect.provide(Services.all(given), ConfigProvider.layer(provider)))
  const of = (what: string) => found.find((one) => one.what.startsWith(what))
  expect(of("Tinker server")).toMatchObject({ state: "ok" })
  expect(of(`rollout server ${rollouts}`)?.state).toBe("ok")
  expect(of(`rollout server ${rollouts}`)?.seen).toMatch(/--served-name: base, mine/)
  expect(of(`rollout server ${dead}`)?.state).toBe("broken")
  expect(of(`rollout server ${dead}`)?.fix).toMatch(/the part before \/v1/)
  expect(of("hub")).toMatchObject({ state: "absent", seen: "HF_HUB_OFFLINE is set" })
  expect(asked).toContain("Bearer very-secret")
  expect(JSON.stringify(found)).not.toContain("very-secret")
})
