/** Geometry3k as this program trains it: its prompts are chats with images. */
import { Geometry3k } from "@lpo/verifiers"
import * as Rows from "./Rows.ts"

export const make = Rows.make(Geometry3k.name, () => Geometry3k.task())
