import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Backend, Checkpoint, Lora, LoraFiles, ModelConfig, Parameters, Replica, Safetensors } from "@lpo/transformer"
import { Effect } from "effect"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { folderOf } from "./fixtures.ts"

let root = ""
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-checkpoint-"))
})
afterAll(() => rm(root, { recursive: true }))

const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(effect)
const refusal = async <A>(effect: Effect.Effect<A, { readonly message: string }>): Promise<string> =>
  (await run(Effect.flip(effect))).message

let folders = 0
/** A copy of a fixture to spoil. */
const copyOf = async (name: string): Promise<string> => {
  const folder = join(root, `copy-${folders++}`)
  await mkdir(folder)
  for (const file of await readdir(folderOf(name)))
    await writeFile(join(folder, file), await readFile(join(folderOf(name), file)))
  return folder
}

/** Rewrites the JSON header of a safetensors file; the length follows it unless given. */
const rewrite = async (path: string, edit: (header: Record<string, any>) => void, length?: bigint): Promise<void> => {
  const bytes = await readFile(path)
  const size = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.subarray(8, 8 + size).toString()) as Record<string, any>
  edit(header)
  const json = Buffer.from(JSON.stringify(header))
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(length ?? BigInt(json.length))
  await writeFile(path, Buffer.concat([head, json, bytes.subarray(8 + size)]))
}

