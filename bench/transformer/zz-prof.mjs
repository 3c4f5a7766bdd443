import { Backend, Replica, fused } from "@lpo/transformer"
import { Effect } from "effect"
import * as Heap from "../../packages/transformer/src/decode/Heap.ts"
import * as FD from "../../packages/transformer/src/decode/FusedDecoder.ts"
const { config, sequences, values } = await import("/work/wt/engine/bench/transformer/model.mjs")
await Effect.runPromise(Backend.start("wasm"))
const heap = Heap.open()
let spent = {}
const wrapped = { ...heap, kernels: Object.fromEntries(Object.entries(heap.kernels).map(([k, f]) => [k, (...a) => { const t = performance.now(); f(...a); const key = k.startsWith('panel') ? `${k} ${a[2]}x${a[3]}` : k; spent[key] = (spent[key] ?? 0) + performance.now() - t }])) }
const replica = Replica.make(config, values, { ops: { ...fused(), decoder: (m) => FD.make(wrapped, m) } })
for (const [n,P,T] of [[128,1,63],[16,1,63],[4,1,63],[1,1,63]]) {
  let best = {whole:1e9}
  for (let round=0;round<8;round++){
    spent = {}
    const g = Math.min(8,n)
    const requests = sequences(Math.max(1,n/g), P).map((prompt, i) => ({ prompt, streams: Array.from({length:g}, (_, k) => `r${round}/${i}/${k}`) }))
    const t=performance.now(); replica.generate(requests, { maxTokens: T, stop: 64, temperature: 1, topP: 1, topK: 0 }); const whole=performance.now()-t
    if (whole < best.whole) best = {whole, spent}
  }
  console.log('\n', n, P, T, best.whole.toFixed(1))
  let inside=0; for (const [k,v] of Object.entries(best.spent).sort((a,b)=>b[1]-a[1])) { inside+=v; const m=/ (\d+)x(\d+)/.exec(k); console.log(k.padEnd(26), v.toFixed(2), 'ms', (v*1000/n/T).toFixed(2),'us/token', m?((2*m[1]*m[2]*n*T*(k.includes('64x')?1:4))/v/1e6).toFixed(1)+' GF':'') }
  console.log('js', (best.whole-inside).toFixed(2))
}
