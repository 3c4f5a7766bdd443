/** Every file begins on WASM: the backend of TensorFlow.js belongs to the process, which files share, and some change it. */
import { Backend } from "@lpo/transformer"
import { Effect } from "effect"
import { beforeAll } from "vitest"

beforeAll(() => Effect.runPromise(Backend.start("wasm")))
