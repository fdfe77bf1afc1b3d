/** The benches by name. `npm run bench -- NAME` and `llamafuse bench NAME` run them through here. */
import { unknownName } from "../src/errors.js";
import { benchAlignments } from "./alignments.js";
import { benchBytes } from "./bytes.js";
import { benchFormat } from "./format.js";
import { benchFused } from "./fused.js";
import { benchGraphTop } from "./graph-top.js";
import { benchIsolate } from "./isolate.js";
import { benchLoad } from "./load.js";
import { Disturbance } from "./machine.js";
import { benchMany } from "./many.js";
import { benchPeer } from "./peer.js";
import { benchQuality } from "./quality.js";
import { benchReal } from "./real.js";
import { benchRecurrent } from "./recurrent.js";
import type { BenchOptions, BenchReport } from "./report.js";
import { benchRouters } from "./routers.js";
import { benchRouting } from "./routing.js";
import { benchServe } from "./serve.js";
import { benchSpeculative } from "./speculative.js";
import { benchSpeed, type SpeedOptions } from "./speed.js";
import { benchStep } from "./step.js";

const benches = {
  step: { summary: "milliseconds of a step without decoding, and where they go", run: benchStep },
  fused: { summary: "fused generation against bare decoding of the same tokens", run: benchFused },
  load: { summary: "loading: time to the first token, memory beyond the models' own", run: benchLoad },
  isolate: { summary: "a step of members in processes of their own against threads", run: benchIsolate },
  format: { summary: "a step of an answer that must have a form against a free one", run: benchFormat },
  many: { summary: "requests side by side in slots against one after another", run: benchMany },
  "graph-top": {
    summary: "the k best logits chosen in llama.cpp's graph against a search over all",
    run: benchGraphTop,
  },
  recurrent: {
    summary: "taking tokens back in recurrent models, by checkpoints and by reading again",
    run: benchRecurrent,
  },
  serve: { summary: "the server under many requests at once, against the library", run: benchServe },
  quality: {
    summary: "every method against its members and the oracle, on the native models' test questions",
    run: benchQuality,
  },
  routers: { summary: "every router: fitting 10,000 queries × 11 models, deciding on one", run: benchRouters },
  routing: {
    summary: "every router on RouterBench, RouterDC and RouteLLM, and the native experts behind the default one",
    run: benchRouting,
  },
  real: {
    summary: "real models alone and fused on GSM8K and wikitext; routers on a real embedder's vectors",
    run: benchReal,
  },
  alignments: {
    summary: "what deepen and eva build on real vocabularies, and their steps",
    run: benchAlignments,
  },
  bytes: { summary: "members that say bytes: cost by beam, and bits per byte alone and fused", run: benchBytes },
  speed: { summary: "your own models (-m), alone and fused: first token, tokens/s, memory", run: benchSpeed },
  speculative: { summary: "speculation against the same answers step by step", run: benchSpeculative },
  peer: { summary: "the same fusion written with node-llama-cpp's public API", run: benchPeer },
};

/** Above this share of the cores' time, numbers are not to be trusted. */
const DISTURBED = 0.05;

/** Name and one line for each bench. */
export const benchInfos: readonly { name: string; summary: string }[] = Object.entries(benches).map(
  ([name, { summary }]) => ({ name, summary }),
);

export const benchNames: readonly string[] = Object.keys(benches);

/** Run one bench. LlamafuseError "invalid-option" for an unknown name. Model sets whose files are missing are left out. */
export async function runBench(name: string, options: BenchOptions & SpeedOptions = {}): Promise<BenchReport> {
  if (!Object.hasOwn(benches, name)) throw unknownName("bench", name, benchNames);
  const disturbance = new Disturbance();
  const report = await benches[name as keyof typeof benches].run(options);
  const others = disturbance.share();
  const notes = [...report.notes];
  if (others > DISTURBED) {
    notes.push(`other processes took ${Math.round(100 * others)} % of the cores meanwhile: measure again when idle`);
  }
  const command = `npm run bench -- ${[name, ...argumentsOf(options)].join(" ")}`;
  return { ...report, settings: { ...report.settings, othersShareOfCores: others }, notes, command };
}

function argumentsOf({ rounds, limit, minutes, sets, folder }: BenchOptions): string[] {
  return [
    ...(rounds === undefined ? [] : [`--rounds ${rounds}`]),
    ...(limit === undefined ? [] : [`--limit ${limit}`]),
    ...(minutes === undefined ? [] : [`--minutes ${minutes}`]),
    ...(sets ?? []).map((set) => `--set "${set}"`),
    ...(folder === undefined ? [] : ["--folder FOLDER"]),
  ];
}
