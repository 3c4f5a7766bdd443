/** What is measured of each model: the batches that all sides get. */
import type * as Models from "../shared/Models.ts"

/** A training step over sequences of `time` tokens after the first. */
export interface Train {
  readonly rows: number
  readonly time: number
}

/** Responses of `newTokens` tokens, eight to a prompt. */
export interface Decode {
  readonly rows: number
  readonly promptTokens: number
  readonly newTokens: number
}

/** A whole step of a run. */
export interface Step {
  readonly prompts: number
  readonly groupSize: number
  readonly promptTokens: number
  readonly newTokens: number
}

/** One batch of each kind, for a backend alone. */
export interface Batches {
  readonly train: Train
  readonly decode: Decode
}

export interface Work {
  readonly rounds: number
  readonly train: Train
  readonly decode: ReadonlyArray<Decode>
  readonly step: Step | null
  /** For backends that would take minutes. */
  readonly little: Batches
  /** A GPU needs thousands of sequences at once to be busy. */
  readonly gpu: Batches
  readonly roofline: {
    readonly repeats: number
    readonly train: Train
    readonly decode: { readonly samples: ReadonlyArray<number>; readonly newTokens: number }
  }
}

export const works = {
  "llama-812k": {
    rounds: 7,
    train: { rows: 256, time: 64 },
    decode: [
      { rows: 256, promptTokens: 1, newTokens: 63 },
      { rows: 8, promptTokens: 1, newTokens: 63 },
    ],
    step: { prompts: 32, groupSize: 8, promptTokens: 16, newTokens: 48 },
    little: { train: { rows: 8, time: 8 }, decode: { rows: 8, promptTokens: 1, newTokens: 8 } },
    gpu: { train: { rows: 512, time: 64 }, decode: { rows: 4096, promptTokens: 16, newTokens: 48 } },
    roofline: { repeats: 9, train: { rows: 16, time: 64 }, decode: { samples: [16, 4], newTokens: 48 } },
  },
  "llama-100m": {
    rounds: 5,
    train: { rows: 16, time: 64 },
    decode: [
      { rows: 32, promptTokens: 16, newTokens: 32 },
      { rows: 8, promptTokens: 16, newTokens: 32 },
    ],
    step: null,
    little: { train: { rows: 8, time: 16 }, decode: { rows: 8, promptTokens: 8, newTokens: 8 } },
    gpu: { train: { rows: 64, time: 128 }, decode: { rows: 512, promptTokens: 16, newTokens: 48 } },
    roofline: { repeats: 2, train: { rows: 8, time: 128 }, decode: { samples: [16, 4], newTokens: 16 } },
  },
} satisfies Partial<Record<Models.Name, Work>>

export type Name = keyof typeof works

export const names = Object.keys(works) as ReadonlyArray<Name>