describe("what it opens", () => {
  it.each([
    ["llama3", "BF16", 2],
    ["qwen2", "F16", 1],
    ["qwen3", "F32", 3],
  ])("%s: %s in %i files", async (name, dtype, count) => {
    const files = (await readdir(folderOf(name))).filter((f) => f.startsWith("model") && f.endsWith(".safetensors"))
    expect(files).toHaveLength(count)
    const bytes = await readFile(join(folderOf(name), files[0]))
    expect(bytes.toString("latin1")).toContain(`"dtype":"${dtype}"`)
    const { values } = await run(Checkpoint.open(folderOf(name)))
    expect(values.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(values.every(Number.isFinite)).toBe(true)
  })

  it.each(["F32", "BF16", "F16"] as const)("what it saved as %s, in one file and in several", async (dtype) => {
    const checkpoint = await run(Checkpoint.open(folderOf("qwen3")))
    const rounded = new Map<string, Float32Array>()
    for (const maxFileBytes of [5e9, 9000, 5e9]) {
      const folder = join(root, `saved-${dtype}`)
      await run(Checkpoint.save(checkpoint, folder, { dtype, maxFileBytes }))
      const again = await run(Checkpoint.open(folder))
      expect(again.config).toEqual(checkpoint.config)
      expect([...(again.tokenizer?.files ?? [])]).toEqual([...(checkpoint.tokenizer?.files ?? [])])
      if (dtype === "F32") expect(again.values).toEqual(checkpoint.values)
      else {
        const step = dtype === "BF16" ? 2 ** -8 : 2 ** -11
        for (const [i, v] of checkpoint.values.entries())
          expect(Math.abs(again.values[i] - v)).toBeLessThanOrEqual(step * Math.abs(v) + 1e-7)
      }
      // However it is cut, the numbers are the same.
      expect(again.values).toEqual(rounded.get(dtype) ?? again.values)
      rounded.set(dtype, again.values)
      const shards = (await readdir(folder)).filter((f) => f.endsWith(".safetensors"))
      expect(shards.length > 1 || maxFileBytes > 9000).toBe(true)
      const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Record<string, unknown>
      expect(config["torch_dtype"]).toBe({ F32: "float32", BF16: "bfloat16", F16: "float16" }[dtype])
      expect(config["eos_token_id"]).toBe(checkpoint.raw.config["eos_token_id"])
    }
  })

  it("an adapter it saved, and a model with the adapter merged", async () => {
    const checkpoint = await run(Checkpoint.open(folderOf("qwen2")))
    const adapter = await run(LoraFiles.read(checkpoint.config, folderOf("lora")))
    const folder = join(root, "adapter")
    await run(LoraFiles.write(checkpoint.config, adapter, folder, { baseModel: "org/base" }))
    expect(await run(LoraFiles.read(checkpoint.config, folder))).toEqual(adapter)
    await run(Checkpoint.save(Checkpoint.merged(checkpoint, adapter), join(root, "merged")))
    const merged = await run(Checkpoint.open(join(root, "merged")))
    expect(merged.values).toEqual(new Float32Array(Lora.merge(checkpoint.config, checkpoint.values, adapter)))
    await run(Backend.start("wasm"))
    const [a, b] = [
      Replica.make(merged.config, merged.values),
      Replica.make(checkpoint.config, checkpoint.values, { adapter }),
    ]
    const ids = Int32Array.of(1, 2, 3, 4)
    expect(await a.logits([ids])).toEqual(await b.logits([ids]))
    a.dispose()
    b.dispose()
  })
})

describe("what it refuses, by name", () => {
  it("a truncated file", async () => {
    const folder = await copyOf("llama2")
    const path = join(folder, "model.safetensors")
    const bytes = await readFile(path)
    await writeFile(path, bytes.subarray(0, bytes.length - 10))
    expect(await refusal(Checkpoint.open(folder))).toMatch(
      /tensor model\.norm\.weight of type F32 and shape \[16\] claims bytes/,
    )
    await writeFile(path, bytes.subarray(0, 5))
    expect(await refusal(Checkpoint.open(folder))).toMatch(/has 5 bytes, too few/)
    await writeFile(path, Buffer.concat([bytes, Buffer.from([0])]))
    expect(await refusal(Checkpoint.open(folder))).toMatch(/1 bytes after its last tensor/)
  })

  it("a header of 2^60 bytes, without asking for the memory", async () => {
    const folder = await copyOf("llama2")
    await rewrite(join(folder, "model.safetensors"), () => {}, 2n ** 60n)
    expect(await refusal(Checkpoint.open(folder))).toMatch(/says its header has 1152921504606846976 bytes/)
  })

  it("tensors that overlap, leave a hole, lie outside, are negative or far too large", async () => {
    const edits: ReadonlyArray<readonly [(h: Record<string, any>) => void, RegExp]> = [
      [(h) => (h["lm_head.weight"].data_offsets = [64, 64 + 3072]), /claims bytes|needs/],
      [
        (h) => delete h["model.layers.0.mlp.up_proj.weight"],
        /tensor model\.layers\.0\.\S+ .* claims bytes \d+ to \d+; it needs \d+ from \d+/,
      ],
      [(h) => (h["model.norm.weight"].data_offsets[1] += 2 ** 40), /model\.norm\.weight/],
      [(h) => (h["lm_head.weight"].data_offsets = [-3072, 0]), /lm_head\.weight/],
      [(h) => (h["lm_head.weight"].shape = [2 ** 40, 2 ** 40]), /lm_head\.weight/],
      [(h) => (h["lm_head.weight"].shape = [-48, -16]), /lm_head\.weight/],
      [(h) => (h["lm_head.weight"].dtype = "I64"), /tensor lm_head\.weight is I64; F64, F32, F16 and BF16 are read/],
      [(h) => (h["lm_head.weight"] = "here"), /tensor lm_head\.weight/],
    ]
    for (const [edit, message] of edits) {
      const folder = await copyOf("llama2")
      await rewrite(join(folder, "model.safetensors"), edit)
      expect(await refusal(Checkpoint.open(folder))).toMatch(message)
    }
  })

  it("another shape, a tensor too few, a tensor too many", async () => {
    const folder = await copyOf("llama2")
    const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Record<string, unknown>
    const with_ = async (edit: Record<string, unknown>): Promise<string> => {
      await writeFile(join(folder, "config.json"), JSON.stringify({ ...config, ...edit }))
      return refusal(Checkpoint.open(folder))
    }
    expect(await with_({ intermediate_size: 24 })).toMatch(
      /gate_proj\.weight is \[20, 16\], the model wants \[24, 16\]/,
    )
    expect(await with_({ attention_bias: true })).toMatch(
      /has no tensor model\.layers\.0\.self_attn\.q_proj\.bias, .* \[16\]/,
    )
    expect(await with_({ num_hidden_layers: 1 })).toMatch(/does not know, model\.layers\.1\.\S+ of shape/)
  })

  it("an index that leaves the folder, names what is not there, or hides a tensor", async () => {
    const spoil = async (edit: (map: Record<string, string>) => void): Promise<string> => {
      const folder = await copyOf("qwen3")
      const path = join(folder, "model.safetensors.index.json")
      const index = JSON.parse(await readFile(path, "utf8")) as { weight_map: Record<string, string> }
      edit(index.weight_map)
      await writeFile(path, JSON.stringify(index))
      return refusal(Checkpoint.open(folder))
    }
    for (const file of [
      "../../etc/passwd",
      "/etc/passwd.safetensors",
      "a/b.safetensors",
      "..\\x.safetensors",
      "C:x.safetensors",
    ]) {
      expect(await spoil((map) => (map["model.norm.weight"] = file))).toMatch(
        /places tensor model\.norm\.weight in .*; a shard is a \.safetensors file in the same folder/,
      )
    }
    expect(await spoil((map) => (map["model.extra"] = "model-9.safetensors"))).toMatch(/model-9\.safetensors: ENOENT/)
    expect(await spoil((map) => delete map["model.norm.weight"])).toMatch(
      /has a tensor model\.norm\.weight, which the index places in no file/,
    )
    expect(await spoil((map) => (map["model.extra"] = map["model.norm.weight"]))).toMatch(/has no tensor model\.extra/)
  })

  it("a tensor that is in two shards with other bytes; with equal ones it is read", async () => {
    const folder = await copyOf("llama3")
    const { values } = await run(Checkpoint.open(folder))
    const [one, two] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"].map((f) =>
      join(folder, f),
    )
    const path = join(folder, "model.safetensors.index.json")
    const { weight_map } = JSON.parse(await readFile(path, "utf8")) as { weight_map: Record<string, string> }
    const tensorsOf = async (file: string) => [
      ...(await run(Safetensors.decode(await readFile(file), file))).tensors.values(),
    ]
    const [first] = await tensorsOf(one)
    expect(weight_map[first.name]).toBe("model-00001-of-00002.safetensors")
    const others = await tensorsOf(two)
    await run(Safetensors.write(two, [...others, first], { dtype: "BF16" }))
    expect((await run(Checkpoint.open(folder))).values).toEqual(values)
    const changed = { ...first, data: first.data.map((v, i) => (i === 0 ? v + 1 : v)) }
    await run(Safetensors.write(two, [...others, changed], { dtype: "BF16" }))
    expect(await refusal(Checkpoint.open(folder))).toMatch(
      new RegExp(`00002-of-00002.safetensors: has a tensor ${first.name} that differs from that of .*00001-of-00002`),
    )
  })

  it("a second head that differs from the embedding it is tied to; with equal bytes it is read", async () => {
    const folder = await copyOf("gemma2")
    const { config, values } = await run(Checkpoint.open(folder))
    expect(config.tie_word_embeddings).toBe(true)
    const path = join(folder, "model.safetensors")
    const tensors = [...(await run(Safetensors.decode(await readFile(path), path))).tensors.values()]
    const embedding = tensors.find(({ name }) => name === "model.embed_tokens.weight")
    const head = { name: "lm_head.weight", shape: embedding?.shape ?? [], data: embedding?.data ?? new Float32Array() }
    await run(Safetensors.write(path, [...tensors, head]))
    expect((await run(Checkpoint.open(folder))).values).toEqual(values)
    await run(Safetensors.write(path, [...tensors, { ...head, data: head.data.map((v) => 2 * v) }]))
    expect(await refusal(Checkpoint.open(folder))).toMatch(/lm_head\.weight that differs from model\.embed_tokens/)
  })

  it("an adapter that does more than this engine can, or fits another model", async () => {
    const { config } = await run(Checkpoint.open(folderOf("qwen2")))
    const spoil = async (edit: Record<string, unknown>): Promise<string> => {
      const folder = await copyOf("lora")
      const path = join(folder, "adapter_config.json")
      await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, "utf8")) as object), ...edit }))
      return refusal(LoraFiles.read(config, folder))
    }
    expect(await spoil({ use_dora: true })).toMatch(/has no tensor .*lora_magnitude_vector/)
    expect(await spoil({ use_dora: true, layers_to_transform: [0] })).toMatch(
      /use_dora is not implemented for maps that/,
    )
    expect(await spoil({ bias: "lora_only" })).toMatch(/bias is "lora_only".* merge_and_unload/)
    expect(await spoil({ trainable_token_indices: [1] })).toMatch(/trainable_token_indices is \[1\]/)
    expect(await spoil({ rank_pattern: { q_proj: 4 } })).toMatch(/q_proj has an adapter of rank 2, .* says 4/)
    expect(await spoil({ alpha_pattern: { "q_(proj)": 4 } })).toMatch(
      /alpha_pattern has the regular expression "q_\(proj\)"/,
    )
    expect(await spoil({ rank_pattern: { q_proj: "x" } })).toMatch(/rank_pattern/)
    expect(await spoil({ modules_to_save: ["lm_head"] })).toMatch(/has no tensor base_model\.model\.lm_head\.weight/)
    expect(await spoil({ modules_to_save: ["score"] })).toMatch(/saved names score, which is not a module/)
    expect(await spoil({ target_modules: 3 })).toMatch(/target_modules is 3; give names/)
    expect(await spoil({ peft_type: "IA3" })).toMatch(/peft_type is "IA3"/)
    expect(await spoil({ r: 3 })).toMatch(/lora_A\.weight is \[2, 16\], the model wants \[3, 16\]/)
    expect(await spoil({ target_modules: ["q_proj", "v_proj"] })).toMatch(/does not know, .*down_proj\.lora_/)
  })

  it("an adapter with copies of the model's tensors that are another model's, and one of two that are tied", async () => {
    const { config, values } = await run(Checkpoint.open(folderOf("llama2")))
    expect(await refusal(LoraFiles.read(config, folderOf("lora-ends")))).toMatch(/copy of .*; give .*`base`/)
    const other = values.map((v) => v + 1)
    expect(await refusal(LoraFiles.read(config, folderOf("lora-ends"), { base: other }))).toMatch(
      /copy of .* differs from the model's/,
    )
    const folder = await copyOf("lora-tied")
    const path = join(folder, "adapter_config.json")
    const json = JSON.parse(await readFile(path, "utf8")) as object
    await writeFile(path, JSON.stringify({ ...json, ensure_weight_tying: false }))
    const tied = await run(Checkpoint.open(folderOf("llama3")))
    expect(await refusal(LoraFiles.read(tied.config, folder))).toMatch(/without ensure_weight_tying: PEFT trains one/)
  })

  it("a folder that is none, and one without weights", async () => {
    expect(await refusal(Checkpoint.open("./nowhere"))).toMatch(/there is no such folder/)
    const folder = await copyOf("llama2")
    await rm(join(folder, "model.safetensors"))
    expect(await refusal(Checkpoint.open(folder))).toMatch(
      /neither model\.safetensors nor model\.safetensors\.index\.json/,
    )
    await rm(join(folder, "config.json"))
    expect(await refusal(Checkpoint.open(folder))).toMatch(/config\.json: is not there/)
  })
})

