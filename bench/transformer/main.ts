/**
 * `npm run bench -- transformer`: the embedded engine against PyTorch, `transformers` generate and TRL's GRPO, on the same
 * model, weights, batch and lengths, in interleaved rounds. The last line is JSON with the ratios, above 1 where ours is
 * faster; null if a peer was not available.
 */
import { spawnSync } from "node:child_process"
import { Backend } from "@lpo/transformer"
import { Effect } from "effect"
import * as Arguments from "../shared/Arguments.ts"
import * as Models from "../shared/Models.ts"
import { compareWithPeers } from "./Compare.ts"
import * as Rates from "./Rates.ts"
import * as Roofline from "./Roofline.ts"
import * as Work from "./Work.ts"

const { backend, quick, roofline, rounds, ...options } = Arguments.read("npm run bench -- transformer", {
  model: Arguments.oneOf("the model; above a million parameters TRL is skipped", Work.names, "llama-812k"),
  rounds: Arguments.whole("timed rounds; the default depends on the model", null),
  quick: Arguments.flag("two rounds; with --backend the smallest batches"),
  skipPeers: Arguments.flag("measure this engine alone"),
  workers: Arguments.whole("worker threads of this engine; 0 is none", 2, 0),
  threads: Arguments.whole("threads of PyTorch", 2),
  roofline: Arguments.flag("show where the time goes instead, on one thread"),
  backend: Arguments.many("measure only these backends, a process and a line of JSON each", Backend.names),
})

/** Measures one backend and prints its line of JSON; gives the exit code. */
const measureAlone = async (name: Backend.BackendName): Promise<number> => {
  const line = { bench: "transformer", backend: name, model: options.model }
  const work: Work.Work = Work.works[options.model]
  // Plain JavaScript takes minutes for what the others do in seconds.
  const batches = quick || name === "cpu" ? work.little : { decode: work.decode[0], train: work.train }
  const model = Models.open(options.model)
  const counted = { rounds: rounds ?? (quick ? 2 : work.rounds), workers: options.workers }
  try {
    const rates = await Effect.runPromise(Rates.measure({ backend: name, model, batches, ...counted }))
    console.log(JSON.stringify({ ...line, ...rates }))
    return 0
  } catch (cause) {
    const { message } = cause as Error
    console.log(`FAILED ${name}: ${message}`)
    console.log(JSON.stringify({ ...line, failed: message }))
    return 1
  }
}

/** This program again for each name, with the other arguments as they are; gives the worst exit code. */
const measureEach = (names: ReadonlyArray<string>): number => {
  const args = process.argv.slice(1).filter((argument, i, all) => {
    if (argument === "--backend" || argument.startsWith("--backend=")) return false
    return all[i - 1] !== "--backend"
  })
  const codes = names.map((name) => {
    const command = [...process.execArgv, ...args, "--backend", name]
    return spawnSync(process.execPath, command, { stdio: "inherit" }).status ?? 1
  })
  return Math.max(...codes)
}

if (backend.length > 1) process.exitCode = measureEach(backend)
else if (backend.length === 1) process.exitCode = await measureAlone(backend[0])
else {
  const work = Work.works[options.model]
  const model = Models.open(options.model)
  if (roofline) await Roofline.run(model, work.roofline)
  else await compareWithPeers(model, work, { ...options, rounds: rounds ?? (quick ? 2 : work.rounds) })
}
