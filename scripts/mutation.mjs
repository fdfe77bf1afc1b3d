/**
 * `npm run mutation -- FOLDER [--share S] [--seed N] [--tests GLOB]…`: how many small faults in a folder's code its tests
 * notice. StrykerJS puts every fault in, one at a time, and runs the tests that reach it.
 *
 * StrykerJS is large and few need it, so it is installed on demand, with exact versions, into .cache/mutation. It works on
 * a copy of the sources there; worker threads and the command line run the build, which is not mutated.
 *
 * `--share 0.3` takes the faults on about 30 % of the lines, drawn with `--seed` (default 1). Survivors are listed; the
 * score is written to bench/results/mutation.json.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { ensureBuilt, ensureInstalled, root, run } from "./ensure.mjs";

const VERSION = "9.5.1";
/** What a folder is tested by, where that is not its mirror in test/unit: quick tests, which need no models. */
const TESTS = {
  "src/decoding": ["test/unit/decoding/{loop,prompt,request,score,step-clock,stop-rules,text-stream,trace,traced-methods}.test.ts"],
  "src/during": ["test/unit/during/**/*.test.ts", "test/unit/defaults.test.ts", "test/laws/parts.test.ts"],
  "src/before": ["test/unit/before/**/*.test.ts", "test/unit/defaults.test.ts"],
  "src/llama/checks": ["test/unit/llama/check-*.test.ts"],
};
/** Code that a folder's score leaves out: Jinja's tests are another reference's, the sampler's a folder of their own. */
const LEFT_OUT = {
  "src/decoding": ["!src/decoding/jinja/**", "!src/decoding/{sampler,survivors,weighted-draw,repetition}*.ts"],
};
/** Words of messages and texts for people: tests hold them where they matter, and an empty one breaks no answer. */
const MUTATORS_LEFT_OUT = ["StringLiteral"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    share: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    tests: { type: "string", multiple: true, default: [] },
  },
});
const [given] = positionals;
if (given === undefined || !existsSync(path.join(root, given))) {
  console.error("Name a folder or a file of src: npm run mutation -- src/vocabulary");
  process.exit(2);
}
const target = given.replace(/\/$/, "");
const [share, seed] = [Number(values.share), Number(values.seed)];

const home = path.join(root, ".cache", "mutation");
const copy = path.join(home, "copy");
ensureInstalled();
ensureBuilt();
install();
makeCopy();

const folder = Object.keys(TESTS).find((each) => target === each || target.startsWith(`${each}/`)) ?? target;
const isFolder = statSync(path.join(root, target)).isDirectory();
const mirror = [`${folder.replace(/^src/, "test/unit")}/**/*.test.ts`];
const tests = values.tests.length > 0 ? values.tests : (TESTS[folder] ?? mirror);
const files = isFolder ? sourcesBelow(target) : [target];

writeFileSync(
  path.join(copy, "vitest.mutation.config.ts"),
  `import config from "./vitest.config.js";
export default { ...config, test: { ...config.test, include: ${JSON.stringify(tests)}, maxWorkers: 1, isolate: false } };
`,
);
writeFileSync(
  path.join(copy, "stryker.config.json"),
  JSON.stringify({
    testRunner: "vitest",
    plugins: [path.join(home, "node_modules/@stryker-mutator/vitest-runner/dist/src/index.js")],
    vitest: { configFile: "vitest.mutation.config.ts", related: false },
    inPlace: true,
    mutate: files.flatMap((file) => (share < 1 ? drawnLines(file) : [file])).concat(LEFT_OUT[folder] ?? []),
    mutator: { excludedMutations: MUTATORS_LEFT_OUT },
    coverageAnalysis: "perTest",
    ignoreStatic: true,
    concurrency: 1,
    timeoutMS: 20_000,
    reporters: ["json", "clear-text", "progress-append-only"],
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
    jsonReporter: { fileName: "report.json" },
    allowEmpty: true,
    disableTypeChecks: false,
    tempDirName: path.join(home, "tmp"),
  }),
);
run(process.execPath, [path.join(home, "node_modules/@stryker-mutator/core/bin/stryker.js"), "run"], {
  cwd: copy,
  stdio: ["ignore", "inherit", "inherit"],
});
writeScore();

