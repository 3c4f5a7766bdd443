/**
 * Run in the folder of the packages: the checks of all backends on tfjs-node, and those specific to it. With `--own`, only
 * the latter. With `--gpu`, only tries tfjs-node-gpu after WASM and prints what it says.
 */
import { createRequire } from "node:module"
import { join } from "node:path"
import { Backend, Policy } from "@lpo/transformer"
import type * as Tfjs from "@tensorflow/tfjs-core"
import { Effect, Result } from "effect"
import * as Arguments from "../../bench/shared/Arguments.ts"
import { folder } from "../../bench/tfjs-node/Install.ts"
import { checks, leaks } from "../../packages/transformer/test/backend/checks.ts"
import { config, tokenizer, values } from "../../packages/transformer/test/tiny.ts"
import * as Report from "../shared/Report.ts"

const options = Arguments.read("suite.ts", {
  own: Arguments.flag("only the checks specific to tfjs-node"),
  gpu: Arguments.flag("only try tfjs-node-gpu"),
})

/** The engine's own copy; the one in the working folder belongs to tfjs-node. */
const tf: typeof Tfjs = createRequire(new URL("../../packages/transformer/package.json", import.meta.url))(
  "@tensorflow/tfjs-core",
)
const start = (name: Backend.BackendName) => Effect.runPromise(Effect.result(Backend.start(name)))
const told = Result.match({
  onSuccess: ({ device }: Backend.Started) => device,
  onFailure: ({ message }: { readonly message: string }) => message,
})

if (options.gpu) {
  await start("wasm")
  const result = await start("tfjs-node-gpu")
  console.log(JSON.stringify({ started: Result.isSuccess(result), told: told(result), active: tf.getBackend() }))
  process.exit(0)
}

const expect = (ok: boolean, what: string): void => {
  if (!ok) throw new Error(what)
}

/** The tag and the message of the error that `use` ends with. */
const errorOf = async (use: () => unknown): Promise<{ readonly _tag?: string; readonly message: string }> => {
  try {
    await use()
  } catch (cause) {
    return cause as Error
  }
  throw new Error("nothing failed")
}

const own: ReadonlyArray<Report.Check> = [
  {
    name: "two copies of TensorFlow.js are one engine, and its tensors are this package's",
    run: async () => {
      const theirs = createRequire(join(folder, "package.json"))("@tensorflow/tfjs-node") as typeof Tfjs
      expect(theirs.engine() === tf.engine(), "there are two engines")
      const x = theirs.tensor1d([1, 2, 3])
      expect((await tf.sum(x).data())[0] === 6, "a tensor of the other copy was not computed with")
      x.dispose()
    },
  },
  {
    name: "a tensor holds its values from the moment it is made",
    run: async () => {
      // Several, since TensorFlow shares memory only where it is aligned.
      for (let i = 0; i < 32; i++) {
        const array = new Float32Array(new SharedArrayBuffer(256), 4 * i, 3).fill(1)
        const x = tf.tensor1d(array)
        const before = tf.add(x, 0)
        array.fill(9)
        for (const tensor of [x, before, tf.add(x, 0)]) {
          const read = await tensor.data()
          expect(read.join() === "1,1,1", `${read.join()} after the array was reused`)
          tensor.dispose()
        }
      }
    },
  },
  {
    name: "out of memory is a BackendError that says what to lower, and work continues",
    run: async () => {
      const before = tf.memory().numTensors
      const error = await errorOf(() => tf.tidy(() => tf.matMul(tf.ones([1e6, 1]), tf.ones([1, 1e6]))))
      expect(error._tag === "BackendError" && /out of memory.*lower the micro-batch/.test(error.message), error.message)
      expect(tf.memory().numTensors === before, "tensors are left over")
      expect(tf.tidy(() => tf.sum(tf.ones([4])).dataSync())[0] === 4, "nothing can be computed afterwards")
    },
  },
  {
    name: "an operation that fails is a BackendError with its name",
    run: async () => {
      const operation = () => tf.tidy(() => tf.matMul(tf.ones([2, 3]), tf.ones([2, 3])))
      const error = await errorOf(operation)
      expect(error._tag === "BackendError" && /MatMul/.test(error.message), error.message)
    },
  },
  {
    name: "out of memory in the middle of a policy's work is an EngineError",
    run: async () => {
      // One sequence of 100,000 tokens, whose scores would take 160 GB.
      const pair = { prompt: new Int32Array(100_000), completion: Int32Array.of(2) }
      const policy = Policy.make(config, tokenizer, values(), { workers: 0 })
      const failing = Effect.flatMap(policy, ({ logprobs }) => Effect.flip(logprobs([pair])))
      const error = await Effect.runPromise(Effect.scoped(failing))
      expect(error._tag === "EngineError" && /out of memory/.test(error.message), String(error))
    },
  },
]

const started = await start("tfjs-node")
console.log(`\n${told(started)}, Node ${process.versions.node}\n`)
if (Result.isFailure(started)) process.exit(1)
const report = Report.make("tfjs-node, suite")
await report.run(options.own ? own : [...own, ...checks, leaks(1000)])
report.end()
