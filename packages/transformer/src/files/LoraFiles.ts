/**
 * Adapters in the format of PEFT, both ways: `adapter_config.json` and `adapter_model.safetensors`, as `PeftModel.from_pretrained`
 * and vLLM open them. What PEFT can do and `Lora` cannot is refused by name.
 *
 * @module
 */
import { join } from "node:path"
import { RegularFile } from "@lpo/rollout"
import { Effect, Schema } from "effect"
import { io, readJson, writeText } from "../Files.ts"
import * as Lora from "../model/Lora.ts"
import type { ModelConfig } from "../model/ModelConfig.ts"
import * as Parameters from "../model/Parameters.ts"
import * as LoraNames from "./LoraNames.ts"
import * as LoraPatterns from "./LoraPatterns.ts"
import * as Safetensors from "./Safetensors.ts"
import * as Shards from "./Shards.ts"
import * as Tensors from "../model/Tensors.ts"
import { ModelError } from "../TransformerError.ts"

/** Options that say nothing about what the adapter computes once it is loaded. */
const inert = new Set(
  (
    "base_model_name_or_path revision inference_mode init_lora_weights lora_dropout peft_version task_type auto_mapping " +
    "megatron_core megatron_config qalora_group_size runtime_config eva_config corda_config loftq_config lora_ga_config ensure_weight_tying"
  ).split(" "),
)

const says = (value: unknown): boolean =>
  !(
    value === null ||
    value === false ||
    value === "none" ||
    (typeof value === "object" && Object.keys(value).length === 0)
  )

const decodeLora = Schema.decodeUnknownEffect(Lora.LoraConfig, { errors: "all" })
const decodeNames = Schema.decodeUnknownEffect(Schema.NullOr(Schema.Array(Schema.String)))
const decodePattern = Schema.decodeUnknownEffect(Schema.Record(Schema.String, Schema.Finite))

/** What makes the maps of an adapter differ. */
const patterns = ["rank_pattern", "alpha_pattern", "layers_to_transform", "layers_pattern", "exclude_modules"]

const maps = [...Lora.modules, ...Lora.ends]
const merge = "; merge the adapter with PEFT's merge_and_unload"

const isModule = (name: unknown): boolean => maps.some((known) => known === name)

/** Whole names of modules, suffixes with a dot, or one regular expression. */
const isTargets = (targets: unknown): boolean =>
  typeof targets === "string" || (Array.isArray(targets) && targets.every((name) => typeof name === "string"))

/** An adapter that is the same on all its maps, or what says how they differ. */
const readConfig = Effect.fn("LoraFiles.config")(function* (path: string, isTied: boolean) {
  const fail = (reason: string) => new ModelError({ reason: `${path}: ${reason}` })
  const json = yield* readJson(path)
  if (json === null) return yield* fail("is not there")
  const { lora_alpha, modules_to_save, peft_type, r: rank, target_modules, use_dora, use_rslora, ...rest } = json
  const targets = target_modules === "all-linear" ? Lora.modules : target_modules
  if (peft_type !== "LORA") return yield* fail(`peft_type is ${JSON.stringify(peft_type)}; LORA is read`)
  for (const [key, value] of Object.entries(rest)) {
    if (inert.has(key) || patterns.includes(key) || !says(value)) continue
    return yield* fail(
      `${key} is ${JSON.stringify(value)}, which is not implemented; it must be null, false or empty${merge}`,
    )
  }
  const isEven = Array.isArray(targets) && !patterns.some((key) => says(rest[key] ?? null)) && targets.every(isModule)
  if (!isEven && !isTargets(targets))
    return yield* fail(`target_modules is ${JSON.stringify(targets)}; give names of modules, or a regular expression`)
  const saved = yield* decodeNames(modules_to_save ?? null).pipe(
    Effect.mapError((e) => fail(`modules_to_save: ${e.message}`)),
  )
  if (isTied && rest["ensure_weight_tying"] !== true && saved?.some((name) => /embed_tokens|lm_head/.test(name)))
    return yield* fail(
      `modules_to_save is ${JSON.stringify(saved)} without ensure_weight_tying: PEFT trains one of head and embedding there, which the model ties${merge}`,
    )
  if (use_dora === true && !isEven)
    return yield* fail(`use_dora is not implemented for maps that differ (${patterns.join(", ")})${merge}`)
  const isRankStabilised = use_rslora === true
  // rsLoRA counts alpha / sqrt(rank) times: plain LoRA with another alpha.
  const even = yield* decodeLora({
    rank,
    alpha:
      isRankStabilised && typeof lora_alpha === "number" && typeof rank === "number"
        ? lora_alpha * Math.sqrt(rank)
        : lora_alpha,
    // In the model's order, whatever that of the file.
    targets: isEven ? maps.filter((name) => targets.includes(name)) : Lora.modules,
    ...(saved === null || saved.length === 0 ? {} : { saved }),
    ...(use_dora === true ? { dora: true } : {}),
  }).pipe(Effect.mapError((e) => fail(e.message)))
  if (isEven) return { even, uneven: null }
  const pattern = Effect.fn(function* (key: "rank_pattern" | "alpha_pattern") {
    const found = yield* decodePattern(rest[key] ?? {}).pipe(Effect.mapError((e) => fail(`${key}: ${e.message}`)))
    const refusal = LoraPatterns.refusal(key, found)
    return refusal === null ? found : yield* fail(refusal)
  })
  const uneven: LoraPatterns.Options = {
    lora: even,
    rank: even.rank,
    alpha: Number(lora_alpha),
    isRankStabilised,
    rankPattern: yield* pattern("rank_pattern"),
    alphaPattern: yield* pattern("alpha_pattern"),
  }
  return { even, uneven }
})

