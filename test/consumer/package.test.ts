/**
 * The packed package in a project of its own: everything that a user does with it first. `npm test` runs a short form;
 * `npm run test:consumer` installs the package with npm and runs all.
 */
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import { type Consumer, type Ended, isInstalled, makeConsumer, SETUP_MS } from "./consumer.js";

let consumer: Consumer;
const inFull = isInstalled ? it : it.skip;

vi.setConfig({ testTimeout: SETUP_MS });

const PROMPT = "Question: What sound does a cow make?\nAnswer:";
/** Prints "said N characters" when two members have answered. */
const FUSE = `
const ensemble = await createEnsemble({ members: nativeModels().slice(0, 2).map(({ path }) => ({ model: path })), gpu: false });
const { text } = await ensemble.generate(${JSON.stringify(PROMPT)}, { maxTokens: 4 });
console.log("said", text.length, "characters");
await ensemble.dispose();
`;
const IMPORT = 'import { createEnsemble, nativeModels } from "llamafuse";\n';
const REQUIRE = 'const { createEnsemble, nativeModels } = require("llamafuse");\n';
const SAID = /said [1-9]\d* characters/;

const TYPED = `import {
  createEnsemble, LlamafuseError, makeMatrix, nativeModels,
  type Embedder, type GenerateResult, type Matrix, type TraceStep,
} from "llamafuse";
type IsAny<T> = 0 extends 1 & T ? true : false;
type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
export const vectors: Equals<Awaited<ReturnType<Embedder["embed"]>>, Matrix> = true;
export const matrix: [IsAny<Matrix>, IsAny<TraceStep>, IsAny<GenerateResult>] = [false, false, false];
export const numbers: Float64Array = makeMatrix(1, 2).data;
async function answer(): Promise<string> {
  const members = nativeModels().map(({ path }) => ({ model: path }));
  const ensemble = await createEnsemble({ members, method: { name: "unite", k: 10 } });
  try {
    for await (const { text } of ensemble.stream("Once", { maxTokens: 1 })) text.toUpperCase();
    return (await ensemble.generate([{ role: "user", content: "Hello" }], { maxTokens: 1, seed: 1 })).text;
  } catch (error) {
    return error instanceof LlamafuseError ? error.code : "other";
  } finally {
    await ensemble.dispose();
  }
}
// @ts-expect-error: k is a number.
export const wrong = () => createEnsemble({ members: [], method: { name: "unite", k: "ten" } });
void answer;
`;
const STRICT = {
  target: "es2023",
  lib: ["es2023", "esnext.disposable"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
};

beforeAll(() => {
  consumer = makeConsumer();
}, SETUP_MS);

async function expectAnswer(ended: Promise<Ended>): Promise<void> {
  const { code, stdout, stderr } = await ended;
  expect(stdout, stderr).toMatch(SAID);
  expect(code, stderr).toBe(0);
  expect(stderr).not.toMatch(/Error|Warning/);
}

describe("types", () => {
  it.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])("compile in a strict project without skipLibCheck: module %s, resolution %s", async (module, moduleResolution) => {
    const compilerOptions = { ...STRICT, module, moduleResolution };
    consumer.write({
      [`types-${module}.json`]: JSON.stringify({ compilerOptions, files: ["typed.ts", "typed.mts"] }),
      "typed.ts": TYPED,
      "typed.mts": TYPED,
    });
    const { code, stdout } = await consumer.run("tsc", "-p", `types-${module}.json`);
    expect(stdout).toBe("");
    expect(code).toBe(0);
  });
});

