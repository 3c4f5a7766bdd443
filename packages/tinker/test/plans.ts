/** Seeded fault plans: what goes wrong with each request of a run, and the run under one. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Seed } from "@lpo/rollout"
import { Effect, References } from "effect"
import { expect } from "vitest"
import { ServerProfile } from "../src/index.ts"
import * as Double from "./double.ts"
import * as Loop from "./loop.ts"

const isSave = (path: string): boolean => path.startsWith("/save_weights")

/** A share of all requests fails in every way that the protocol knows; now and then the server loses futures, or everything. */
const plan = (n: number): Double.Faults & { readonly counts: Map<string, number> } => {
  const random = Seed.stream(`fault-plan/${n}`)
  const share = 0.05 + 0.2 * random.uniform()
  const counts = new Map<string, number>()
  let crashes = 1
  const pick = <A>(items: ReadonlyArray<A>): A => items[random.int(0, items.length - 1)]
  const draw = (path: string): Double.Fault | null => {
    if (path === "/session_heartbeat" || random.uniform() > share) return null
    if (crashes > 0 && random.uniform() < 0.004) {
      crashes--
      return { kind: "crash" }
    }
    const processed = random.uniform() < 0.5
    const common: ReadonlyArray<Double.Fault> = [
      { kind: "drop", processed },
      { kind: "cut" },
      { kind: "truncate" },
      { kind: "garble" },
      { kind: "delay", milliseconds: random.int(1, 4) },
      { kind: "restart" },
    ]
    if (path === "/retrieve_future") {
      return pick<Double.Fault>([
        ...common,
        {
          kind: "body",
          body: {
            type: "try_again",
            request_id: "?",
            queue_state: pick(["active", "paused_capacity", "paused_rate_limit"]),
          },
        },
        { kind: "body", body: { status: "complete_metadata", type: "complete_metadata", response_payload_size: 10 } },
        { kind: "forget" },
        { kind: "status", status: pick([402, 408, 429, 500, 502, 503]), processed: false },
      ])
    }
    const headers = pick<Record<string, string>>([
      {},
      { "retry-after": "2" },
      { "retry-after-ms": "1500" },
      { "x-should-retry": "true" },
    ])
    return pick<Double.Fault>([
      ...common,
      { kind: "twice" },
      { kind: "late-copy" },
      { kind: "status", status: pick([408, 429, 500, 502, 503]), processed: false, headers },
      { kind: "status", status: pick([408, 500, 503]), processed: true, headers },
      { kind: "status", status: isSave(path) ? 503 : 409, processed: false, headers },
      { kind: "status", status: 425, processed: false, headers: { "x-should-retry": "true" } },
    ])
  }
  return {
    counts,
    next: (path) => {
      const fault = draw(path)
      if (fault !== null) counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1)
      return fault
    },
  }
}

const profiles = {
  hosted: ServerProfile.hosted,
  skyrl: ServerProfile.skyrlJax,
}

interface Outcome {
  readonly logits: ReadonlyArray<number>
  readonly faults: number
  readonly starts: number
  readonly executed: Double.Double["executed"]
}

const maxStarts = 6

/** A run under plan n, or without faults; a run that failed is started again, as its user would. */
const run = async (options: {
  readonly dialect: "hosted" | "skyrl"
  readonly encoding: "json" | "protobuf"
  readonly plan: number | null
}): Promise<Outcome> => {
  const faults = options.plan === null ? null : plan(options.plan)
  const double = await Double.make({ dialect: options.dialect, ...(faults === null ? {} : { faults }) })
  const root = await mkdtemp(join(tmpdir(), "lpo-tinker-"))
  const folder = join(root, "run")
  const profile = { ...profiles[options.dialect], encoding: options.encoding }
  const engine = Loop.server(double.baseUrl, profile)
  const maxGradNorm = options.dialect === "hosted" ? 1 : Number.POSITIVE_INFINITY
  const once = Loop.train({ folder, divergence: "forward", steps: 3, epochs: 1, maxGradNorm }, engine)
  try {
    let starts = 1
    const again = (error: { readonly message: string }): Effect.Effect<unknown, unknown> =>
      ++starts > maxStarts
        ? Effect.die(new Error(`plan ${options.plan} failed ${maxStarts} times: ${error.message}`))
        : Effect.catch(once, again)
    await Effect.runPromise(
      Loop.fast(Effect.catch(once, again)).pipe(Effect.provideService(References.MinimumLogLevel, "Error")),
    )
    const weights = double.checkpoints.get(await Loop.checkpointPath(folder))?.weights
    const total = [...(faults?.counts.values() ?? [])].reduce((a, b) => a + b, 0)
    return { logits: [...(weights?.logits ?? [])], faults: total, starts, executed: double.executed }
  } finally {
    await double.close()
    await rm(root, { recursive: true })
  }
}

/** The kinds of server and body that plans run against. */
const variants = [
  { dialect: "hosted", encoding: "protobuf" },
  { dialect: "hosted", encoding: "json" },
  { dialect: "skyrl", encoding: "protobuf" },
  { dialect: "skyrl", encoding: "json" },
] as const

/** Plans 0 to count - 1, one kind of server beside the other: each must end like the run without faults of its kind. */
export const compare = async (count: number): Promise<{ readonly faults: number; readonly restarted: number }> => {
  const of = async (variant: (typeof variants)[number], offset: number) => {
    let faults = 0
    let restarted = 0
    const clean = await run({ ...variant, plan: null })
    expect(clean.logits).toHaveLength(64)
    for (let n = offset; n < count; n += variants.length) {
      const outcome = await run({ ...variant, plan: n })
      faults += outcome.faults
      restarted += outcome.starts - 1
      expect(outcome.logits, `plan ${n}`).toEqual(clean.logits)
      // Whatever was sent again was carried out once.
      if (outcome.starts === 1) expect(outcome.executed, `plan ${n}`).toEqual(clean.executed)
    }
    return { faults, restarted }
  }
  const all = await Promise.all(variants.map(of))
  return {
    faults: all.reduce((sum, a) => sum + a.faults, 0),
    restarted: all.reduce((sum, a) => sum + a.restarted, 0),
  }
}
