/**
 * Adapters in the format of PEFT, both ways: `adapter_config.json` and `adapter_model.safetensors`, as `PeftModel.from_pretrained`
 * and vLLM open them. What PEFT can do and `Lora` cannot is refused by name.
 *
 * @module
 */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { io, readJson, writeText } from "../Files.ts"
import * as Lora from "../model/Lora.ts"
import type { ModelConfig } from "../model/ModelConfig.ts"
import * as Parameters from "../model/Parameters.ts"
import * as LoraPatterns from "./LoraPatterns.ts"
import * as Safetensors from "./Safetensors.ts"
import * as Shards from "./Shards.ts"
import { ModelError } from "../TransformerError.ts"

/** What PEFT puts before the names of the base model. */
const prefix = "base_model.model."

/** Options that say nothing about what the adapter computes once it is loaded. */
const inert = new Set(
  (
    "base_model_name_or_path revision inference_mode init_lora_weights lora_dropout peft_version task_type auto_mapping " +
    "megatron_core megatron_config qalora_group_size runtime_config eva_config corda_config loftq_config lora_ga_config"
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
const decodePattern = Schema.decodeUnknownEffect(Schema.Record(Schema.String, Schema.Finite))

/** What makes the maps of an adapter differ. */
const patterns = ["rank_pattern", "alpha_pattern", "layers_to_transform", "layers_pattern", "exclude_modules"]

const isModule = (name: unknown): boolean => Lora.modules.some((known) => known === name)

/** Whole names of modules, suffixes with a dot, or one regular expression. */
const isTargets = (targets: unknown): boolean =>
  typeof targets === "string" || (Array.isArray(targets) && targets.every((name) => typeof name === "string"))

/** An adapter that is the same on all its maps, or what says how they differ. */
const readConfig = Effect.fn("LoraFiles.config")(function* (path: string) {
  const fail = (reason: string) => new ModelError({ reason: `${path}: ${reason}` })
  const json = yield* readJson(path)
  if (json === null) return yield* fail("is not there")
  const { lora_alpha, peft_type, r: rank, target_modules, use_rslora, ...rest } = json
  const targets = target_modules === "all-linear" ? Lora.modules : target_modules
  if (peft_type !== "LORA") return yield* fail(`peft_type is ${JSON.stringify(peft_type)}; LORA is read`)
  for (const [key, value] of Object.entries(rest)) {
    if (inert.has(key) || patterns.includes(key) || !says(value)) continue
    const way =
      key === "modules_to_save" || key === "use_dora" ? "; merge the adapter with PEFT's merge_and_unload" : ""
    return yield* fail(
      `${key} is ${JSON.stringify(value)}, which is not implemented; it must be null, false or empty${way}`,
    )
  }
  const isEven = Array.isArray(targets) && !patterns.some((key) => says(rest[key] ?? null)) && targets.every(isModule)
  if (!isEven && !isTargets(targets))
    return yield* fail(`target_modules is ${JSON.stringify(targets)}; give names of modules, or a regular expression`)
  const isRankStabilised = use_rslora === true
  // rsLoRA counts alpha / sqrt(rank) times: plain LoRA with another alpha.
  const even = yield* decodeLora({
    rank,
    alpha:
      isRankStabilised && typeof lora_alpha === "number" && typeof rank === "number"
        ? lora_alpha * Math.sqrt(rank)
        : lora_alpha,
    // In the model's order, whatever that of the file.
    targets: isEven ? Lora.modules.filter((name) => targets.includes(name)) : Lora.modules,
  }).pipe(Effect.mapError((e) => fail(e.message)))
  if (isEven) return { even, uneven: null }
  const pattern = Effect.fn(function* (key: "rank_pattern" | "alpha_pattern") {
    const found = yield* decodePattern(rest[key] ?? {}).pipe(Effect.mapError((e) => fail(`${key}: ${e.message}`)))
    const refusal = LoraPatterns.refusal(key, found)
    return refusal === null ? found : yield* fail(refusal)
  })
  const uneven: LoraPatterns.Options = {
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
      return yield* LoraPatterns.read(config, file.entries, prefix, options, file.path, (entry) => {
        const values = new Float32Array(entry.size)
        return Effect.as(file.read(entry, values), values)
      })
    }),
  )

const renamed = (slots: ReadonlyArray<Parameters.Slot>): ReadonlyArray<Parameters.Slot> =>
  slots.map((slot) => ({ ...slot, name: prefix + slot.name }))

/** Reads an adapter for a model. @category io */
export const read = Effect.fn("LoraFiles.read")(function* (config: ModelConfig, folder: string) {
  const { even: lora, uneven } = yield* readConfig(join(folder, "adapter_config.json"))
  if (uneven !== null) return yield* readUneven(config, folder, uneven)
  const slots = Lora.layout(config, lora)
  const allocate = () => new Float32Array(Parameters.count(slots))
  const values = yield* Shards.read(folder, "adapter_model", renamed(slots), allocate)
  const adapter: Lora.Adapter = { config: lora, values }
  return adapter
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
  yield* io(folder, () => mkdir(folder, { recursive: true }))
  const tensors = renamed(Lora.layout(config, adapter.config)).map(({ name, offset, shape, size }) => ({
    name,
    shape,
    data: adapter.values.subarray(offset, offset + size),
  }))
  yield* Shards.write(folder, "adapter_model", tensors, options)
  const { alpha, rank, targets } = adapter.config
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
    use_dora: false,
    modules_to_save: null,
  }
  yield* writeText(join(folder, "adapter_config.json"), `${JSON.stringify(json, null, 2)}\n`)
})
