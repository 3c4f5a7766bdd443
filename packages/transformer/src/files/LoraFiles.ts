/**
 * Adapters in the format of PEFT, both ways: `adapter_config.json` and `adapter_model.safetensors`, as `PeftModel.from_pretrained`
 * and vLLM open them. What PEFT can do and `Lora` cannot is refused by name.
 */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { io, readJson, writeText } from "../Files.ts"
import * as Lora from "../model/Lora.ts"
import type { ModelConfig } from "../model/ModelConfig.ts"
import * as Parameters from "../model/Parameters.ts"
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

const readConfig = Effect.fn("LoraFiles.config")(function* (path: string) {
  const fail = (reason: string) => new ModelError({ reason: `${path}: ${reason}` })
  const json = yield* readJson(path)
  if (json === null) return yield* fail("is not there")
  const { lora_alpha, peft_type, r: rank, target_modules, use_rslora, ...rest } = json
  const targets = target_modules === "all-linear" ? Lora.modules : target_modules
  // rsLoRA counts alpha / sqrt(rank) times: plain LoRA with another alpha.
  const alpha =
    use_rslora === true && typeof lora_alpha === "number" && typeof rank === "number"
      ? lora_alpha * Math.sqrt(rank)
      : lora_alpha
  if (peft_type !== "LORA") return yield* fail(`peft_type is ${JSON.stringify(peft_type)}; LORA is read`)
  for (const [key, value] of Object.entries(rest)) {
    if (!inert.has(key) && says(value))
      return yield* fail(
        `${key} is ${JSON.stringify(value)}, which is not implemented; it must be null, false or empty`,
      )
  }
  if (!Array.isArray(targets)) {
    return yield* fail(
      `target_modules is ${JSON.stringify(targets)}; give a list of names out of ${Lora.modules.join(", ")}`,
    )
  }
  // In the model's order, whatever that of the file.
  const ordered = [
    ...Lora.modules.filter((name) => targets.includes(name)),
    ...(targets as ReadonlyArray<unknown>).filter((name) => !Lora.modules.some((known) => known === name)),
  ]
  return yield* decodeLora({ rank, alpha, targets: ordered }).pipe(Effect.mapError((e) => fail(e.message)))
})

const renamed = (slots: ReadonlyArray<Parameters.Slot>): ReadonlyArray<Parameters.Slot> =>
  slots.map((slot) => ({ ...slot, name: prefix + slot.name }))

/** Reads an adapter for a model. @category io */
export const read = Effect.fn("LoraFiles.read")(function* (config: ModelConfig, folder: string) {
  const lora = yield* readConfig(join(folder, "adapter_config.json"))
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