function install() {
  const manifest = path.join(home, "package.json");
  const wanted = JSON.stringify({
    private: true,
    dependencies: { "@stryker-mutator/core": VERSION, "@stryker-mutator/vitest-runner": VERSION },
  });
  const isThere = existsSync(path.join(home, "node_modules/@stryker-mutator/vitest-runner"));
  if (isThere && existsSync(manifest) && readFileSync(manifest, "utf8") === wanted) return;
  mkdirSync(home, { recursive: true });
  writeFileSync(manifest, wanted);
  console.error("Installing StrykerJS …");
  // Without its peers, so that it takes this project's own Vitest.
  const options = ["--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
  run("npm", ["install", ...options, "--loglevel=error"], { cwd: home });
}

/** The project as it is, with what is large or generated linked. */
function makeCopy() {
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  const linked = new Set(["node_modules", "dist", "native-models", "build"]);
  const left = new Set([".git", ".cache", "coverage"]);
  for (const name of readdirSync(root)) {
    if (left.has(name)) continue;
    if (linked.has(name)) symlinkSync(path.join(root, name), path.join(copy, name));
    else cpSync(path.join(root, name), path.join(copy, name), { recursive: true });
  }
}

function sourcesBelow(at) {
  return readdirSync(path.join(root, at), { withFileTypes: true }).flatMap((entry) => {
    const file = `${at}/${entry.name}`;
    return entry.isDirectory() ? sourcesBelow(file) : file.endsWith(".ts") ? [file] : [];
  });
}

/** Each line by itself, kept where its own number in [0, 1) is below the share. */
function drawnLines(file) {
  const count = readFileSync(path.join(root, file), "utf8").split("\n").length;
  const lines = Array.from({ length: count }, (_, index) => index + 1);
  return lines.filter((line) => chance(`${seed}:${file}:${line}`) < share).map((line) => `${file}:${line}-${line}`);
}

function chance(text) {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

function writeScore() {
  const report = JSON.parse(readFileSync(path.join(copy, "report.json"), "utf8"));
  const counts = {};
  for (const { mutants } of Object.values(report.files))
    for (const { status } of mutants) counts[status] = (counts[status] ?? 0) + 1;
  const killed = (counts.Killed ?? 0) + (counts.Timeout ?? 0);
  const faults = killed + (counts.Survived ?? 0) + (counts.NoCoverage ?? 0);
  const results = path.join(root, "bench", "results", "mutation.json");
  const known = existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : { folders: {} };
  const options = [share < 1 ? ` --share ${share} --seed ${seed}` : "", ...values.tests.map((glob) => ` --tests "${glob}"`)];
  const folders = {
    ...known.folders,
    [target]: {
      command: `npm run mutation -- ${target}${options.join("")}`,
      faults,
      noticed: killed,
      ofWhichByTime: counts.Timeout ?? 0,
      unnoticed: counts.Survived ?? 0,
      unreached: counts.NoCoverage ?? 0,
      score: Number((killed / faults).toFixed(4)),
    },
  };
  const sorted = Object.fromEntries(Object.entries(folders).sort(([a], [b]) => (a < b ? -1 : 1)));
  const document = { tool: `StrykerJS ${VERSION}, without ${MUTATORS_LEFT_OUT.join(", ")}`, folders: sorted };
  writeFileSync(results, `${JSON.stringify(document, null, 2)}\n`);
  console.error(`${target}: ${killed} of ${faults} faults noticed (${((100 * killed) / faults).toFixed(1)} %).`);
}