describe("the library answers", () => {
  it("imported, and required", async () => {
    consumer.write({ "esm.mjs": IMPORT + FUSE, "cjs.cjs": `${REQUIRE}(async () => {${FUSE}})();\n` });
    await expectAnswer(consumer.run("node", "esm.mjs"));
    await expectAnswer(consumer.run("node", "cjs.cjs"));
  });

  inFull("in a worker thread", async () => {
    consumer.write({
      "esm.mjs": IMPORT + FUSE,
      "thread.mjs":
        'import { Worker } from "node:worker_threads";\nnew Worker(new URL("./esm.mjs", import.meta.url));\n',
    });
    await expectAnswer(consumer.run("node", "thread.mjs"));
  });

  it("under Node's own flags: -e, --import and -r", async () => {
    consumer.write({
      "esm.mjs": IMPORT + FUSE,
      "preload.mjs": "globalThis.preloaded = true;\n",
      "preload.cjs": "globalThis.preloaded = true;\n",
    });
    await expectAnswer(consumer.run("node", "--input-type=module", "-e", IMPORT + FUSE));
    await expectAnswer(consumer.run("node", "--import", "./preload.mjs", "esm.mjs"));
    await expectAnswer(consumer.run("node", "-r", "./preload.cjs", "--input-type=module", "-e", IMPORT + FUSE));
  });

  inFull("in TypeScript run by tsx", async () => {
    consumer.write({ "typed-run.mts": IMPORT + FUSE });
    await expectAnswer(consumer.run("tsx", "typed-run.mts"));
    await expectAnswer(consumer.run("node", "--import", "tsx", "typed-run.mts"));
  });

  inFull("in tests of node --test and of Vitest", async () => {
    consumer.write({
      "own.test.mjs": `import test from "node:test";\n${IMPORT}test("fuses", async () => {${FUSE}});\n`,
      "own.spec.ts": `import { test } from "vitest";\n${IMPORT}test("fuses", async () => {${FUSE}}, 120_000);\n`,
    });
    const nodes = await consumer.run("node", "--test", "own.test.mjs");
    expect(nodes.stdout).toMatch(/pass 1\b/);
    expect(nodes.code).toBe(0);
    for (const pool of ["forks", "threads"]) {
      const vitests = await consumer.run("vitest", "run", "--pool", pool, "own.spec.ts");
      expect(vitests.stdout, vitests.stderr).toMatch(/1 passed/);
      expect(vitests.code).toBe(0);
    }
  });
});

describe("threads other than members'", () => {
  it("that fit routers start under any of Node's flags", async () => {
    const program = `import { evaluateRouters, foldsOf, makeMatrix, OutcomeTable } from "llamafuse";
const queries = Array.from({ length: 40 }, (_, row) => "question number " + row + (row % 2 ? " of maths" : " of words"));
const quality = makeMatrix(40, 2);
for (let row = 0; row < 40; row++) { quality.set(row, 0, row % 2); quality.set(row, 1, 1 - (row % 2)); }
const cost = makeMatrix(40, 2, new Float64Array(80).fill(1));
const table = new OutcomeTable({ name: "made", models: ["a", "b"], queries, quality, cost });
const { routers } = await evaluateRouters([{ name: "knn" }, { name: "eagle" }], await foldsOf(table, 2), { threads: 2 });
console.log("said", routers.length, "characters");
`;
    await expectAnswer(consumer.run("node", "--input-type=module", "-e", program));
  });

  inFull("that build alignments start under any of Node's flags", async () => {
    const sizes = { vocabularySize: 6000, dim: 64 };
    writeTinyModel(path.join(consumer.folder, "a.gguf"), { ...sizes, seed: 1 });
    writeTinyModel(path.join(consumer.folder, "b.gguf"), { ...sizes, seed: 2, tokenizer: "bpe" });
    const program = `import { createEnsemble } from "llamafuse";
process.env.XDG_CACHE_HOME = process.cwd();
const ensemble = await createEnsemble({ members: [{ model: "a.gguf" }, { model: "b.gguf" }], method: { name: "eva" }, gpu: false });
await ensemble.dispose();
console.log("said", 1, "characters");
`;
    await expectAnswer(consumer.run("node", "--input-type=module", "-e", program));
  });
});

