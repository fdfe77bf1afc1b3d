/**
 * A project that uses the packed package, in a folder whose path has spaces and letters of several scripts.
 *
 * By default the packed files lie in its node_modules beside links to this repository's own dependencies, which takes a
 * second. With LLAMAFUSE_CONSUMER=install npm installs the packed file and the tools, as a user's npm would.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../..");
/** What a consumer has beside the package, in the versions that this repository has. */
const TOOLS = ["typescript", "@types/node", "tsx", "vitest", "esbuild", "tsup"];
const TIMEOUT_MS = 240_000;

export const isInstalled = process.env.LLAMAFUSE_CONSUMER === "install";
/** What a whole installation and a slow machine may take. */
export const SETUP_MS = 600_000;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Consumer {
  folder: string;
  /** Write files; the name may have folders in it. */
  write(files: Readonly<Record<string, string>>): void;
  /** Run a program of node_modules/.bin, `node`, or a path; with these arguments, in the folder. */
  run(program: string, ...args: string[]): Promise<Ended>;
}

/** Removed when the tests of this file are done. */
export function makeConsumer(): Consumer {
  const outer = mkdtempSync(path.join(tmpdir(), "llamafuse-consumer-"));
  afterAll(() => rmSync(outer, { recursive: true, force: true }));
  const folder = path.join(outer, "my projects, naïve 模型");
  mkdirSync(folder);
  const write: Consumer["write"] = (files) => {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), content);
    }
  };
  write({ "package.json": '{ "name": "consumer", "private": true }\n' });
  const packed = pack(outer);
  if (isInstalled) install(folder, packed);
  else link(folder, packed);
  return { folder, write, run: (program, ...args) => run(folder, program, args) };
}

/** The file that `npm publish` would upload. */
export function pack(folder: string): string {
  // The build is there already (scripts/test.mjs).
  const [{ filename }] = JSON.parse(
    succeed("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], ROOT),
  );
  return path.join(folder, filename);
}

function install(folder: string, packed: string): void {
  const tools = TOOLS.map((name) => `${name}@${versionOf(name)}`);
  succeed("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", packed, ...tools], folder);
}

function link(folder: string, packed: string): void {
  const modules = path.join(folder, "node_modules");
  const own = path.join(modules, "llamafuse");
  mkdirSync(own, { recursive: true });
  succeed("tar", ["-xzf", packed, "--strip-components", "1", "-C", own], folder);
  const { dependencies } = JSON.parse(readFileSync(path.join(own, "package.json"), "utf8"));
  for (const name of [...Object.keys(dependencies), ...TOOLS]) {
    mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
    symlinkSync(path.join(ROOT, "node_modules", name), path.join(modules, name), "junction");
  }
  mkdirSync(path.join(modules, ".bin"));
  for (const name of ["tsc", "tsx", "vitest", "esbuild", "tsup"]) {
    symlinkSync(path.join(ROOT, "node_modules", ".bin", name), path.join(modules, ".bin", name));
  }
  symlinkSync("../llamafuse/dist/cli.js", path.join(modules, ".bin", "llamafuse"));
}

function versionOf(name: string): string {
  return JSON.parse(readFileSync(path.join(ROOT, "node_modules", name, "package.json"), "utf8")).version;
}

function succeed(program: string, args: string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${error?.message ?? stderr}`);
  return stdout;
}

function run(folder: string, program: string, args: readonly string[]): Promise<Ended> {
  const local = path.join(folder, "node_modules", ".bin", program);
  const file = program === "node" ? process.execPath : existsSync(local) ? local : program;
  const env: NodeJS.ProcessEnv = { ...process.env };
  // What a test runner around this one sets.
  for (const name of Object.keys(env)) if (/^(VITEST|NODE_OPTIONS|NODE_V8|NODE_TEST)/.test(name)) delete env[name];
  const child = spawn(file, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], timeout: TIMEOUT_MS });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}