it("safetensors: any bytes changed give a typed refusal or a file of the same tensors, never a crash", async () => {
  const good = await readFile(join(folderOf("lora"), "adapter_model.safetensors"))
  const path = join(root, "spoilt.safetensors")
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(1800), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: good.length }),
      async (edits, cut) => {
        const bad = Buffer.from(good.subarray(0, cut % 3 === 0 ? cut : good.length))
        for (const [at, byte] of edits) if (at < bad.length) bad[at] = byte
        await writeFile(path, bad)
        const open = Effect.scoped(Safetensors.open(path)).pipe(Effect.map(({ entries }) => entries.size))
        const a = await Effect.runPromiseExit(Safetensors.decode(bad, path))
        const b = await Effect.runPromiseExit(open)
        expect(a._tag).toBe(b._tag)
        if (a._tag === "Failure") expect(a.cause.reasons.map((r) => r._tag)).toEqual(["Fail"])
      },
    ),
    { numRuns: 300 },
  )
})

describe("configurations", () => {
  const llama = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: 128_256,
    hidden_size: 2048,
    intermediate_size: 8192,
    num_hidden_layers: 16,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    max_position_embeddings: 131_072,
    rope_theta: 500_000,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
    torch_dtype: "bfloat16",
    hidden_act: "silu",
    attention_dropout: 0,
    pretraining_tp: 1,
    rope_scaling: {
      rope_type: "llama3",
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    },
  }
  const decode = (edit: Record<string, unknown>) => ModelConfig.decode({ ...llama, ...edit })

  it("counts the parameters of the published models", async () => {
    const count = async (config: Record<string, unknown>) =>
      Parameters.count(Parameters.layout(await run(ModelConfig.decode(config))))
    // Llama-3.2-1B and Qwen3-0.6B as their model cards count them.
    expect(await count(llama)).toBe(1_235_814_400)
    const qwen3 = {
      model_type: "qwen3",
      vocab_size: 151_936,
      hidden_size: 1024,
      intermediate_size: 3072,
      num_hidden_layers: 28,
      num_attention_heads: 16,
      num_key_value_heads: 8,
      head_dim: 128,
      max_position_embeddings: 40_960,
      rope_theta: 1_000_000,
      rms_norm_eps: 1e-6,
      tie_word_embeddings: true,
      use_sliding_window: false,
      sliding_window: null,
      max_window_layers: 28,
      rope_scaling: null,
      attention_bias: false,
    }
    expect(await count(qwen3)).toBe(596_049_920)
    // Qwen2.5-0.5B.
    const { head_dim: _, attention_bias: __, ...qwen2 } = qwen3
    expect(
      await count({
        ...qwen2,
        model_type: "qwen2",
        hidden_size: 896,
        intermediate_size: 4864,
        num_hidden_layers: 24,
        num_attention_heads: 14,
        num_key_value_heads: 2,
      }),
    ).toBe(494_032_768)
  })

  it("takes what transformers would take where the file is silent", async () => {
    const { num_key_value_heads: _, tie_word_embeddings: __, rope_scaling: ___, rope_theta: ____, ...bare } = llama
    const plain = await run(ModelConfig.decode(bare))
    expect(plain.num_key_value_heads).toBe(32)
    expect(plain.tie_word_embeddings).toBe(false)
    expect(plain.rope_theta).toBe(10_000)
    const mistral = { ...bare, architectures: ["MistralForCausalLM"], model_type: "mistral" }
    expect(ModelConfig.windowOf(await run(ModelConfig.decode(mistral)), 0)).toBe(4096)
    expect(ModelConfig.windowOf(await run(ModelConfig.decode({ ...mistral, sliding_window: null })), 0)).toBe(null)
    const qwen3 = await run(ModelConfig.decode({ ...bare, architectures: ["Qwen3ForCausalLM"], model_type: "qwen3" }))
    expect(ModelConfig.headSize(qwen3)).toBe(128)
    expect(ModelConfig.windowOf(qwen3, 15)).toBe(null)
  })

  it("refuses architectures and options that it does not implement, by name", async () => {
    const cases: ReadonlyArray<readonly [Record<string, unknown>, RegExp]> = [
      [{ model_type: "gpt2" }, /architecture "gpt2" is not implemented; the engine runs llama, mistral, qwen2, qwen3/],
      [{ architectures: ["LlamaForSequenceClassification"] }, /LlamaForSequenceClassification/],
      [{ hidden_act: "gelu" }, /hidden_act is "gelu"/],
      [{ attention_dropout: 0.1 }, /attention_dropout is 0\.1/],
      [{ quantization_config: { bits: 4 } }, /quantization_config is \{"bits":4\}/],
      [{ sliding_window: 4096 }, /sliding_window is 4096, which is not implemented for llama/],
      [{ logit_scale: 0.5 }, /has the option logit_scale, which is not implemented/],
      [{ rope_scaling: { rope_type: "longrope", factor: 2 } }, /rope_scaling type "longrope"/],
      [{ rope_scaling: { type: "linear", factor: 2, mrope_section: [1] } }, /mrope_section/],
      [{ rope_scaling: { type: "linear" } }, /factor/],
      [{ rope_scaling: 3 }, /rope_scaling is 3/],
      [{ rope_parameters: { rope_type: "default", partial_rotary_factor: 0.5 } }, /partial_rotary_factor is 0\.5/],
      [{ num_attention_heads: 33 }, /hidden_size 2048 must be an even multiple/],
      [{ head_dim: 63 }, /head_dim 63 must be even/],
      [{ vocab_size: -1 }, /vocab_size/],
    ]
    for (const [edit, message] of cases) expect(await refusal(decode(edit))).toMatch(message)
    expect((await run(ModelConfig.decode({ ...llama, logit_scale: 1 }, { ignore: ["logit_scale"] }))).vocab_size).toBe(
      128_256,
    )
    for (const input of [null, [], "llama", 3])
      expect(await refusal(ModelConfig.decode(input))).toMatch(/not a JSON object/)
  })
})

