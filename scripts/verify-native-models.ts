/**
 * `npm run verify:native [-- FOLDER]`: the native models and their questions against native-models/manifest.json.
 *
 * Checked of every model: size and SHA-256, the checks that every member passes, the metadata that the manifest and the
 * other models agree with, and the types of its tensors; of the questions: number, skills, and that no two are alike.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { checkModel } from "../src/llama/check-model.js";
import { NATIVE_NAMES } from "../src/native-models.js";

/** What a clone may grow by. */
const MOST_BYTES = 30e6;
const SKILLS = ["facts", "numbers", "words"];
/** Of every skill, in each of the files. */
const QUESTIONS = 100;

export interface ManifestModel {
  name: string;
  file: string;
  bytes: number;
  sha256: string;
  parameters: number;
  vocabulary: number;
  context: number;
  accuracy: Record<"test" | "development", Record<string, number>>;
  judging?: Record<string, number>;
}

export interface Manifest {
  questions: Record<string, string>;
  models: ManifestModel[];
}

export interface NativeQuestion {
  id: string;
  skill: string;
  question: string;
  answers: string[];
  split: string;
  topic: string;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(path.join(folder, "manifest.json"), "utf8")) as Manifest;
}

export function readQuestions(file: string): NativeQuestion[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as NativeQuestion);
}

/** What is wrong, one line each; nothing if all is as the manifest says. */
export async function verifyNativeModels(folder: string): Promise<string[]> {
  const { models, questions } = readManifest(folder);
  const names = models.map(({ name }) => name);
  const problems = NATIVE_NAMES.filter((name) => !names.includes(name)).map((name) => `${name}: not in manifest.json`);
  const templates = new Set<string>();
  for (const model of models) {
    const file = path.join(folder, model.file);
    try {
      problems.push(...(await differences(file, model, templates)).map((text) => `${model.file}: ${text}`));
    } catch (error) {
      problems.push(`${model.file}: ${(error as Error).message}`);
    }
  }
  if (templates.size > 1) problems.push(`the models have ${templates.size} chat templates; one is shared by all`);
  const total = models.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > MOST_BYTES) problems.push(`the models have ${total} bytes; at most ${MOST_BYTES} are allowed`);
  return [...problems, ...questionProblems(folder, questions)];
}

async function differences(file: string, model: ManifestModel, templates: Set<string>): Promise<string[]> {
  const found: Record<string, unknown> = {
    bytes: statSync(file).size,
    sha256: createHash("sha256").update(readFileSync(file)).digest("hex"),
  };
  const { architecture, chatTemplate, tokenizer, gguf } = await checkModel(file);
  found.architecture = architecture;
  found.context = gguf.metadata.uint32("llama.context_length");
  found.vocabulary = tokenizer.size;
  found.parameters = gguf.tensors.reduce((sum, { elements }) => sum + elements, 0);
  found.types = [...new Set(gguf.tensors.map(({ type }) => type.name))].sort().join(" ");
  templates.add(chatTemplate ?? "");
  const wanted: Record<string, unknown> = { ...model, architecture: "llama", types: "F16 F32" };
  return Object.entries(found)
    .filter(([key, value]) => value !== wanted[key])
    .map(([key, value]) => `${key} is ${value}; the manifest says ${wanted[key]}`);
}

function questionProblems(folder: string, files: Record<string, string>): string[] {
  const problems: string[] = [];
  const seen = new Map<string, string>();
  for (const [split, file] of Object.entries(files)) {
    const questions = readQuestions(path.join(folder, file));
    for (const skill of SKILLS) {
      const count = questions.filter((question) => question.skill === skill && question.split === split).length;
      if (count !== QUESTIONS)
        problems.push(`${file}: ${count} questions of ${skill} for ${split}; wanted ${QUESTIONS}`);
    }
    for (const { id, question } of questions) {
      const other = seen.get(question);
      if (other !== undefined) problems.push(`${file}: ${id} asks what ${other} asks`);
      seen.set(question, id);
    }
  }
  return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = path.resolve(process.argv[2] ?? "native-models");
  const problems = await verifyNativeModels(folder);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
  else process.stdout.write(`${folder}: ${NATIVE_NAMES.length} models and their questions are as manifest.json says\n`);
}
