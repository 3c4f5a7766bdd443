/** The engines, by the name that `--engine` takes: one line each. */
import { embedded } from "./embedded.ts"
import type { Engine } from "./Engine.ts"
import { hybrid } from "./hybrid.ts"
import { tinker } from "./tinker.ts"

export { type Adapted, EngineError, type Engine, type Flags, type Opened } from "./Engine.ts"

export const engines: Readonly<Record<string, Engine>> = { embedded, tinker, hybrid }