describe("options of config.json that change nothing", () => {
  const configOf = async (more: Readonly<Record<string, unknown>>) => {
    const raw = JSON.parse(await readFile(join(folderOf("llama2"), "config.json"), "utf8")) as Record<string, unknown>
    return { ...raw, ...more }
  }
  it.each([
    { is_llama_config: true, rope_interleaved: false },
    { unsloth_fixed: true, neftune_noise_alpha: 5, gradient_checkpointing: true },
    { max_length: 20, attn_implementation: "sdpa", temperature: 0.6 },
  ])("are taken, and named: %j", async (more) => {
    const input = await configOf(more)
    expect(await run(ModelConfig.decode(input))).toEqual(await run(ModelConfig.decode(await configOf({}))))
    for (const key of Object.keys(more).filter((name) => name !== "rope_interleaved"))
      expect(ModelConfig.notice(input)).toContain(key)
  })

  it("are not those that change something", async () => {
    expect(await refusal(ModelConfig.decode(await configOf({ rope_interleaved: true })))).toMatch(
      /rope_interleaved is true/,
    )
    expect(await refusal(ModelConfig.decode(await configOf({ residual_scale: 2 })))).toMatch(/--ignore residual_scale/)
    expect(ModelConfig.notice(await configOf({}))).toBeNull()
  })

  it("original_max_position_embeddings at the top counts before the one within", async () => {
    const rope_scaling = { rope_type: "yarn", factor: 4, original_max_position_embeddings: 64 }
    const config = await run(
      ModelConfig.decode(await configOf({ rope_parameters: rope_scaling, original_max_position_embeddings: 32 })),
    )
    expect(config.rope_scaling).toEqual({ ...rope_scaling, original_max_position_embeddings: 32 })
  })
})