describe("bundled", () => {
  inFull("by esbuild with llamafuse external, as ESM and as CommonJS", async () => {
    consumer.write({ "src/esm.mjs": IMPORT + FUSE, "src/cjs.cjs": `${REQUIRE}(async () => {${FUSE}})();\n` });
    const options = ["--bundle", "--platform=node", "--external:llamafuse", "--log-level=error"];
    const esm = await consumer.run("esbuild", "src/esm.mjs", ...options, "--format=esm", "--outfile=out/esm.mjs");
    expect(esm.stderr).toBe("");
    const cjs = await consumer.run("esbuild", "src/cjs.cjs", ...options, "--format=cjs", "--outfile=out/cjs.cjs");
    expect(cjs.stderr).toBe("");
    await expectAnswer(consumer.run("node", "out/esm.mjs"));
    await expectAnswer(consumer.run("node", "out/cjs.cjs"));
  });

  inFull("by tsup, which leaves dependencies external by itself", async () => {
    consumer.write({
      "package.json": JSON.stringify({ name: "consumer", private: true, dependencies: { llamafuse: "*" } }),
      "src/program.ts": `${IMPORT}async function main() {${FUSE}}\nvoid main();\n`,
    });
    const { code, stderr } = await consumer.run("tsup", "src/program.ts", "--format", "esm,cjs", "--out-dir", "out");
    expect(code, stderr).toBe(0);
    await expectAnswer(consumer.run("node", "out/program.js"));
    await expectAnswer(consumer.run("node", "out/program.mjs"));
  });

  inFull("whole but for its native libraries, where the package is still installed", async () => {
    consumer.write({ "src/esm.mjs": IMPORT + FUSE });
    const options = ["--bundle", "--platform=node", "--external:koffi", "--external:node-llama-cpp", "--format=esm"];
    // CommonJS packages inside an ESM bundle ask for require.
    const banner =
      '--banner:js=import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);';
    const built = await consumer.run("esbuild", "src/esm.mjs", ...options, banner, "--outfile=out/whole.mjs");
    expect(built.code, built.stderr).toBe(0);
    await expectAnswer(consumer.run("node", "out/whole.mjs"));
  });
});

describe("the package", () => {
  const manifest = () =>
    JSON.parse(readFileSync(path.join(consumer.folder, "node_modules/llamafuse/package.json"), "utf8"));

  it("has every file that its exports and bin name", () => {
    const own = path.join(consumer.folder, "node_modules/llamafuse");
    const { exports, bin, types } = manifest();
    const targets = Object.values(exports).flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target!),
    );
    for (const target of [...targets, ...Object.values(bin), types]) {
      expect(existsSync(path.join(own, target as string)), `${target}`).toBe(true);
    }
  });

  it("has one command, which runs through a link", async () => {
    const version = new RegExp(manifest().version);
    expect((await consumer.run("llamafuse", "--version")).stdout).toMatch(version);
    const link = path.join(consumer.folder, "linked-llamafuse");
    symlinkSync(path.join(consumer.folder, "node_modules/llamafuse/dist/cli.js"), link);
    expect((await consumer.run(link, "--version")).stdout).toMatch(version);
    const answered = await consumer.run("llamafuse", "generate", "--max-tokens", "4", PROMPT);
    expect(answered.stdout.trim(), answered.stderr).not.toBe("");
    expect(answered.code).toBe(0);
  });

  it("names its errors in stacks", async () => {
    const program = 'import { nativeModel } from "llamafuse"; nativeModel("robbin");';
    const { code, stderr } = await consumer.run("node", "--input-type=module", "-e", program);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^LlamafuseError: Unknown native model/m);
  });

  inFull("is installed in the size that is reported here", async () => {
    const { stdout } = await consumer.run(
      "du",
      "-sm",
      "node_modules",
      "node_modules/llamafuse",
      "node_modules/@node-llama-cpp",
    );
    console.log(`Sizes in MB of an installation with this project's tools:\n${stdout}`);
  });
});
