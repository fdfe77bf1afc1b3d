/** `bench native`: what fusing gains on the native models, whose cards say what each of them knows. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { MethodOptions } from "../during/methods.js";
import { createEnsemble } from "../ensemble.js";
import { type NativeModel, nativeModels } from "../native-models.js";
import { machineFacts } from "./machine.js";
import type { BenchOptions, BenchReport, Cell } from "./report.js";

interface Question {
  question: string;
  answers: string[];
  known_by: string;
}

const MAX_TOKENS = 24;
const METHODS: MethodOptions[] = [{ name: "unite" }, { name: "gac" }, { name: "gac", gate: "threshold" }];

export async function benchNative(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const models = nativeModels();
  const questions = readQuestions(path.join(path.dirname(models[0].path), "questions.jsonl"));
  const owners = models.map(({ name }) => name);
  const runs: { title: string; models: NativeModel[]; method: MethodOptions }[] = [
    ...models.map((model) => ({ title: `${model.name} alone`, models: [model], method: { name: "single" } as const })),
    ...METHODS.map((method) => ({ title: titleOf(method), models, method })),
  ];
  const rows: Record<string, Cell>[] = [];
  for (const run of runs) {
    options.onProgress?.(run.title);
    rows.push({ members: run.title, ...(await measure(run.models, run.method, questions, owners)) });
  }
  return {
    name: "native",
    about: [
      "percent of the held-out questions in native-models/questions.jsonl answered rightly, greedy, by the half of the world that each question is about.",
      "An answer is right if it contains an expected word.",
    ],
    machine: machineFacts(),
    settings: { maxTokens: MAX_TOKENS, questions: questions.length },
    tables: [
      {
        title: "right answers, percent",
        columns: [
          { key: "members", title: "who answers" },
          ...owners.map((owner) => ({ key: owner, title: `${owner}'s half`, digits: 1 })),
          { key: "all", title: "all", digits: 1 },
        ],
        rows,
      },
    ],
    notes: [],
  };
}

async function measure(models: NativeModel[], method: MethodOptions, questions: Question[], owners: string[]) {
  await using ensemble = await createEnsemble({
    members: models.map((model) => ({ model: model.path, threads: 1 })),
    method,
    gpu: false,
  });
  const right = new Map(owners.map((owner) => [owner, 0]));
  for (const { question, answers, known_by } of questions) {
    const { text } = await ensemble.generate([{ role: "user", content: question }], { maxTokens: MAX_TOKENS });
    if (isRight(text, answers)) right.set(known_by, (right.get(known_by) ?? 0) + 1);
  }
  const percent = (count: number, of: number) => (100 * count) / of;
  const halves = owners.map((owner) => [
    owner,
    percent(right.get(owner) ?? 0, questions.filter((question) => question.known_by === owner).length),
  ]);
  const all = percent(
    [...right.values()].reduce((sum, count) => sum + count, 0),
    questions.length,
  );
  return { ...Object.fromEntries(halves), all };
}

/** Whether the answer contains an expected word, as a whole word. */
function isRight(text: string, answers: readonly string[]): boolean {
  const words = ` ${text.toLowerCase().replace(/[^a-z0-9]+/g, " ")} `;
  return answers.some((answer) => words.includes(` ${answer.toLowerCase()} `));
}

function readQuestions(file: string): Question[] {
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Question);
}

function titleOf({ name, ...options }: MethodOptions): string {
  return [name, ...Object.values(options)].join(", ");
}
