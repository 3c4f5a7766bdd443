/**
 * Groups of episodes: an environment and a sampler become a sampler whose completions are whole episodes, so that everything that
 * takes groups takes these.
 *
 * All episodes of a list of problems go on together, a turn at a time, so that an engine gets as many prompts at once as there are
 * episodes. The members of a group open the same state; their draws come from streams of their own, `<stream>/<k>/turn-<n>`.
 *
 * @module
 */
import { Effect, Layer, Stream } from "effect"
import type { Completion } from "./Completion.ts"
import * as Environment from "./Environment.ts"
import type { Group } from "./Group.ts"
import * as Line from "./internal/Line.ts"
import * as Play from "./internal/Play.ts"
import { SamplerError } from "./RolloutError.ts"
import * as Sampler from "./Sampler.ts"
import * as SamplingParams from "./SamplingParams.ts"
import * as Seed from "./Seed.ts"

/** Groups of continuations of one state: local simplices. @category models */
export interface Steps {
  /** Most states of an episode that get a group; its first ones. */
  readonly depth: number
  /** Rollouts to the end behind each continuation; its return is their mean. */
  readonly rollouts: number
}

/** @category models */
export interface Options {
  /** Most actions of an episode. */
  readonly maxTurns: number
  /** Null: a group has K episodes. Otherwise K actions at a state, which are followed to the end. Default null. */
  readonly steps?: Steps | null
  /** Longest time for one answer of the environment, seconds; then it has failed. Default 60. */
  readonly answerSeconds?: number
  /** Longest time of an episode, seconds; what it then is depends on the machine. Default none. */
  readonly episodeSeconds?: number
  /** Episodes under way at once. Default 512. */
  readonly atOnce?: number
}

/** Why the options cannot be; null when they can. @category predicates */
export const refusal = ({ maxTurns, steps = null }: Options): string | null => {
  if (!(Number.isInteger(maxTurns) && maxTurns >= 1)) return `maxTurns is ${maxTurns}; give a whole number from 1`
  if (steps === null) return null
  for (const key of ["depth", "rollouts"] as const)
    if (!(Number.isInteger(steps[key]) && steps[key] >= 1))
      return `steps.${key} is ${steps[key]}; give a whole number from 1`
  return null
}

