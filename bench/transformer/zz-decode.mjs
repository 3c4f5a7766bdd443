import { Backend, Replica } from "@lpo/transformer"
import { Effect } from "effect"
const { config, sequences, values } = await import("/work/wt/engine/bench/transformer/model.mjs")
await Effect.runPromise(Backend.start("wasm"))
const replica = Replica.make(config, values)
const best = {}
for (let round = 0; round < +(process.argv[2] ?? 5); round++)
for (const [n, P, T] of [[128,1,63],[64,1,63],[32,1,63],[16,1,63],[8,1,63],[4,1,63],[1,1,63],[128,16,48]]) {
  const g = Math.min(8, n)
  const requests = sequences(Math.max(1,n/g), P).map((prompt, i) => ({ prompt, streams: Array.from({length:g}, (_, k) => `r${round}/${i}/${k}`) }))
  const reps = n < 16 ? 4 : 1
  const c=process.cpuUsage(), t=performance.now()
  for (let i=0;i<reps;i++) replica.generate(requests, { maxTokens: T, stop: 64, temperature: 1, topP: 1, topK: 0 })
  const ms=(performance.now()-t)/reps, d=process.cpuUsage(c), cpu=(d.user+d.system)/1000/reps
  const k=`${n} x ${P}+${T}`; const b = best[k] ??= {ms:1e9,cpu:1e9}; b.ms=Math.min(b.ms,ms); b.cpu=Math.min(b.cpu,cpu); b.n=n*T
}
for (const k in best) console.log(k.padEnd(14), best[k].ms.toFixed(1),'ms', Math.round(best[k].n/best[k].ms*1000),'tok/s; cpu', best[k].cpu.toFixed(1), (best[k].cpu*1000/best[k].n).toFixed(1),'us/token')
