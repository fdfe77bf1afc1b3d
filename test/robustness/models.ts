/** The models of these tests: the native ones, real ones from ../shared where there are any, and a slow one. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { type TinyModelOptions, writeTinyModel } from "../../scripts/lib/tiny-model.js";
import { nativeModels } from "../../src/native-models.js";

const shared = path.join(import.meta.dirname, "..", "..", "..", "shared", "models");

/** name → file */
export const MODELS: readonly (readonly [name: string, file: string])[] = [
  ...nativeModels().map(({ path: file }) => file),
  ...(existsSync(shared) ? readdirSync(shared).filter((name) => name.endsWith(".gguf")) : []).map((name) =>
    path.join(shared, name),
  ),
].map((file) => [path.basename(file, ".gguf"), file]);
if (!existsSync(shared))
  console.log(`Skipped: ${path.relative(process.cwd(), shared)} is not there; only the native models are tested.`);

export const THOROUGHNESS = process.env.LLAMAFUSE_THOROUGH === "1" ? 10 : 1;

/** A folder for this test file's own models; remove it with `clean`. */
export function temporaryFolder(): { folder: string; clean: () => void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), "llamafuse-robustness-"));
  return { folder, clean: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A model whose prefill of 2,000 tokens takes a second or so on one core, to be interrupted. Random weights. */
export function writeSlowModel(folder: string): string {
  return write(folder, "slow", {
    dim: 384,
    layers: 10,
    heads: 6,
    vocabularySize: 1024,
    contextLength: 4096,
    weights: "Q8_0",
  });
}

export function write(folder: string, name: string, options: TinyModelOptions): string {
  return writeTinyModel(path.join(folder, `${name}.gguf`), options)[0];
}

/** So many words; a token each or more. */
export function longText(words: number): string {
  return Array.from({ length: words }, (_, index) => ["one", "two", "old", "cat", "sat", "there"][index % 6]).join(" ");
}
