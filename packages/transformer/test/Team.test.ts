/** Threads that decode the same rows together give the bits that one of them gives. */
import { Policy } from "@lpo/transformer"
import { Effect } from "effect"
import { expect, it } from "vitest"
import * as PackedWeights from "../src/decode/PackedWeights.ts"
import * as Team from "../src/decode/Team.ts"
import { config, families, tokenizer, values } from "./tiny.ts"

const law = { maxTokens: 6, temperature: 1, topK: 0, topP: 1, minP: 0 }
const options = { ...law, logprobsOf: "raw" as const, stops: [] }
const requests = [
  { prompt: Int32Array.of(1, 2, 3), streams: ["a", "b"] },
  { prompt: Int32Array.of(4), streams: ["c"] },
]

// Biases, and norms of what is added: every way from a product to the residual stream.
it.for(["llama", "gemma2"])("members of a team sample what one thread samples: %s", async (name) => {
  const family = families[name]
  const [one, ...members] = await Effect.gen(function* () {
    const policy = yield* Policy.make(family, tokenizer, values(family), { workers: 3 })
    const memory = Team.memory(PackedWeights.widest(family))
    const job = { kind: "generate", version: 0, requests, options } as const
    const all = yield* policy.pool.withAll((leases) =>
      Effect.forEach(leases, (lease, rank) => lease.run({ ...job, seat: { memory, rank, size: leases.length } }), {
        concurrency: "unbounded",
      }),
    )
    return [yield* policy.pool.withWorker((lease) => lease.run(job)), ...(all ?? [])]
  }).pipe(Effect.scoped, Effect.runPromise)
  expect(members).toEqual([one, one, one])
})

it("neither a member that fails is waited for, nor a worker that is busy", async () => {
  const { busy, failures } = await Effect.gen(function* () {
    const policy = yield* Policy.make(config, tokenizer, values(), { workers: 2 })
    const memory = Team.memory(PackedWeights.widest(config))
    const job = { kind: "generate", version: 0, options } as const
    const asked = [requests, [{ prompt: Int32Array.of(1), streams: null as never }]]
    const busy = yield* policy.pool.withWorker(() => policy.pool.withAll(() => Effect.succeed("all")))
    const failures = yield* policy.pool.withAll((leases) =>
      Effect.forEach(
        leases,
        (lease, rank) =>
          Effect.flip(lease.run({ ...job, requests: asked[rank] ?? [], seat: { memory, rank, size: 2 } })),
        { concurrency: "unbounded" },
      ),
    )
    return { busy, failures }
  }).pipe(Effect.scoped, Effect.runPromise)
  expect(busy).toBe(null)
  expect(failures?.map(({ reason }) => reason === Team.left)).toEqual([true, false])
})
