/** A whole engine in fifty lines: a bigram-free softmax policy over digits, one row of logits per position. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Completion, Sampler, SamplingParams, Seed, type Sequence, Verifier } from "@lpo/rollout"
import { Learner } from "@lpo/trainer"
import { Effect, Layer, Stream } from "effect"

const positions = 2
const vocabulary = 5

export const makeEngine = (
  options: {
    readonly onSample?: (step: number) => void
    /** What happened, in order. */
    readonly onEvent?: (event: string) => void
    /** Samples from the weights as published `behind` publications ago, rather than from those in training. */
    readonly pinned?: { readonly behind: number }
    /** Runs before each group comes out. */
    readonly delay?: (problem: string) => Effect.Effect<void>
    /** The version that completions claim, by default the published one. */
    readonly claim?: number
    /** Told the name of every stream that a completion is drawn from. */
    readonly onDraw?: (stream: string) => void
    /** What the learner says of itself; true unless given. */
    readonly tempers?: boolean
    /** The sampler gives log-probs of the policy whatever is asked. */
    readonly rawOnly?: boolean
    /** Told the weights of every sequence. */
    readonly onWeigh?: (sequence: Sequence.Sequence, weights: Float32Array) => void
  } = {},
) => {
  const logits = new Float64Array(positions * vocabulary)
  const gradient = new Float64Array(logits.length)
  let version = 0
  let samples = 0
  const published: Array<typeof logits> = []
  // Places repeat, so that actions and observations of two digits each keep to them.
  const logprob = (t: number, token: number, weights = logits, temperature = 1): number => {
    const at = t % positions
    const row = weights.subarray(at * vocabulary, (at + 1) * vocabulary).map((v) => v / temperature)
    const max = Math.max(...row)
    return row[token] - max - Math.log(row.reduce((sum, v) => sum + Math.exp(v - max), 0))
  }
  const draw = (
    name: string,
    weights: typeof logits,
    policyVersion: number,
    { logprobsOf = "raw", temperature = 1 }: Pick<Sampler.SampleOptions, "logprobsOf" | "temperature"> = {},
  ): Completion.Completion => {
    options.onDraw?.(name)
    const random = Seed.stream(name)
    const tokens = Int32Array.from({ length: positions }, (_, t) => {
      let u = random.uniform()
      for (let token = 0; token < vocabulary; token++)
        if ((u -= Math.exp(logprob(t, token, weights, temperature))) < 0) return token
      return vocabulary - 1
    })
    return {
      tokens,
      text: tokens.join(""),
      logprobs: Float32Array.from(tokens, (token, t) =>
        logprob(t, token, weights, logprobsOf === "raw" ? 1 : temperature),
      ),
      finish: "stop",
      policyVersion,
      logprobsOf,
      sampling: SamplingParams.make({ maxTokens: positions, temperature }),
    }
  }
  const sampler = Layer.succeed(Sampler.Sampler, {
    pinsPolicy: options.pinned !== undefined,
    turns: Effect.sync((): Sampler.Turns => {
      const digits = (text: string) => Effect.succeed(Int32Array.from(text, Number))
      const weights = logits.slice()
      const policyVersion = version
      return {
        policyVersion,
        positions: null,
        encode: (prompt) => digits(typeof prompt === "string" ? prompt : "0"),
        encodeText: digits,
        between: () => Effect.succeed(null),
        sample: (asked, law) => Effect.sync(() => asked.map(({ stream }) => draw(stream, weights, policyVersion, law))),
      }
    }),
    sample: (problems, { groupSize, logprobsOf, seed, temperature }) => {
      options.onSample?.(samples++)
      options.onEvent?.(`sample ${seed}`)
      const pinned =
        options.pinned === undefined ? logits : published[Math.max(0, published.length - 1 - options.pinned.behind)]
      const policyVersion = options.claim ?? version
      return Stream.fromIterable(Sampler.asked(problems, seed)).pipe(
        Stream.mapEffect(
          ({ place, problem, stream }) =>
            Effect.as(options.delay?.(problem.id) ?? Effect.void, {
              problem,
              place,
              promptTokens: Int32Array.of(0),
              completions: Array.from({ length: groupSize }, (_, k) =>
                draw(`${stream}/${k}`, pinned, policyVersion, {
                  ...(temperature === undefined ? {} : { temperature }),
                  ...(logprobsOf === undefined || options.rawOnly === true ? {} : { logprobsOf }),
                }),
              ),
            }),
          { concurrency: "unbounded", unordered: true },
        ),
      )
    },
  })
  const rowOf = ({ completion, temperature }: Sequence.Sequence): Float32Array =>
    Float32Array.from(completion, (token, t) => logprob(t, token, logits, temperature))
  const learner = Layer.succeed(Learner.Learner, {
    tempers: options.tempers ?? true,
    logprobs: (sequences) => Effect.succeed(sequences.map(rowOf)),
    accumulate: (groups, weigh) =>
      Effect.sync(() => {
        for (const [i, group] of groups.entries()) {
          const weights = weigh(i, group.map(rowOf))
          for (const [k, sequence] of group.entries()) options.onWeigh?.(sequence, weights[k])
          for (const [k, { completion, temperature = 1 }] of group.entries())
            for (const [t, token] of completion.entries())
              for (let v = 0; v < vocabulary; v++)
                gradient[(t % positions) * vocabulary + v] +=
                  (weights[k][t] * ((v === token ? 1 : 0) - Math.exp(logprob(t, v, logits, temperature)))) / temperature
        }
        return { tokens: groups.length }
      }),
    step: ({ learningRate }) =>
      Effect.sync(() => {
        const gradNorm = Math.hypot(...gradient)
        for (const [i, g] of gradient.entries()) logits[i] += learningRate * g
        gradient.fill(0)
        return { gradNorm }
      }),
    publish: Effect.sync(() => {
      published.push(logits.slice())
      options.onEvent?.(`publish ${version + 1}`)
      return ++version
    }),
    save: (folder) => Effect.sync(() => writeFileSync(join(folder, "logits.bin"), Buffer.from(logits.buffer))),
    restore: (folder) =>
      Effect.sync(() => logits.set(new Float64Array(new Uint8Array(readFileSync(join(folder, "logits.bin"))).buffer))),
  })
  /** Right when the two digits are the problem's answer; 4 first makes the verifier give up. */
  const verifier = Layer.succeed(Verifier.Verifier, {
    verify: (problem, { text }) =>
      Effect.succeed(
        text.startsWith("4")
          ? { status: "timeout" as const, score: 0, correct: false, key: null }
          : {
              status: "ok" as const,
              score: text === problem.answer ? 1 : 0,
              correct: text === problem.answer,
              key: text,
            },
      ),
  })
  return { logits, layer: Layer.mergeAll(sampler, learner, verifier) }
}

export const problems = Array.from({ length: 6 }, (_, i) => ({
  id: `p${i}`,
  task: "digits",
  prompt: "?",
  answer: "23",
}))