it("writes floats as floats, which transformers does not take as whole numbers", async () => {
  const checkpoint = await run(Checkpoint.open(folderOf("gemma2")))
  const rope_scaling = { rope_type: "linear", factor: 2 }
  const folder = join(root, "floats")
  await run(
    Checkpoint.save(
      { ...checkpoint, raw: { ...checkpoint.raw, config: { ...checkpoint.raw.config, rope_scaling } } },
      folder,
    ),
  )
  const text = await readFile(join(folder, "config.json"), "utf8")
  expect(text).toMatch(/"final_logit_softcapping": 30\.0,\n/)
  expect(text).toMatch(/"attn_logit_softcapping": 2\.0,\n/)
  expect(text).toMatch(/"factor": 2\.0\n/)
  expect(text).toMatch(/"sliding_window": 6,\n/)
})

it("reads F64 tensors, rounded to float32", async () => {
  const header = JSON.stringify({ a: { dtype: "F64", shape: [3], data_offsets: [0, 24] } }).padEnd(72)
  const bytes = Buffer.alloc(8 + header.length + 24)
  bytes.writeBigUInt64LE(BigInt(header.length))
  bytes.write(header, 8)
  for (const [i, x] of [0.1, -1e300, 3].entries()) bytes.writeDoubleLE(x, 8 + header.length + 8 * i)
  const { tensors } = await run(Safetensors.decode(bytes, "f64"))
  expect(tensors.get("a")?.data).toEqual(Float32Array.of(Math.fround(0.1), -Infinity, 3))
})

it("reads rank-stabilised adapters and all-linear targets of PEFT", async () => {
  const { config } = await run(Checkpoint.open(folderOf("qwen2")))
  const plain = await run(LoraFiles.read(config, folderOf("lora")))
  const folder = await copyOf("lora")
  const path = join(folder, "adapter_config.json")
  const json = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>
  await writeFile(path, JSON.stringify({ ...json, use_rslora: true }))
  const stabilised = await run(LoraFiles.read(config, folder))
  // PEFT: alpha / sqrt(rank).
  expect(Lora.scale(stabilised.config)).toBeCloseTo(plain.config.alpha / Math.sqrt(plain.config.rank), 12)
  const wide = Lora.initialise(config, { ...plain.config, targets: Lora.modules }, "all")
  const out = join(root, "all-linear")
  await run(LoraFiles.write(config, wide, out))
  const written = JSON.parse(await readFile(join(out, "adapter_config.json"), "utf8")) as Record<string, unknown>
  await writeFile(join(out, "adapter_config.json"), JSON.stringify({ ...written, target_modules: "all-linear" }))
  expect(await run(LoraFiles.read(config, out))).toEqual(wide)
})
