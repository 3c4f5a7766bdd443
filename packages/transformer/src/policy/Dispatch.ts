/** Sampling over a pool of replicas: which worker decodes what. No sample depends on it, to the bit. */
import * as SamplingParams from "@lpo/rollout/SamplingParams"
import { Effect, Result } from "effect"
import type * as Generate from "../decode/Generate.ts"
import * as PackedWeights from "../decode/PackedWeights.ts"
import * as Pieces from "../decode/Pieces.ts"
import * as StopStrings from "../decode/StopStrings.ts"
import * as Team from "../decode/Team.ts"
import type { ModelConfig } from "../model/ModelConfig.ts"
import * as Parameters from "../model/Parameters.ts"
import type { TokenizerService } from "../tokenizer/Tokenizer.ts"
import { EngineError } from "../TransformerError.ts"
import type { Pool } from "../workers/Pool.ts"
import type { PolicyService } from "./Service.ts"

/** What is sampled from. */
interface Given {
  readonly config: ModelConfig
  readonly tokenizer: TokenizerService
  readonly pool: Pool
  readonly onWasm: boolean
  /** How many sequences of so many positions a worker decodes at once. */
  readonly sequencesAtOnce: (positions: number) => number
  /** Of the parameters. */
  readonly version: () => number
}

/** Bytes of weights that no cache holds: from here on a token takes longer to read them than threads take to meet. */
const readFromMemory = 2 ** 25

/** The result of a team's first member, or why the team failed: what the one said who failed by itself. */
const firstCause = (
  results: ReadonlyArray<Result.Result<unknown, EngineError>>,
): Effect.Effect<ReadonlyArray<ReadonlyArray<Generate.Sampled>>, EngineError> => {
  const failures = results.filter(Result.isFailure).map(({ failure }) => failure)
  const failure = failures.find(({ reason }) => reason !== Team.left) ?? failures[0]
  if (failure !== undefined) return Effect.fail(failure)
  return Effect.succeed(Result.getOrThrow(results[0]) as ReadonlyArray<ReadonlyArray<Generate.Sampled>>)
}

/** How a policy samples, see `PolicyService.generate`. */
export const make = ({ config, onWasm, pool, sequencesAtOnce, tokenizer, version }: Given) =>
  Effect.gen(function* () {
    // Made for the first strings that are asked for; it is work of some tenths of a second with a large vocabulary.
    const tokenTable = yield* Effect.cached(
      tokenizer.tokenBytes.pipe(
        Effect.map((tokens) => StopStrings.makeTable(tokens, config.vocab_size)),
        Effect.mapError(({ reason }) => new EngineError({ reason: `${reason}; omit stop strings` })),
      ),
    )
    const large = onWasm && 4 * Parameters.count(Parameters.layout(config)) >= readFromMemory
    /** What a team exchanges; it takes all workers, so that there is one at a time. */
    let teamMemory: SharedArrayBuffer | null = null

    const generate: PolicyService["generate"] = (requests, { logprobsOf = "raw", maxSequences, ...params }) => {
      const { stopStrings: strings, ...law } = SamplingParams.make(params)
      const positions = Math.max(0, ...requests.map(({ prompt }) => prompt.length)) + law.maxTokens
      const total = requests.reduce((sum, { streams }) => sum + streams.length, 0)
      const atOnce = maxSequences ?? sequencesAtOnce(positions)
      const rounds = Math.ceil(total / (pool.size * atOnce))
      const generatePiece = (options: Generate.Options) => (piece: ReadonlyArray<Generate.Request>) =>
        pool.withWorker((lease) =>
          lease
            .run({ kind: "generate", version: version(), requests: piece, options })
            .pipe(Effect.map((result) => result as ReadonlyArray<ReadonlyArray<Generate.Sampled>>)),
        )
      const alone = (options: Generate.Options) =>
        Effect.map(
          Effect.forEach(Pieces.cut(requests, pool.size * rounds), generatePiece(options), {
            concurrency: pool.size,
          }),
          (sampled) => Pieces.join(requests, sampled),
        )
      /** All workers on the same rows, where these are too few to give each worker some; null where a worker is busy. */
      const together = (options: Generate.Options) =>
        pool.withAll((leases) => {
          const memory = (teamMemory ??= Team.memory(PackedWeights.widest(config)))
          Team.clear(memory)
          const jobs = leases.map((lease, rank) =>
            Effect.result(
              lease.run({
                kind: "generate",
                version: version(),
                requests,
                options,
                seat: { memory, rank, size: leases.length },
              }),
            ),
          )
          return Effect.flatMap(Effect.all(jobs, { concurrency: "unbounded" }), firstCause)
        })
      const options: Generate.Options = { ...law, logprobsOf, stops: tokenizer.stops }
      const complete =
        strings.length === 0
          ? Effect.succeed(options)
          : Effect.map(tokenTable, (table): Generate.Options => ({ ...options, stopStrings: { strings, table } }))
      const few = large && total > 0 && total < pool.size
      return Effect.gen(function* () {
        const all = yield* complete
        return (few ? yield* together(all) : null) ?? (yield* alone(all))
      })
    }
    return generate
  })
