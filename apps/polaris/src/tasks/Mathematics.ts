/** Mathematics as this program trains it. */
import { Mathematics } from "@lpo/verifiers"
import * as Rows from "./Rows.ts"

export const make = Rows.make(Mathematics.name, (reads) => Mathematics.task({ style: Rows.styleOf(reads) }))
