/**
 * One inference server's calls, whichever dialect it speaks: sample, tokenise, load and unload adapters, and the check at
 * the start. Every fault is an `HttpFault`; an answer that shows that the server cannot be used is one with status 200.
 */
import { Effect, type Redacted } from "effect"
import { HttpFault, json, text, unusable } from "../internal/Http.ts"
import type { Message, Problem } from "../Problem.ts"
import * as Received from "../Received.ts"
import * as Probe from "./Probe.ts"
import * as Sglang from "./Sglang.ts"
import * as Vllm from "./Vllm.ts"
import * as SamplingParams from "../SamplingParams.ts"

/** Which weights sample. @category models */
export interface Served {
  /** The LoRA adapter's name; null for the base model. */
  readonly adapter: string | null
  readonly version: number
}

/** @category models */
export interface Settings {
  readonly dialect: "vllm" | "sglang"
  /** The base model's served name. */
  readonly model: string
  readonly key: Redacted.Redacted | undefined
  /** Longest time for one call, seconds. */
  readonly seconds: number
  readonly logprobs: Probe.LogprobsMode
  /** Variables of the chat template. */
  readonly template?: Vllm.Template | undefined
}

/** A prompt as it is sent: token ids, or messages where there are images. @category models */
export type Prompt = { readonly tokens: Int32Array } | { readonly messages: ReadonlyArray<Message> }

/** Whether a prompt holds an image. @category predicates */
export const hasImage = (prompt: Problem["prompt"]): prompt is ReadonlyArray<Message> =>
  typeof prompt !== "string" &&
  prompt.some(({ content }) => typeof content !== "string" && content.some((part) => part.type === "image"))

/** One token of the policy itself. */
const plain: Vllm.Law = { ...SamplingParams.make({ maxTokens: 1 }), stops: [] }

/** More than any server writes for one token: its id, log-prob, text and place, and the prompt's once a completion. */
const bytesPerToken = 1024
const bytesPerAnswer = 2 ** 20
/** Largest answer of `n` completions, in bytes; a text longer than half a GiB is none. */
const answerBytes = (prompt: Prompt, maxTokens: number, n: number): number => {
  // An image's places are not known here.
  const asked = "tokens" in prompt ? prompt.tokens.length : 2 ** 16
  return Math.min(bytesPerAnswer + n * (maxTokens * bytesPerToken + asked * 64), 2 ** 29)
}

/** The fault of a completion that the server did not finish: asking again may help. @category constructors */
export const lostFault = (url: string, { index, reason }: Vllm.Lost): HttpFault =>
  new HttpFault({
    url,
    status: null,
    reason: `completion ${index} is lost: ${reason}`,
    transient: true,
    retryAfter: null,
  })

