import { type ConfigEnv, mergeConfig } from "vitest/config"
import shared from "../../vitest.shared.ts"

/** The active backend of TensorFlow.js belongs to the process, and tests change it: each file has a process of its own. */
export default (env: ConfigEnv) => mergeConfig(shared(env), { test: { isolate: true } })
