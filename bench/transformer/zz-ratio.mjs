// private: decode ratio against transformers, in turns
import * as Peers from "../peers/peers.mjs"
import { sequences, writeModel } from "./model.mjs"
import * as Ours from "./ours.mjs"
import { Effect } from "effect"
const folder = await writeModel(); const rounds=+(process.argv[2]??3)
const torch = await Peers.start("transformer", "torch_worker.py", folder, "2")
const med=x=>x.sort((a,b)=>a-b)[x.length>>1]
await Effect.runPromise(Effect.scoped(Effect.gen(function*(){
  const ours = yield* Ours.engine(2)
  for (const rows of [256,8]) { const a=[],b=[]; for(let r=-1;r<rounds;r++){ const x=(yield* ours.generate(rows,1,63)).seconds; const y=(yield* Effect.promise(()=>torch.ask({cmd:"generate",tokens:sequences(rows,1).map(q=>Array.from(q)),new_tokens:63}))).seconds; if(r>=0){a.push(x);b.push(y)} }
   console.log(rows,'ours',Math.round(rows*63/med(a)),'peer',Math.round(rows*63/med(b)),'ratio',(med(b)/med(a)).toFixed(2),'each',a.map((x,i)=>(b[i]/x).toFixed(2)).join(' ')) }
})))
torch.stop()