/** The calls of a server at a base URL. @category constructors */
export const make = (settings: Settings) => {
  const { dialect, key, logprobs, model, seconds, template } = settings
  const nameOf = (served: Served): string => served.adapter ?? model
  const usable = (url: string) => (answer: Vllm.Answer | string) =>
    typeof answer === "string" ? Effect.fail(unusable(url, answer)) : Effect.succeed(answer)

  const sample = (
    base: string,
    served: Served,
    prompt: Prompt,
    law: Vllm.Law,
    n: number,
    seed: number,
  ): Effect.Effect<Vllm.Answer, HttpFault> => {
    const { maxTokens, stopStrings } = law
    const bytes = answerBytes(prompt, maxTokens, n)
    if ("messages" in prompt) {
      const url = `${base}/v1/chat/completions`
      if (dialect === "sglang")
        return Effect.fail(unusable(url, "prompts with images are sampled on vLLM only; give dialect vllm"))
      const body = Vllm.chatBody(nameOf(served), prompt.messages, law, n, seed, template)
      return json(url, Vllm.answers.chat, { body, key, seconds, bytes }).pipe(
        Effect.map((answer) => Vllm.readChat(answer, { model: nameOf(served), n, maxTokens, stopStrings })),
        Effect.flatMap(usable(url)),
      )
    }
    const { tokens } = prompt
    if (dialect === "sglang") {
      const url = `${base}/generate`
      if (law.temperature !== 1)
        return Effect.fail(
          unusable(url, `temperature is ${law.temperature}; SGLang does not say what its log-probs mean then; give 1`),
        )
      const body = Sglang.generateBody(served.adapter, tokens, law, n, seed)
      return json(url, Sglang.GenerateAnswer, { body, key, seconds, bytes }).pipe(
        Effect.map((answer) => Sglang.readGenerate(answer, { prompt: tokens, n, maxTokens })),
        Effect.flatMap(usable(url)),
      )
    }
    const url = `${base}/v1/completions`
    const body = Vllm.completionBody(nameOf(served), tokens, law, n, seed)
    return json(url, Vllm.answers.completion, { body, key, seconds, bytes }).pipe(
      Effect.map((answer) =>
        Vllm.readCompletion(answer, { model: nameOf(served), prompt: tokens, n, maxTokens, stopStrings }),
      ),
      Effect.flatMap(usable(url)),
    )
  }

  const tokenize = (base: string, prompt: Problem["prompt"]): Effect.Effect<Int32Array, HttpFault> =>
    json(`${base}/tokenize`, Vllm.answers.tokens, {
      body: Vllm.tokenizeBody(model, prompt, template),
      key,
      seconds,
    }).pipe(
      Effect.flatMap(({ tokens }) => {
        const refusal = Received.tokensRefusal(tokens)
        return refusal === null
          ? Effect.succeed(Int32Array.from(tokens as ReadonlyArray<number>))
          : Effect.fail(unusable(`${base}/tokenize`, `the prompt's tokens: ${refusal}`))
      }),
    )

  /** Positions that a server has for prompt and response; null where it does not tell. */
  const positions = (base: string): Effect.Effect<number | null, HttpFault> =>
    dialect === "sglang"
      ? Effect.succeed(null)
      : json(`${base}/v1/models`, Vllm.answers.models, { key, seconds }).pipe(
          Effect.map(({ data }) => data.find(({ id }) => id === model)?.max_model_len ?? null),
          Effect.catchIf(
            ({ status }) => status === 404,
            () => Effect.succeed(null),
          ),
        )

  const adapterRoute = (base: string, what: "load" | "unload"): string =>
    dialect === "vllm" ? `${base}/v1/${what}_lora_adapter` : `${base}/${what}_lora_adapter`

  /** Unloads an adapter; one that is not there counts as success. */
  const unload = (base: string, name: string): Effect.Effect<void, HttpFault> =>
    text(adapterRoute(base, "unload"), { body: { lora_name: name }, key, seconds }).pipe(
      Effect.asVoid,
      Effect.catchIf(
        ({ status }) => status === 404 || status === 400,
        () => Effect.void,
      ),
    )

  /**
   * Loads a PEFT folder of the server's file system. A name that is taken (by a run that ended, or by this one before the server's
   * answer was lost) is unloaded first: it may stand for other weights.
   */
  const load = (base: string, name: string, folder: string): Effect.Effect<void, HttpFault> => {
    const url = adapterRoute(base, "load")
    const once = text(url, { body: { lora_name: name, lora_path: folder }, key, seconds }).pipe(Effect.asVoid)
    return once.pipe(
      Effect.catchIf(
        ({ reason, status }) => status === 400 && /already (been )?loaded/i.test(reason),
        () => Effect.andThen(unload(base, name), once),
      ),
      Effect.mapError((fault) => {
        if (fault.status !== 404 || /adapter|lora/i.test(fault.reason)) return fault
        const { reason, retryAfter, status, transient } = fault
        const hint = "start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"
        return new HttpFault({ url, status, transient, retryAfter, reason: `${reason}; ${hint}` })
      }),
    )
  }

  /** The most likely tokens of the position after `tokens`, at a temperature. */
  const alternatives = (base: string, tokens: Int32Array, temperature: number) => {
    const law = { ...plain, temperature }
    const url = `${base}/v1/completions`
    const body = { ...Vllm.completionBody(model, tokens, law, 1, 0), logprobs: 20, return_tokens_as_token_ids: true }
    return json(url, Vllm.answers.completion, { body, key, seconds }).pipe(
      Effect.flatMap((answer) => {
        const read = Vllm.readCompletion(answer, { model, prompt: tokens, n: 1, maxTokens: 1, stopStrings: [] })
        if (typeof read === "string") return Effect.fail(unusable(url, read))
        const alternatives = answer.choices[0]?.logprobs?.top_logprobs?.[0]
        const lost = read.lost[0]
        // What is sampled from logits is lost too; the alternatives say so better.
        if (lost !== undefined && alternatives == null) return Effect.fail(lostFault(url, lost))
        const found = Object.entries(alternatives ?? {})
        return Effect.succeed(
          Object.fromEntries(found.filter((pair): pair is [string, number] => Number.isFinite(pair[1]))),
        )
      }),
    )
  }

  /** Fails unless the server can be trusted with a run: it is up, tells token ids, and its log-probs are of the wanted kind. */
  const check = (base: string, tokens: Int32Array): Effect.Effect<void, HttpFault> =>
    Effect.gen(function* () {
      yield* text(`${base}/health`, { key, seconds: 30 })
      if (dialect === "sglang") {
        yield* sample(base, { adapter: null, version: 0 }, { tokens }, plain, 1, 0)
        return
      }
      const found = Probe.mode(yield* alternatives(base, tokens, 1), yield* alternatives(base, tokens, 2))
      const url = `${base}/v1/completions`
      if ("refused" in found) return yield* unusable(url, found.refused)
      const refusal = Probe.refusal(found.mode, logprobs)
      if (refusal !== null) return yield* unusable(url, refusal)
    })

  return { sample, tokenize, positions, load, unload, check }
}

/** @category models */
export type Client = ReturnType<typeof make>
