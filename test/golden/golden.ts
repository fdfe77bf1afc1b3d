/** Finding golden files, and checking their cases. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { GoldenAdapter, Json } from "./adapter.js";
import { adapters } from "./adapters/index.js";
import { compare } from "./compare.js";

export interface GoldenFile {
  file: string;
  method: string;
  cases: GoldenCase[];
}

export interface GoldenCase {
  name: string;
  input: Json;
  output: Json;
}

/** Lines of a failed case that are worth reading; the rest is counted. */
const SHOWN_MISMATCHES = 5;

/** All `*.json` files of a folder, by name. */
export async function goldenPaths(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => path.join(folder, name));
}

export async function readGolden(file: string): Promise<GoldenFile> {
  const { method, cases } = JSON.parse(await readFile(file, "utf8")) as Omit<GoldenFile, "file">;
  return { file, method, cases };
}

/** Why a case cannot be run here; undefined: it can. */
export function whySkipped(method: string, { input }: GoldenCase): string | undefined {
  return adapters.find((one) => one.method === method)?.whyNot?.(input);
}

/** What is wrong with a case, one line each; empty if it passes. */
export async function checkCase(method: string, { name, input, output }: GoldenCase): Promise<string[]> {
  const where = `${method} ${name}`;
  const adapter: GoldenAdapter | undefined = adapters.find((one) => one.method === method);
  if (adapter === undefined) return [`${where}: no such method in this project`];
  try {
    const mismatches = compare(output, await adapter.run(input, output), adapter.tolerance);
    const lines = mismatches
      .slice(0, SHOWN_MISMATCHES)
      .map(({ field, expected, found }) => `${where}: ${field}: expected ${show(expected)}, got ${show(found)}`);
    const hidden = mismatches.length - lines.length;
    return hidden > 0 ? [...lines, `${where}: … and ${hidden} more fields`] : lines;
  } catch (error) {
    return [`${where}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`];
  }
}

/** What is wrong with all cases of a method together; undefined where the method asks nothing of them together. */
export function checkAll(method: string, cases: readonly GoldenCase[]): string[] | undefined {
  const lines = adapters.find((one) => one.method === method)?.checkAll?.(cases);
  return lines?.map((line) => `${method}: ${line}`);
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_, item) => (ArrayBuffer.isView(item) ? Array.from(item as Int32Array) : item));
  return text === undefined ? "nothing" : text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
