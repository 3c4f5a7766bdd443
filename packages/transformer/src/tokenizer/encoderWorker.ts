/** The process of `EncoderProcess.ts`: encodes one text after the other. */
import * as Guarded from "@lpo/rollout/Guarded"
import * as Upstream from "./Upstream.ts"

export interface Setup {
  /** `tokenizer.json` and `tokenizer_config.json`. */
  readonly json: object
  readonly config: object
}
export interface Job {
  readonly text: string
  readonly around: boolean
}

Guarded.serve(({ config, json }: Setup) => {
  const tokenizer = Upstream.make(json, config)
  return ({ around, text }: Job) => Int32Array.from(tokenizer.encode(text, { add_special_tokens: around }).ids)
})