/** An adapter whose maps differ, from its one file. */
const readUneven = (config: ModelConfig, folder: string, options: LoraPatterns.Options) =>
  Effect.scoped(
    Effect.gen(function* () {
      const file = yield* Safetensors.open(join(folder, "adapter_model.safetensors"))
      const read = (entry: Safetensors.Entry) => {
        const values = new Float32Array(entry.size)
        return Effect.as(file.read(entry, values), values)
      }
      return yield* LoraPatterns.read(config, file.entries, options, file.path, read)
    }),
  )

/** An adapter that is the same on all its maps. */
const readEven = Effect.fn("LoraFiles.even")(function* (config: ModelConfig, folder: string, lora: Lora.LoraConfig) {
  const slots = Lora.layout(config, lora).map(LoraNames.inFile)
  const allocate = () => new Float32Array(Parameters.count(slots))
  const names = (name: string): string | null => (LoraNames.copyOf(name) === null ? name : null)
  const twins: Record<string, string> = config.tie_word_embeddings ? { [headInFile]: embeddingInFile } : {}
  const values = yield* Shards.read(folder, "adapter_model", slots, allocate, twins, names)
  for (const { isTransposed, offset, shape, size } of slots) {
    if (!isTransposed) continue
    const view = values.subarray(offset, offset + size)
    view.set(LoraNames.transposed(view, shape[0], shape[1] ?? 1))
  }
  const adapter: Lora.Adapter = { config: lora, values }
  return adapter
})

const embeddingInFile = `${LoraNames.prefix}${Tensors.embedding}.weight`
const headInFile = `${LoraNames.prefix}lm_head.weight`

/** Whether the copies of the model's own tensors in a file, which PEFT loads in their place, are what the model has. */
const checkCopies = Effect.fn("LoraFiles.copies")(function* (
  config: ModelConfig,
  folder: string,
  base: Float32Array | null,
) {
  const fail = (reason: string) => new ModelError({ reason: `${folder}: ${reason}` })
  for (const [name, { entry, file }] of yield* Shards.locate(folder, "adapter_model")) {
    const copied = LoraNames.copyOf(name)
    if (copied === null) continue
    if (base === null)
      return yield* fail(`has a copy of the model's ${copied}; give the model's parameters as \`base\` to compare them`)
    const slot = Parameters.layout(config).find((known) => known.name === copied)
    if (slot === undefined || slot.size !== entry.size)
      return yield* fail(
        `has a copy of ${copied}, [${entry.shape.join(", ")}], which the model does not have like this`,
      )
    const found = new Float32Array(entry.size)
    yield* file.read(entry, found)
    if (found.some((value, i) => value !== base[slot.offset + i]))
      return yield* fail(
        `has a copy of ${copied} that differs from the model's: it was trained on another model${merge}`,
      )
  }
}, Effect.scoped)

/**
 * Reads an adapter for a model. `base`, the model's parameters, are needed where PEFT saved copies of some beside the adapter, as it does
 * for adapters on head and embedding: they must be equal.
 *
 * @category io
 */
export const read = Effect.fn("LoraFiles.read")(function* (
  config: ModelConfig,
  folder: string,
  { base = null }: { readonly base?: Float32Array | null } = {},
) {
  const path = join(folder, "adapter_config.json")
  const { even: lora, uneven } = yield* readConfig(path, config.tie_word_embeddings)
  const refusal = Lora.configRefusal(config, lora)
  if (refusal !== null) return yield* new ModelError({ reason: `${path}: ${refusal}` })
  yield* checkCopies(config, folder, base)
  return yield* uneven === null ? readEven(config, folder, lora) : readUneven(config, folder, uneven)
})

/**
 * Writes an adapter into a folder, made where needed. `baseModel` is the name or the folder of the model under it, which PEFT
 * opens with the adapter.
 *
 * @category io
 */
export const write = Effect.fn("LoraFiles.write")(function* (
  config: ModelConfig,
  adapter: Lora.Adapter,
  folder: string,
  options: Shards.WriteOptions & { readonly baseModel?: string | null } = {},
) {
  const { baseModel = null } = options
  yield* io(folder, () => RegularFile.makeFolder(folder))
  const { alpha, dora = false, rank, saved = [], targets } = adapter.config
  const tensors = Lora.layout(config, adapter.config).map((slot) => {
    const { isTransposed, name, shape } = LoraNames.inFile(slot)
    const data = adapter.values.subarray(slot.offset, slot.offset + slot.size)
    return {
      name,
      shape,
      data: isTransposed ? LoraNames.transposed(data, slot.shape[0], slot.shape[1] ?? 1) : data,
    }
  })
  const embedding = tensors.find(({ name }) => name === embeddingInFile)
  // Where head and embedding are one, PEFT saves it under both names.
  const isTied = config.tie_word_embeddings && embedding !== undefined
  yield* Shards.write(
    folder,
    "adapter_model",
    isTied ? [...tensors, { ...embedding, name: headInFile }] : tensors,
    options,
  )
  const json = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: baseModel,
    r: rank,
    lora_alpha: alpha,
    target_modules: targets,
    lora_dropout: 0,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    use_rslora: false,
    use_dora: dora,
    modules_to_save: saved.length === 0 ? null : saved,
    ...(isTied ? { ensure_weight_tying: true } : {}),
  }
  yield* writeText(join(folder, "adapter_config.json"), `${JSON.stringify(json, null, 2)}\n`)
})
