/** SkyRL's Tinker server on the CPU, from the Python package index. */
import { fileURLToPath } from "node:url"
import * as Python from "../../bench/shared/Python.ts"
import * as Server from "../shared/Server.ts"

/** The interpreter with SkyRL; throws an `Error` that says what is missing. */
export const prepare = (): string =>
  Python.prepare({
    name: "skyrl",
    requirements: new URL("requirements.txt", import.meta.url),
    versions: [12, 13],
  })

/** The unembedding is not trained: its random weights are large, so that logits can move. */
export const makeTiny = (python: string, folder: string, vocabulary: number): void =>
  Server.makeModel(python, folder, vocabulary, {
    hidden_size: 32,
    intermediate_size: 64,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
    initializer_range: 0.2,
  })

export interface Options {
  /** Database, checkpoints and log; they survive the server. */
  readonly folder: string
  readonly model: string
  readonly port: number
  readonly python: string
}

export const start = ({ folder, model, port, python }: Options): Promise<Server.Server> => {
  const config = {
    max_lora_adapters: 8,
    max_lora_rank: 8,
    train_micro_batch_size: 32,
    sample_max_num_sequences: 32,
    gradient_checkpointing: false,
  }
  return Server.start({
    command: python,
    args: [
      fileURLToPath(new URL("serve.py", import.meta.url)),
      `--base-model=${model}`,
      "--backend=jax",
      `--backend-config=${JSON.stringify(config)}`,
      `--checkpoints-base=${folder}/checkpoints`,
      `--database-url=sqlite:///${folder}/run.db`,
      `--port=${port}`,
    ],
    env: { JAX_PLATFORMS: "cpu", TOKENIZERS_PARALLELISM: "false" },
    folder,
    port,
    health: "/api/v1/healthz",
  })
}
