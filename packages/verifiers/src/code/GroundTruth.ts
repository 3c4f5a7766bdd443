/**
 * The ground truth of a programming problem, in the form of PRIME (Eurus-2-RL-Data, APPS, TACO, CodeContests): a JSON string, or the
 * object itself, with `inputs` and `outputs`, as many of each. Without `fn_name` they are texts for standard input and output. With it
 * each input has one JSON value per line, the arguments of that function, and each output is one JSON value.
 *
 * Ours besides: `language`, for programs that are not in Python.
 */
import { Result, Schema } from "effect"
import { Language, type Test } from "../sandbox/Sandbox.ts"
import * as Value from "./Value.ts"

/** @category models */
export const GroundTruth = Schema.Struct({
  inputs: Schema.Array(Schema.String),
  outputs: Schema.Array(Schema.String),
  fn_name: Schema.optionalKey(Schema.NullOr(Schema.String)),
  language: Schema.optionalKey(Language),
})
/** @category models */
export type GroundTruth = typeof GroundTruth.Type

const decodeTruth = Schema.decodeUnknownResult(GroundTruth, { errors: "all" })

/** The object of a JSON string; anything else stays what it is. @category decoding */
export const parse = (answer: unknown): Result.Result<unknown, string> => {
  if (typeof answer !== "string") return Result.succeed(answer)
  try {
    return Result.succeed(JSON.parse(answer))
  } catch (cause) {
    return Result.fail(`the ground truth is not JSON: ${(cause as Error).message}`)
  }
}

/**
 * The ground truth, fit to judge by: at least one test, as many outputs as inputs, values that are JSON where a function is called.
 * Otherwise in one line what is wrong with it.
 *
 * @category decoding
 */
export const decode = (answer: unknown): Result.Result<GroundTruth, string> =>
  Result.flatMap(parse(answer), (value): Result.Result<GroundTruth, string> => {
    const truth = decodeTruth(value)
    if (Result.isFailure(truth))
      return Result.fail(`the ground truth does not decode: ${oneLine(truth.failure.message)}`)
    const { fn_name: name, inputs, language, outputs } = truth.success
    if (inputs.length === 0) return Result.fail("the ground truth has no tests: nothing can be right or wrong")
    if (inputs.length !== outputs.length)
      return Result.fail(`the ground truth has ${inputs.length} inputs and ${outputs.length} outputs`)
    if (typeof name !== "string") return Result.succeed(truth.success)
    const identifier =
      language === undefined || language === "python" ? /^[\p{L}_][\p{L}\p{N}_]*$/u : /^[A-Za-z_$][\w$]*$/
    if (!identifier.test(name)) return Result.fail(`fn_name is ${JSON.stringify(name)}; give the name of a function`)
    for (const [i, input] of inputs.entries()) {
      const bad = [...lines(input), outputs[i]].find((text) => Value.fromJson(text) === undefined)
      if (bad !== undefined) return Result.fail(`test ${i + 1} calls ${name}, and ${clip(bad)} is not JSON`)
    }
    return Result.succeed(truth.success)
  })

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ")

/** A text, cut and quoted, for people. @category formatting */
export const clip = (text: string, length = 80): string =>
  JSON.stringify(text.length <= length ? text : `${text.slice(0, length)}...`)

const lines = (input: string): ReadonlyArray<string> => input.split("\n").filter((line) => line.trim() !== "")

/** The tests, without what they expect. @category conversion */
export const tests = ({ fn_name: name, inputs }: Pick<GroundTruth, "fn_name" | "inputs">): ReadonlyArray<Test> =>
  inputs.map((input) =>
    typeof name === "string" ? { kind: "call", name, args: lines(input) } : { kind: "stdin", stdin: input },
  )
