/**
 * The ground truth of a programming problem, in the form of PRIME (Eurus-2-RL-Data, APPS, TACO, CodeContests): a JSON string, or the
 * object itself, with `inputs` and `outputs`, as many of each. Without `fn_name` they are texts for standard input and output. With it
 * each input has one JSON value per line, the arguments of that function, and each output is one JSON value.
 *
 * Data sets hold values in place of texts too: a list of lines for standard input or output, a list of arguments and the value itself
 * for a call, a number for its text. They are read as what they stand for.
 *
 * Ours besides: `language`, for programs that are not in Python.
 *
 * @module
 */
import { Received } from "@lpo/rollout"
import { Result, Schema } from "effect"
import { Language, type Test } from "../sandbox/Sandbox.ts"
import * as Value from "./Value.ts"

/** What is read. @category models */
const Row = Schema.Struct({
  inputs: Schema.Array(Schema.Unknown),
  outputs: Schema.Array(Schema.Unknown),
  fn_name: Schema.optionalKey(Schema.NullOr(Schema.String)),
  language: Schema.optionalKey(Language),
})

/** The ground truth, all of its tests as texts. @category models */
export interface GroundTruth extends Omit<typeof Row.Type, "inputs" | "outputs"> {
  readonly inputs: ReadonlyArray<string>
  readonly outputs: ReadonlyArray<string>
}

const decodeRow = Schema.decodeUnknownResult(Row)

type Parse = (
  text: string,
  reviver: (key: string, value: unknown, context?: { readonly source?: string }) => unknown,
) => unknown
const rawJson = (JSON as unknown as { readonly rawJSON: (text: string) => unknown }).rawJSON

/** The object of a JSON string, numbers with all their digits; anything else stays what it is. @category decoding */
export const parse = (answer: unknown): Result.Result<unknown, string> => {
  if (typeof answer !== "string") return Result.succeed(answer)
  try {
    return Result.succeed(
      (Received.parse as Parse)(answer, (_, value, { source } = {}) =>
        typeof value === "number" && source !== undefined && source !== String(value) ? rawJson(source) : value,
      ),
    )
  } catch (cause) {
    return Result.fail(`the ground truth is not JSON: ${(cause as Error).message}`)
  }
}

const json = (value: unknown): string => JSON.stringify(value) ?? "null"

/** The text that a script reads or prints. */
const textOf = (value: unknown): string =>
  typeof value === "string"
    ? value
    : Array.isArray(value)
      ? value.map((line) => (Array.isArray(line) ? line.map(textOf).join(" ") : textOf(line))).join("\n")
      : json(value)

/** The arguments of a call, one per line. */
const argumentsOf = (value: unknown): string =>
  typeof value === "string" ? value : Array.isArray(value) ? value.map(json).join("\n") : json(value)

/** What a call returns; text is JSON, unless the arguments were values and it is none. */
const returnOf = (value: unknown, input: unknown): string =>
  typeof value === "string" && (typeof input === "string" || Value.fromJson(value) !== undefined) ? value : json(value)

/**
 * The ground truth, fit to judge by: at least one test, as many outputs as inputs, values that are JSON where a function is called.
 * Otherwise in one line what is wrong with it.
 *
 * @category decoding
 */
export const decode = (answer: unknown): Result.Result<GroundTruth, string> =>
  Result.flatMap(parse(answer), (value): Result.Result<GroundTruth, string> => {
    const row = decodeRow(value)
    if (Result.isFailure(row)) return Result.fail(`the ground truth does not decode: ${oneLine(row.failure.message)}`)
    const { fn_name, inputs, outputs, ...rest } = row.success
    if (inputs.length === 0) return Result.fail("the ground truth has no tests: nothing can be right or wrong")
    if (inputs.length !== outputs.length)
      return Result.fail(`the ground truth has ${inputs.length} inputs and ${outputs.length} outputs`)
    if (typeof fn_name !== "string" || fn_name === "")
      return Result.succeed({ ...rest, inputs: inputs.map(textOf), outputs: outputs.map(textOf) })
    const { language } = rest
    const identifier =
      language === undefined || language === "python" ? /^[\p{L}_][\p{L}\p{N}_]*$/u : /^[A-Za-z_$][\w$]*$/
    if (!identifier.test(fn_name))
      return Result.fail(`fn_name is ${JSON.stringify(fn_name)}; give the name of a function`)
    const truth = {
      ...rest,
      fn_name,
      inputs: inputs.map(argumentsOf),
      outputs: outputs.map((output, i) => returnOf(output, inputs[i])),
    }
    for (const [i, input] of truth.inputs.entries()) {
      const bad = [...lines(input), truth.outputs[i]].find((text) => Value.fromJson(text) === undefined)
      if (bad !== undefined) return Result.fail(`test ${i + 1} calls ${fn_name}, and ${clip(bad)} is not JSON`)
    }
    return Result.succeed(truth)
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
