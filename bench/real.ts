/**
 * `bench real`: two small models as people have them, alone and fused, on GSM8K and on wikitext, and the routers on the
 * vectors of a real embedding model against those of words.
 *
 * It takes hours on a small machine. Every answer is kept in a ledger as it comes, so a run can be stopped (`--minutes`)
 * and another one goes on. The questions' order is fixed; a method that has answered fewer is compared on those.
 */
import { mkdirSync } from "node:fs";
import { refuse } from "../src/read-options.js";
import type { SystemOptions } from "../src/systems.js";
import { chooseSets, type Missing, missingAmong, projectPath } from "./choose-sets.js";
import { machineFacts } from "./machine.js";
import { missingReal, REAL_EMBEDDER, REAL_MEMBERS, RealAnswers, realContenders } from "./real-models.js";
import { askQuestions } from "./real-questions.js";
import { realRouters } from "./real-routers.js";
import { scoreTexts } from "./real-text.js";
import type { BenchOptions, BenchReport, BenchTable } from "./report.js";
import { missingTables, ROUTING_FOLDER, ROUTING_TABLES } from "./routing-tables.js";

const KEPT = projectPath(".cache/bench-real");
const GSM8K = projectPath("../shared/text/gsm8k-test.jsonl");
const WIKITEXT = projectPath("../shared/text/wikitext-2-test.txt");

/** What is asked first is what there is most of where time runs out. */
const FIRST: readonly SystemOptions[] = [{ name: "gac" }, { name: "unite" }, { name: "safe" }];
const THEN: readonly SystemOptions[] = [{ name: "product" }, { name: "packllm" }];

const ROUTED = ["RouterBench ARC-C", "RouterBench Winogrande", "RouterDC"];
const TABLES = ROUTING_TABLES.filter(({ name }) => ROUTED.includes(name));

interface Part {
  name: "gsm8k" | "wikitext" | "routers";
  missing: (options: BenchOptions) => Missing | undefined;
}

const PARTS: readonly Part[] = [
  { name: "gsm8k", missing: () => missingReal(REAL_MEMBERS) ?? missingAmong([GSM8K], textCure) },
  { name: "wikitext", missing: () => missingReal(REAL_MEMBERS) ?? missingAmong([WIKITEXT], textCure) },
  { name: "routers", missing: ({ folder = ROUTING_FOLDER }) => missingReal([REAL_EMBEDDER]) ?? missingOf(folder) },
];

export async function benchReal(options: BenchOptions = {}): Promise<Omit<BenchReport, "command">> {
  const { limit, minutes = Number.POSITIVE_INFINITY, onProgress } = options;
  if (!(minutes >= 0)) refuse("minutes", minutes, "a number of at least 0");
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1))
    refuse("limit", limit, "an integer of at least 1");
  const { sets, notes } = chooseSets("real", PARTS, options.sets, ({ missing }) => missing(options));
  const isChosen = (part: Part["name"]) => sets.some(({ name }) => name === part);
  const tables: BenchTable[] = [];
  const add = ({ table, notes: more }: { table: BenchTable; notes: string[] }) => {
    tables.push(table);
    notes.push(...more);
  };
  mkdirSync(KEPT, { recursive: true });
  // The embedding model is done with before the members are loaded.
  const routers = isChosen("routers")
    ? await realRouters(TABLES, options.folder ?? ROUTING_FOLDER, `${KEPT}/embeddings`, onProgress)
    : undefined;
  if (isChosen("gsm8k") || isChosen("wikitext")) {
    const answers = await RealAnswers.open(`${KEPT}/answers.jsonl`, 60 * minutes);
    try {
      const first = realContenders(FIRST);
      const then = realContenders(THEN).slice(REAL_MEMBERS.length);
      const run = { answers, limit, onProgress };
      if (isChosen("wikitext")) add(await scoreTexts({ ...run, contenders: [...first, ...then], file: WIKITEXT }));
      if (isChosen("gsm8k")) add(await askQuestions({ ...run, groups: [first, then], file: GSM8K }));
    } finally {
      await answers.close();
    }
  }
  if (routers !== undefined) tables.push(routers);
  return {
    name: "real",
    about: [
      "SmolLM2-135M-Instruct (Q4_1) and Gemma 3 270M (base, Q8_0), alone and fused, greedy, one thread each.",
      'GSM8K: the first questions of its test split, each as the only user message, without an instruction or examples; Gemma 3 270M has no chat template and reads "User: … Assistant:".',
      '"vs best member" is the paired difference on the questions that both answered; brackets are 95 % bootstrap intervals, of times and speeds the quartiles.',
      "Bits per byte: −log2 of the likelihood of the passages by their bytes; a dash where a passage has likelihood 0.",
    ],
    machine: machineFacts(),
    settings: { limit, minutes: Number.isFinite(minutes) ? minutes : undefined },
    tables,
    notes,
  };
}

function missingOf(folder: string): Missing | undefined {
  return TABLES.map((table) => missingTables(table, folder)).find((missing) => missing !== undefined);
}

function textCure(file: string): string {
  return `Put the data set's test split there as ${file}`;
}
