/**
 * A Hugging Face checkpoint: `config.json`, safetensors and tokenizer files, from a local folder or from the hub; and back, as a
 * folder that transformers and vLLM open unchanged.
 *
 * The parameters are read straight into shared memory, which a policy then works on: they are never there twice.
 *
 * @module
 */
import { stat } from "node:fs/promises"
import { join } from "node:path"
import { RegularFile } from "@lpo/rollout"
import { Effect } from "effect"
import type { TokenizerService } from "../tokenizer/Tokenizer.ts"
import * as HfTokenizer from "../tokenizer/HfTokenizer.ts"
import * as Hub from "./Hub.ts"
import { io, readJson, readText, writeText } from "../Files.ts"
import * as Lora from "../model/Lora.ts"
import * as Family from "../model/Family.ts"
import * as ModelConfig from "../model/ModelConfig.ts"
import * as Parameters from "../model/Parameters.ts"
import * as Shards from "./Shards.ts"
import * as Tensors from "../model/Tensors.ts"
import * as TextSide from "../model/TextSide.ts"
import { ModelError } from "../TransformerError.ts"

/** @category models */
export interface Checkpoint {
  /** The name or folder it was opened by. */
  readonly source: string
  readonly config: ModelConfig.ModelConfig
  /** The flat vector of `Parameters.layout`, in shared memory. */
  readonly values: Float32Array
  /** Null where the folder has no `tokenizer.json`. */
  readonly tokenizer: HfTokenizer.HfTokenizer | null
  /** `config.json` and `generation_config.json` as they were read. */
  readonly raw: {
    readonly config: Readonly<Record<string, unknown>>
    readonly generation: string | null
  }
}

/** @category models */
export interface OpenOptions extends Hub.DownloadOptions {
  /** Options of `config.json` that this engine does not know and that you know to be harmless. */
  readonly ignore?: ReadonlyArray<string>
}

const isFolder = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    stat(path).then(
      (entry) => entry.isDirectory(),
      () => false,
    ),
  )

/** The folder of a checkpoint: `source` itself, or what the hub has under that name, downloaded where needed. @category io */
export const locate = Effect.fn("Checkpoint.locate")(function* (source: string, options: Hub.DownloadOptions = {}) {
  if (yield* isFolder(source)) return source
  if (/^[./~]|^[A-Za-z]:\\/.test(source)) return yield* new ModelError({ reason: `${source}: there is no such folder` })
  return yield* Hub.download(source, options)
})

/** The configuration of a checkpoint folder, the options it was read from (those of its text side), and what its tensors are called. @category io */
export const readConfig = Effect.fn("Checkpoint.config")(function* (
  folder: string,
  options: Pick<OpenOptions, "ignore"> = {},
) {
  const path = join(folder, "config.json")
  const json = yield* readJson(path)
  if (json === null) return yield* new ModelError({ reason: `${path}: is not there; is ${folder} a checkpoint?` })
  const raw = TextSide.configOf(json)
  const config = yield* ModelConfig.decode(raw, options).pipe(
    Effect.mapError(({ reason }) => new ModelError({ reason: `${path}: ${reason}` })),
  )
  return { raw, config, names: (name: string) => TextSide.nameOf(json, name) }
})

/**
 * Opens a checkpoint by the folder it is in or by its name on the hub, such as `Qwen/Qwen3-0.6B`. Fails with a `ModelError` that
 * names the architecture, the option, or the tensor and its shapes.
 *
 * @category io
 */
export const open = Effect.fn("Checkpoint.open")(function* (source: string, options: OpenOptions = {}) {
  const folder = yield* locate(source, options)
  const { config, names, raw } = yield* readConfig(folder, options)
  const slots = Parameters.layout(config)
  const shared = () => new Float32Array(new SharedArrayBuffer(4 * Parameters.count(slots)))
  // Some tied checkpoints store the head a second time; where it differs, transformers does not tie it.
  const tied: Record<string, string> = config.tie_word_embeddings
    ? { "lm_head.weight": `${Tensors.embedding}.weight` }
    : {}
  const values = yield* Shards.read(folder, "model", slots, shared, tied, names)
  const hasTokenizer = (yield* readText(join(folder, "tokenizer.json"))) !== null
  const checkpoint: Checkpoint = {
    source,
    config,
    values,
    tokenizer: hasTokenizer ? yield* HfTokenizer.load(folder) : null,
    raw: { config: raw, generation: yield* readText(join(folder, "generation_config.json")) },
  }
  return checkpoint
})

const dtypeNames = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const

/** Options that transformers takes as floats alone: it refuses `30` where it takes `30.0`, and JavaScript writes both alike. */
const floats =
  "initializer_range|rms_norm_eps|attn_logit_softcapping|final_logit_softcapping|factor|low_freq_factor|high_freq_factor|" +
  "attention_factor|beta_fast|beta_slow"
const wholeFloat = new RegExp(`^( *"(?:${floats})": -?\\d+)(?=,?$)`, "gm")

/** A configuration as `config.json`. @category encoding */
export const configJson = (
  config: ModelConfig.ModelConfig,
  raw: Readonly<Record<string, unknown>> | null,
  { dtype = "F32" }: Shards.WriteOptions,
): string => {
  const {
    dtype: _,
    torch_dtype: __,
    ...original
  } = raw ?? {
    architectures: [Family.byName[config.model_type].architecture],
    ...config,
  }
  // Under the name that every version of transformers and vLLM reads.
  const text = JSON.stringify({ ...original, torch_dtype: dtypeNames[dtype] }, null, 2)
  return `${text.replaceAll(wholeFloat, "$1.0")}\n`
}

/**
 * Saves parameters as a folder that {@link open}, transformers and vLLM open: the configuration and the tokenizer are those of
 * `checkpoint`, the parameters by default too. To serve a model trained with LoRA, give `Lora.merge(...)`, or save the adapter
 * alone with `LoraFiles.write`.
 *
 * @category io
 */
export const save = Effect.fn("Checkpoint.save")(function* (
  checkpoint: Pick<Checkpoint, "config"> & {
    readonly values: Float32Array
    readonly tokenizer: Pick<TokenizerService, "files"> | null
    /** Without a configuration of its own, one is written of `config`. */
    readonly raw: { readonly config: Checkpoint["raw"]["config"] | null; readonly generation: string | null }
  },
  folder: string,
  options: Shards.WriteOptions = {},
) {
  const { config, raw, tokenizer, values } = checkpoint
  yield* io(folder, () => RegularFile.makeFolder(folder))
  yield* Shards.write(folder, "model", named(config, values), options)
  for (const [name, text] of tokenizer?.files ?? []) yield* writeText(join(folder, name), text)
  if (raw.generation !== null) yield* writeText(join(folder, "generation_config.json"), raw.generation)
  yield* writeText(join(folder, "config.json"), configJson(config, raw.config, options))
})

/** The tensors of a flat vector, as views. @category combinators */
export const named = (config: ModelConfig.ModelConfig, values: Float32Array) =>
  Parameters.layout(config).map(({ name, offset, shape, size }) => ({
    name,
    shape,
    data: values.subarray(offset, offset + size),
  }))

/** A checkpoint with an adapter added to its weights. @category combinators */
export const merged = (checkpoint: Checkpoint, adapter: Lora.Adapter): Checkpoint => ({
  ...checkpoint,
  values: Lora.merge(checkpoint.config, checkpoint.values, adapter),
})
