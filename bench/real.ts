/**
 * `bench real`: two small models as people have them, alone and fused, on GSM8K and on wikitext, and the routers on the
 * vectors of a real embedding model against those of words.
 *
 * It takes hours on a small machine. Every answer is kept in a ledger as it comes, so a run can be stopped (`--minutes`)
 * and another one goes on. Each question goes to everyone before the next, so that a stopped run has complete rows. Speeds
 * are of answers made anew; measure them (`--set speed`) on an idle machine.
 */
import { mkdirSync } from "node:fs";
import { refuse } from "../src/read-options.js";
import type { SystemOptions } from "../src/systems.js";
import { chooseSets, type Missing, missingAmong, projectPath } from "./choose-sets.js";
import { machineFacts } from "./machine.js";
import { missingReal, REAL_EMBEDDER, REAL_MEMBERS, RealAnswers, realContenders } from "./real-models.js";
import { askQuestions, timeQuestions } from "./real-questions.js";
import { realRouters } from "./real-routers.js";
import { scoreTexts } from "./real-text.js";
import type { BenchOptions, BenchReport, BenchTable } from "./report.js";
import { missingTables, ROUTING_FOLDER, ROUTING_TABLES } from "./routing-tables.js";

const KEPT = projectPath(".cache/bench-real");
const GSM8K = projectPath("../shared/text/gsm8k-test.jsonl");
const WIKITEXT = projectPath("../shared/text/wikitext-2-test.txt");

const METHODS: readonly SystemOptions[] = ["gac", "unite", "packllm", "safe", "product"].map(
  (name) => ({ name }) as SystemOptions,
);

const ROUTED = ["RouterBench ARC-C", "RouterBench Winogrande", "RouterDC"];
const TABLES = ROUTING_TABLES.filter(({ name }) => ROUTED.includes(name));

interface Part {
  name: "gsm8k" | "wikitext" | "routers" | "speed";
  missing: (options: BenchOptions) => Missing | undefined;
}

const PARTS: readonly Part[] = [
  { name: "gsm8k", missing: () => missingReal(REAL_MEMBERS) ?? missingAmong([GSM8K], textCure) },
  { name: "wikitext", missing: () => missingReal(REAL_MEMBERS) ?? missingAmong([WIKITEXT], textCure) },
  { name: "speed", missing: () => missingReal(REAL_MEMBERS) ?? missingAmong([GSM8K], textCure) },
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
  const contenders = realContenders(METHODS);
  const withAnswers = async (file: string | undefined, use: (answers: RealAnswers) => Promise<void>) => {
    const answers = await RealAnswers.open(file, 60 * minutes);
    await use(answers).finally(() => answers.close());
  };
  if (isChosen("gsm8k") || isChosen("wikitext")) {
    await withAnswers(`${KEPT}/answers.jsonl`, async (answers) => {
      const run = { answers, contenders, limit, onProgress };
      if (isChosen("wikitext")) add(await scoreTexts({ ...run, file: WIKITEXT }));
      if (isChosen("gsm8k")) add(await askQuestions({ ...run, file: GSM8K }));
    });
  }
  if (isChosen("speed")) {
    await withAnswers(undefined, async (answers) =>
      add(await timeQuestions({ answers, contenders, limit, file: GSM8K, onProgress })),
    );
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
