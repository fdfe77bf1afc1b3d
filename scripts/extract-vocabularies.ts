/**
 * Takes the real vocabularies of Llama 2 and 3, Qwen2, Gemma, Phi-3, … out of the git bundle of llama.cpp's sources that
 * node-llama-cpp carries (`models/ggml-vocab-*.gguf` with llama.cpp's own conformance vectors), and its collection of chat
 * templates (`models/templates`), and puts them into `.cache/vocabularies`, for the tests. Nothing is downloaded; git is
 * needed. Does nothing when they are there already.
 *
 *     npx tsx scripts/extract-vocabularies.ts        prints the folder
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { LlamafuseError } from "../src/errors.js";
import { writeWholeSync } from "../src/files.js";

const root = fileURLToPath(new URL("..", import.meta.url));
export const VOCABULARIES_FOLDER = path.join(root, ".cache", "vocabularies");
/** The commit that the files are from; written last, so that its presence means that they are complete. */
const STAMP = ".commit-with-templates";

/** The folder with the vocabularies, extracted now if need be. Error: file-unreadable without git or the bundle. */
export function extractVocabularies(): string {
  const bundle = path.join(packageFolder(), "llama", "gitRelease.bundle");
  const commit = headOf(bundle);
  if (stampOf(VOCABULARIES_FOLDER) === commit) return VOCABULARIES_FOLDER;
  mkdirSync(path.dirname(VOCABULARIES_FOLDER), { recursive: true });
  const work = `${VOCABULARIES_FOLDER}-${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  try {
    git("clone", "--quiet", "--no-checkout", bundle, work);
    // Vectors are compared byte for byte: no line-end conversion.
    git(
      "-C",
      work,
      "-c",
      "core.autocrlf=false",
      "checkout",
      "--quiet",
      commit,
      "--",
      "models/ggml-vocab-*",
      "models/templates",
    );
    const models = path.join(work, "models");
    writeWholeSync(path.join(models, STAMP), commit);
    publish(models, commit);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return VOCABULARIES_FOLDER;
}

/** The vocabulary names in the folder: `llama-bpe`, `qwen2`, … */
export function vocabularyNames(folder: string): string[] {
  return readdirSync(folder)
    .flatMap((name) => /^ggml-vocab-(.+)\.gguf$/.exec(name)?.[1] ?? [])
    .sort();
}

/** Whether there is a git to call. */
export function hasGit(): boolean {
  try {
    execFileSync("git", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Put the finished folder in place. Another process may have done so meanwhile, which is as good. */
function publish(folder: string, commit: string): void {
  if (existsSync(VOCABULARIES_FOLDER) && stampOf(VOCABULARIES_FOLDER) !== commit) {
    rmSync(VOCABULARIES_FOLDER, { recursive: true, force: true });
  }
  try {
    renameSync(folder, VOCABULARIES_FOLDER);
  } catch (error) {
    if (stampOf(VOCABULARIES_FOLDER) !== commit) throw error;
  }
}

function stampOf(folder: string): string | undefined {
  try {
    return readFileSync(path.join(folder, STAMP), "utf8");
  } catch {
    return undefined;
  }
}

function packageFolder(): string {
  const entry = createRequire(import.meta.url).resolve("node-llama-cpp");
  const name = `${path.sep}node-llama-cpp${path.sep}`;
  return entry.slice(0, entry.lastIndexOf(name) + name.length);
}

/** The commit that the bundle holds, from its header: `# v2 git bundle`, then a line "<commit> HEAD". */
function headOf(bundle: string): string {
  const head = Buffer.alloc(1024);
  try {
    const file = openSync(bundle, "r");
    readSync(file, head, 0, head.length, 0);
    closeSync(file);
  } catch (cause) {
    throw new LlamafuseError(
      "file-unreadable",
      `Cannot read ${bundle}, which node-llama-cpp brings along. Reinstall with "npm install".`,
      { found: bundle },
      cause,
    );
  }
  const commit = /^([0-9a-f]{40}) HEAD$/m.exec(head.toString("latin1"))?.[1];
  if (commit === undefined) {
    throw new LlamafuseError(
      "file-unreadable",
      `${bundle} names no commit in its header. Reinstall with "npm install".`,
      { found: bundle },
    );
  }
  return commit;
}

function git(...parameters: string[]): void {
  try {
    execFileSync("git", parameters, { stdio: ["ignore", "ignore", "pipe"] });
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const said = missing ? "git is not installed" : String((cause as { stderr?: Buffer }).stderr ?? cause).trim();
    const cure = missing ? "Install git, or leave the vocabulary tests out." : "Delete .cache and try again.";
    throw new LlamafuseError(
      "file-unreadable",
      `Cannot extract llama.cpp's vocabularies: ${said}. ${cure}`,
      { found: parameters[0] },
      cause,
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(extractVocabularies());
