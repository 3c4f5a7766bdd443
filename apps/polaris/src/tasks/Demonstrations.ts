/**
 * Imperfect demonstrations, from which a model learns its words and methods from scratch, the right one among others:
 * reinforcement learning then has something to choose from.
 */
import { Seed } from "@lpo/rollout"
import { Tokenizer } from "@lpo/transformer"
import { Effect } from "effect"
import type { Tiny } from "./Domain.ts"

/** How exercises of a task are demonstrated; every text is of words with spaces between them. */
export interface Teacher<E> {
  /** The exercises to train on: none that is held out. */
  readonly exercises: ReadonlyArray<E>
  /** The prompt; `stream` names the draws of one that is put in several ways. */
  readonly ask: (exercise: E, stream: string) => string
  readonly right: (exercise: E, random: Seed.Random) => string
  readonly other: (exercise: E, random: Seed.Random) => string
}

/** One of the items, each as likely. */
export const pick = <A>(items: ReadonlyArray<A>, random: Seed.Random): A => items[random.int(0, items.length - 1)]

/** The material of a task with this vocabulary; the teacher is made when it is first needed. */
export const tiny = <E>(vocabulary: ReadonlyArray<string>, teacher: () => Teacher<E>): Tiny => {
  const tokenizer = Tokenizer.words(vocabulary)
  const encode = (text: string): Int32Array => Effect.runSync(tokenizer.encode(text))
  return {
    tokenizer,
    demonstrations: () => {
      const { ask, exercises, other, right } = teacher()
      return (size, correctShare, name) => {
        const random = Seed.stream(name)
        return Array.from({ length: size }, (_, i) => {
          const exercise = pick(exercises, random)
          const text = random.uniform() < correctShare ? right(exercise, random) : other(exercise, random)
          return {
            prompt: encode(ask(exercise, `${name}/${i}`)),
            completion: Int32Array.of(...encode(text), tokenizer.stops[0]),
          }
        })
      }
    },
  }
}