const make = (
  environment: Environment.EnvironmentService,
  turns: Sampler.Turns,
  options: Options,
  wanted: Sampler.SampleOptions,
) => {
  const { answerSeconds = 60, episodeSeconds = Infinity, maxTurns } = options
  const limits = { answerSeconds, episodeSeconds, maxTurns }
  const { act, fork, open, play, sampling, takeAll } = Play.make(environment, turns, limits, wanted)

  const groupOf = (asked: Sampler.Asked, prompt: Int32Array, lines: ReadonlyArray<Line.Line>): Group => ({
    problem: asked.problem,
    place: asked.place,
    promptTokens: prompt,
    completions: lines.map((line) => Line.completion(line, sampling, turns.policyVersion)),
  })

  const sameStart = (lines: ReadonlyArray<Line.Line>): Int32Array => {
    const first = lines.find(({ prompt }) => prompt.length > 0)?.prompt ?? new Int32Array(1)
    for (const line of lines)
      if (Line.isUnderWay(line) && line.prompt.join() !== first.join())
        Line.fail(line, `${environment.name} opened problem ${line.row.id} in two different states from one seed`)
    return first
  }

  /** K episodes of each problem. */
  const whole = (asked: ReadonlyArray<Sampler.Asked>) =>
    Effect.gen(function* () {
      const started = performance.now()
      const scope = yield* Effect.scope
      const members = yield* Effect.forEach(
        asked,
        (one) =>
          Effect.forEach(
            Array.from({ length: wanted.groupSize }, (_, k) => k),
            (k) => open(one, k, scope),
            {
              concurrency: "unbounded",
            },
          ),
        { concurrency: "unbounded" },
      )
      const prompts = members.map(sameStart)
      yield* play(members.flat(), started)
      return asked.map((one, i) => groupOf(one, prompts[i], members[i]))
    }).pipe(Effect.scoped)

  /** The rollouts of a continuation as one line: the action, and the mean of what they earned. */
  const estimate = (first: Line.Line, rollouts: ReadonlyArray<Line.Line>): Line.Line => {
    const ended = rollouts.filter(({ failure }) => failure === null)
    const mean = (of: (line: Line.Line) => number): number =>
      ended.reduce((sum, line) => sum + of(line), 0) / ended.length
    if (ended.length === 0) return { ...first, stop: "failed", failure: rollouts[0]?.failure ?? first.failure }
    const names = [...new Set(ended.flatMap(({ metrics }) => Object.keys(metrics)))]
    return {
      ...first,
      stop: ended[0].stop,
      failure: null,
      turns: Math.round(mean(({ turns }) => turns)),
      reward: mean(({ reward }) => reward),
      correct: mean(({ correct }) => (correct ? 1 : 0)) > 0.5,
      metrics: Object.fromEntries(names.map((name) => [name, mean(({ metrics }) => metrics[name] ?? 0)])),
    }
  }

  /** A problem that could not be opened is a group of members that failed. */
  const failedGroup = (asked: Sampler.Asked, trunk: Line.Line): Group =>
    groupOf(
      asked,
      new Int32Array(1),
      Array.from({ length: wanted.groupSize }, () => trunk),
    )

  /** K continuations of every state that an episode of each problem passes through, down to a depth. */
  const local = (asked: ReadonlyArray<Sampler.Asked>, { depth, rollouts }: Steps) =>
    Effect.gen(function* () {
      const started = performance.now()
      const scope = yield* Effect.scope
      const trunks = yield* Effect.forEach(asked, (one) => open(one, 0, scope), { concurrency: "unbounded" })
      const groups = asked.map((): Array<Group> => [])
      for (let level = 0; level < depth; level++) {
        const at = (i: number): string => `${asked[i].stream}/level-${level}`
        const going = trunks.flatMap((trunk, i) => (Line.isUnderWay(trunk) ? [i] : []))
        // What each member says first: one action, whatever is then made of it.
        const firsts = new Map(
          going.map((i) => [
            i,
            Array.from({ length: wanted.groupSize }, (_, k) =>
              Line.branch(trunks[i], { stream: `${at(i)}/${k}`, scope: trunks[i].scope }, null),
            ),
          ]),
        )
        const answers = new Map(yield* act([...firsts.values()].flat()))
        const played = new Map<Line.Line, ReadonlyArray<Line.Line>>()
        const begun: Array<readonly [Line.Line, Completion]> = []
        for (const i of going)
          for (const member of firsts.get(i) ?? []) {
            const answer = answers.get(member)
            if (answer === undefined) continue
            const copies = yield* Effect.forEach(
              Array.from({ length: rollouts }, (_, m) => m),
              (m) => fork(trunks[i], `${member.stream}/rollout-${m}`, scope),
              { concurrency: "unbounded" },
            )
            Line.say(member, answer)
            played.set(member, copies)
            for (const copy of copies) if (Line.isUnderWay(copy)) begun.push([copy, answer])
          }
        yield* takeAll(begun, started)
        yield* play([...played.values()].flat(), started)
        const next: Array<readonly [Line.Line, Completion]> = []
        for (const i of going) {
          const members = firsts.get(i) ?? []
          const chosen = members[Seed.stream(`${at(i)}/trunk`).int(0, wanted.groupSize - 1)]
          const answer = answers.get(chosen)
          // No room for an action: at the first state a group that has failed, later the end.
          if (answer === undefined) trunks[i].stop = "context-full"
          else next.push([trunks[i], answer])
          if (answer === undefined && level > 0) continue
          const lines = members.map((member) => estimate(member, played.get(member) ?? []))
          groups[i].push(groupOf(asked[i], Line.context(trunks[i]), lines))
        }
        yield* takeAll(next, started)
      }
      return groups.flatMap((own, i) => (own.length > 0 ? own : [failedGroup(asked[i], trunks[i])]))
    }).pipe(Effect.scoped)

  return (asked: ReadonlyArray<Sampler.Asked>) => {
    const { steps = null } = options
    return steps === null ? whole(asked) : local(asked, steps)
  }
}

/**
 * The sampler of an environment over one that has turns. With {@link Steps} a problem gives a group for every state, the groups of a
 * problem at the same place. `maxTokens` and `stopStrings` are those of one action.
 *
 * @category constructors
 */
export const sampler = (
  inner: Sampler.SamplerService,
  environment: Environment.EnvironmentService,
  options: Options,
): Sampler.SamplerService => ({
  pinsPolicy: inner.pinsPolicy ?? false,
  sample: (problems, wanted) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const fail = (reason: string) => new SamplerError({ problem: null, reason, retryable: false })
        const reason = refusal(options) ?? SamplingParams.refusal(SamplingParams.make(wanted))
        if (reason !== null) return yield* fail(reason)
        if (inner.turns === undefined)
          return yield* fail(
            "this sampler does not take prompts of tokens, which episodes of several turns need; use another",
          )
        const run = make(environment, yield* inner.turns, options, wanted)
        const { atOnce = 512, steps = null } = options
        const members = wanted.groupSize * (steps?.rollouts ?? 1)
        const size = Math.max(1, Math.floor(atOnce / members))
        const asked = Sampler.asked(problems, wanted.seed)
        const parts = Array.from({ length: Math.ceil(asked.length / size) }, (_, i) =>
          asked.slice(i * size, (i + 1) * size),
        )
        return Stream.fromIterable(parts).pipe(Stream.mapEffect(run), Stream.flattenIterable)
      }),
    ),
})

/** {@link sampler} as a layer over the engine's. @category layers */
export const layer = (
  options: Options,
): Layer.Layer<Sampler.Sampler, never, Sampler.Sampler | Environment.Environment> =>
  Layer.effect(
    Sampler.Sampler,
    Effect.gen(function* () {
      return sampler(yield* Sampler.Sampler, yield* Environment.Environment, options)
    }),
  )
