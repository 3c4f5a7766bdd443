/** Moves episodes on: opens them, samples an action of each, takes it in the environment, and copies their state. */
import { Cause, Effect, Exit, Scope } from "effect"
import type { Completion } from "../Completion.ts"
import * as Environment from "../Environment.ts"
import { SamplerError } from "../RolloutError.ts"
import * as Sampler from "../Sampler.ts"
import * as SamplingParams from "../SamplingParams.ts"
import * as Verdict from "../Verdict.ts"
import * as Line from "./Line.ts"

/** How an action is sampled. */
type Law = Parameters<Sampler.Turns["sample"]>[1]

export const make = (
  environment: Environment.EnvironmentService,
  turns: Sampler.Turns,
  { answerSeconds, episodeSeconds, maxTurns }: Record<"answerSeconds" | "episodeSeconds" | "maxTurns", number>,
  wanted: Sampler.SampleOptions,
) => {
  const sampling = SamplingParams.make(wanted)
  const logprobs = wanted.logprobsOf === undefined ? {} : { logprobsOf: wanted.logprobsOf }

  /** What the environment answers; whatever goes wrong in it is the line's failure, and the answer null. */
  const ask = <A>(line: Line.Line, effect: Effect.Effect<A, Environment.EnvironmentError, Scope.Scope>) =>
    effect.pipe(
      Scope.provide(line.scope),
      Effect.timeoutOrElse({
        duration: `${answerSeconds} seconds`,
        orElse: () =>
          Effect.fail(
            new Environment.EnvironmentError({
              environment: environment.name,
              reason: `did not answer within ${answerSeconds} seconds`,
            }),
          ),
      }),
      Effect.catchCause((cause) => {
        if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
        const error = Cause.squash(cause)
        return Effect.sync((): null => {
          Line.fail(line, error instanceof Error ? error.message : String(error))
          return null
        })
      }),
    )

  /** Gives back what ended lines hold. */
  const release = (lines: ReadonlyArray<Line.Line>) =>
    Effect.forEach(
      lines.filter((line) => !Line.isUnderWay(line)),
      ({ scope }) => Scope.close(scope, Exit.void),
      { discard: true },
    )

  const open = Effect.fn("Episodes.open")(function* (asked: Sampler.Asked, k: number, scope: Scope.Scope) {
    const line = Line.make({
      row: asked.problem,
      seed: `${asked.stream}/environment`,
      stream: `${asked.stream}/${k}`,
      scope: yield* Scope.fork(scope),
    })
    line.episode = yield* ask(line, environment.open(line.row, line.seed))
    if (line.episode !== null) yield* Line.read(turns, line, line.episode.observation)
    return line
  })

  /** An action of each line that has room for one; the others end. */
  const act = Effect.fn("Episodes.act")(function* (lines: ReadonlyArray<Line.Line>) {
    const batches = new Map<string, { readonly law: Law; readonly lines: Array<Line.Line> }>()
    for (const line of lines) {
      const { budget = Infinity, stopStrings = sampling.stopStrings } = line.observation ?? {}
      const maxTokens = Math.min(sampling.maxTokens, budget)
      const length = line.prompt.length + line.tail.length
      if (length === 0)
        Line.fail(line, `problem ${line.row.id}: the first observation is empty; give at least one token`)
      else if (length + maxTokens > (turns.positions ?? Infinity)) {
        if (line.turns > 0) line.stop = "context-full"
        else
          Line.fail(
            line,
            `problem ${line.row.id}: the first observation takes ${length} tokens and an action ${maxTokens}, the model has ${turns.positions} positions; lower maxTokens`,
          )
      }
      if (!Line.isUnderWay(line)) continue
      const key = JSON.stringify([maxTokens, stopStrings])
      const batch = batches.get(key) ?? { law: { ...sampling, ...logprobs, maxTokens, stopStrings }, lines: [] }
      batch.lines.push(line)
      batches.set(key, batch)
    }
    const answers: Array<readonly [Line.Line, Completion]> = []
    for (const { law, lines } of batches.values()) {
      const asked = lines.map((line) => ({
        prompt: Line.context(line),
        stream: `${line.stream}/turn-${line.turns}`,
      }))
      const sampled = yield* turns.sample(asked, law)
      const other = sampled.find(({ policyVersion }) => policyVersion !== turns.policyVersion)
      if (other !== undefined)
        return yield* new SamplerError({
          problem: null,
          reason: `a turn was sampled by policy ${other.policyVersion}, and the episode began with ${turns.policyVersion}; one policy must sample all turns`,
          retryable: false,
        })
      for (const [i, line] of lines.entries()) answers.push([line, sampled[i]])
    }
    return answers
  })

  /** Takes an action in a line, and reads what the environment answers. */
  const take = Effect.fn("Episodes.take")(function* (line: Line.Line, answer: Completion, started: number) {
    const { episode } = line
    if (episode === null) return
    Line.say(line, answer)
    const action: Environment.Action = { text: answer.text, tokens: answer.tokens, finish: answer.finish }
    line.actions = [...line.actions, action]
    const result = yield* ask(line, episode.step(action))
    if (result === null) return
    line.reward += result.reward ?? 0
    const metrics = { ...line.metrics }
    for (const [name, value] of Object.entries(result.metrics ?? {})) metrics[name] = (metrics[name] ?? 0) + value
    line.metrics = metrics
    line.correct = result.correct ?? line.reward >= 1
    const refusal = Verdict.scoreRefusal(line.reward)
    if (refusal !== null)
      return Line.fail(line, `${environment.name} gave a reward of ${result.reward}; the sum ${refusal}`)
    if (result.done !== "no") line.stop = result.stop ?? (answer.finish === "length" ? "length" : result.done)
    else if (line.turns >= maxTurns) line.stop = "turn-limit"
    else if (result.observation === undefined)
      Line.fail(line, `${environment.name} continues without an observation; give one, or end the episode`)
    else if ((performance.now() - started) / 1000 > episodeSeconds) line.stop = "wall-clock"
    else yield* Line.read(turns, line, result.observation)
  })

  /** Takes an action in each of these, at once. */
  const takeAll = (answers: ReadonlyArray<readonly [Line.Line, Completion]>, started: number) =>
    Effect.forEach(answers, ([line, answer]) => take(line, answer, started), {
      concurrency: "unbounded",
      discard: true,
    }).pipe(Effect.andThen(release(answers.map(([line]) => line))))

  const play = Effect.fn("Episodes.play")(function* (lines: ReadonlyArray<Line.Line>, started: number) {
    yield* release(lines)
    for (let going = lines.filter(Line.isUnderWay); going.length > 0; going = going.filter(Line.isUnderWay)) {
      const answers = yield* act(going)
      yield* takeAll(answers, started)
      yield* release(going)
    }
  })

  /** A copy of a line's state that draws from another stream. */
  const fork = Effect.fn("Episodes.fork")(function* (line: Line.Line, stream: string, scope: Scope.Scope) {
    const { actions, episode, observation, row, seed } = line
    const to = Line.branch(line, { stream, scope: yield* Scope.fork(scope) }, null)
    if (episode === null || observation === null) return to
    to.episode = yield* ask(to, Environment.fork(environment, episode, { row, seed, actions, observation }))
    return to
  })

  return { sampling, open, act, takeAll, play, fork }
}
