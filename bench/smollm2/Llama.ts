/** llama.cpp, through node-llama-cpp: its prebuilt library for processors, in its own folder. */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const folder = fileURLToPath(new URL(".", import.meta.url))

/** Installs the packages if they are missing; throws an `Error` if they are not available. */
export const install = (): void => {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(`its library is for Linux on x64 (this is ${process.platform} on ${process.arch})`)
  const lock = readFileSync(join(folder, "package-lock.json"), "utf8")
  const installed = join(folder, "node_modules", ".installed-lock.json")
  if (existsSync(installed) && readFileSync(installed, "utf8") === lock) return
  console.log("installing node-llama-cpp (once; 83 MB on disk)")
  const args = ["ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]
  const { error, status } = spawnSync("npm", args, { cwd: folder, stdio: ["ignore", 2, "inherit"] })
  if (status !== 0) throw new Error(`npm ci in ${folder} failed${error === undefined ? "" : ` (${error.message})`}`)
  writeFileSync(installed, lock)
}

/** What is used of node-llama-cpp. */
interface Library {
  readonly getLlama: (options: object) => Promise<{
    readonly loadModel: (options: object) => Promise<{
      readonly createContext: (options: object) => Promise<{
        readonly getSequence: () => {
          readonly evaluateWithMetadata: (
            tokens: ReadonlyArray<number>,
            metadata: { readonly confidence: true },
            options: object,
          ) => AsyncIterable<{ readonly token: number; readonly confidence: number }>
        }
        readonly dispose: () => Promise<void>
      }>
      readonly dispose: () => Promise<void>
    }>
  }>
}

export interface Sample {
  readonly tokens: ReadonlyArray<number>
  readonly logprobs: ReadonlyArray<number>
}

/** A sampler on the model of a file: `count` samples of one prompt, all under way at once. */
export const open = async (path: string, threads: number) => {
  const entry = join(folder, "node_modules", "node-llama-cpp", "dist", "index.js")
  const { getLlama } = (await import(pathToFileURL(entry).href)) as Library
  const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", maxThreads: threads })
  const model = await llama.loadModel({ modelPath: path })
  const sample = async (
    prompt: ReadonlyArray<number>,
    count: number,
    newTokens: number,
  ): Promise<ReadonlyArray<Sample>> => {
    const context = await model.createContext({
      sequences: count,
      contextSize: prompt.length + newTokens + 1,
      batchSize: Math.max(512, count * prompt.length),
      threads: { ideal: threads, min: threads },
    })
    const one = async (seed: number): Promise<Sample> => {
      const law = { temperature: 1, topK: 0, topP: 1, minP: 0, seed, yieldEogToken: true }
      const tokens: Array<number> = []
      const logprobs: Array<number> = []
      for await (const { confidence, token } of context
        .getSequence()
        .evaluateWithMetadata(prompt, { confidence: true }, law)) {
        tokens.push(token)
        logprobs.push(Math.log(confidence))
        if (tokens.length === newTokens) break
      }
      return { tokens, logprobs }
    }
    try {
      return await Promise.all(Array.from({ length: count }, (_, i) => one(i + 1)))
    } finally {
      await context.dispose()
    }
  }
  return { sample, dispose: () => model.dispose() }
}
