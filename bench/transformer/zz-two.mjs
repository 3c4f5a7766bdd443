import { Policy } from "@lpo/transformer"
import { Effect } from "effect"
import { config, sequences, values, tokenizer } from "./model.mjs"
const out={}
await Effect.runPromise(Effect.scoped(Effect.gen(function*(){
  const policy = yield* Policy.make(config, tokenizer, values, { workers: 2 })
  const ask=(n,P)=>sequences(n/8,P).map((prompt,i)=>({prompt,streams:Array.from({length:8},(_,k)=>`${n}/${i}/${k}`)}))
  for(let r=-1;r<+(process.argv[2]??8);r++) for(const [n,ms] of [[256,128],[256,64],[256,32],[256,16],[256,8],[8,4]]){
    const c=process.cpuUsage(),t=performance.now(); yield* policy.generate(ask(n,1),{maxTokens:63,temperature:1,topP:1,topK:0,maxSequences:ms}); const w=performance.now()-t,d=process.cpuUsage(c)
    if(r>=0)(out[`${n} at ${ms}`]??=[]).push([w,(d.user+d.system)/1000,n]) }
})))
for(const k in out){const x=out[k];const w=x.map(a=>a[0]).sort((a,b)=>a-b),c=x.map(a=>a[1]).sort((a,b)=>a-b);const n=x[0][2]*63;console.log(k.padEnd(12),'best',Math.round(n/w[0]*1000),'median',Math.round(n/w[w.length>>1]*1000),'tok/s; cpu us/token best',(c[0]*1000/n).toFixed(1),'median',(c[c.length>>1]*1000/n).toFixed(1))}
