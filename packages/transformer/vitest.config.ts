import { fileURLToPath } from "node:url"
import { type ConfigEnv, mergeConfig } from "vitest/config"
import shared from "../../vitest.shared.ts"

const setup = fileURLToPath(new URL("test/setup.ts", import.meta.url))

export default (env: ConfigEnv) => mergeConfig(shared(env), { test: { setupFiles: [setup] } })
