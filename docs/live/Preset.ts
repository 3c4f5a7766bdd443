/** The preset countdown-tiny as the program trains it: its task, its model and the sizes of a step. */
import * as Countdown from "@lpo/verifiers/Countdown"
import * as ModelConfig from "@lpo/transformer/ModelConfig"
import * as Tokenizer from "@lpo/transformer/Tokenizer"
import type * as TrainConfig from "@lpo/trainer/TrainConfig"
import preset from "../../apps/polaris/presets/countdown-tiny.json" with { type: "json" }

const { parameters } = preset.task
const space: Countdown.Space = { ...parameters, operators: ["+", "-", "*"] }
const options: Countdown.Options = { from: space, operators: space.operators, style: "words", extract: "whole" }

export const tokenizer = Tokenizer.words(Countdown.words(space))

export const modelConfig = ModelConfig.decode({ ...preset.model.shape, vocab_size: tokenizer.vocabSize })

/** The puzzles to train on, in the order of the program's runs. */
export const problems = () => Countdown.generate({ side: "train", seed: preset.name }, options)

/** The strict verifier. */
export const verifier = Countdown.layer(options)

/** Everything of a step's size that the preset says. */
export const sizes = {
  promptsPerStep: preset.train.promptsPerStep,
  groupSize: preset.train.groupSize,
  maxTokens: preset.train.maxTokens,
  epochs: preset.train.epochs,
  miniBatches: preset.train.miniBatches,
} satisfies Partial<TrainConfig.TrainConfig>
