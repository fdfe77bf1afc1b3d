import { createEnsemble, nativeModel } from "/work/wt-quality/src/index.js";
import { SimilarityAlignment } from "/work/wt-quality/src/during/alignments/similarity.js";
import { commonTokens } from "/work/wt-quality/src/vocabulary/common-tokens.js";
const names=["robin","wren","finch"];
const e = await createEnsemble({ members: names.map(n=>({name:n,model:nativeModel(n).path,threads:1})), gpu:false });
const ms = e.members;
const mats = await SimilarityAlignment.build(ms, 0, {neighbourhood:1,similar:10,leastSimilarity:0.1,published:false});
for (const i of [1,2]) {
  const m = mats[i]!; const [from,to]=commonTokens([ms[i].vocabulary, ms[0].vocabulary]);
  let top1=0, empty=0, present=0;
  const t=(k:number,id:number)=>JSON.stringify(Buffer.from(ms[k].vocabulary.bytesOf(id)).toString());
  const lines:string[]=[];
  from.forEach((f,j)=>{ const a=m.offsets[f], b=m.offsets[f+1]; if(a===b){empty++;return;} let best=a; for(let x=a;x<b;x++){ if(m.values[x]>m.values[best]) best=x; if(m.indices[x]===to[j]) present++; } if(m.indices[best]===to[j]) top1++;
    const s=t(i,f); if (/^"[a-z0-9]"$/.test(s)) { const list=[]; for(let x=a;x<b;x++) list.push(t(0,m.indices[x])+":"+m.values[x].toFixed(2)); lines.push(s+" -> "+list.slice(0,4).join(" ")); } });
  console.log(names[i], "common", from.length, "of", ms[i].vocabulary.size, "identity top1", top1, "present", present, "empty", empty);
  console.log(lines.slice(0,40).join("\n"));
}
await e.dispose();
