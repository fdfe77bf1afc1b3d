/**
 * `npm run mutation -- FOLDER|FILE… [--share S] [--seed N] [--tests GLOB]…`: how many small faults in code its unit tests
 * notice.
 *
 * StrykerJS's instrumenter puts all faults into a copy of the sources, each behind a switch, and our runner for Vitest
 * (runner.ts) calls every test again for each fault that it reaches, in one process: a fault costs what its tests cost. The
 * instrumenter is installed on demand, with an exact version, into .cache/mutation.
 *
 * `--share 0.3` takes the faults on about 30 % of the lines, drawn with `--seed` (default 1). What nobody noticed is listed;
 * the score is written to bench/results/mutation.json. Faults in code that runs only while modules load are left out.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { ensureBuilt, ensureInstalled, root, run } from "../ensure.mjs";
import { LEFT_OUT, OWN_TESTS, TESTS } from "./tests.mjs";

const VERSION = "9.5.1";
/** Words of messages and texts for people: tests hold them where they matter, and an empty one breaks no answer. */
const EXCLUDED = ["StringLiteral"];
/** Faults that may end the process of the tests, or keep it busy for so long. */
const MOST_ENDS = 30;
const LONGEST_MS = 90_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    share: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    tests: { type: "string", multiple: true, default: [] },
  },
});
const targets = positionals.map((given) => given.replace(/\/$/, ""));
if (targets.length === 0 || !targets.every((target) => existsSync(path.join(root, target)))) {
  console.error("Name a folder or files of src: npm run mutation -- src/vocabulary");
  process.exit(2);
}
const [share, seed] = [Number(values.share), Number(values.seed)];
const isFolder = (target) => statSync(path.join(root, target)).isDirectory();
const [first] = targets;
const folder =
  Object.keys(TESTS).find((each) => first === each || first.startsWith(`${each}/`)) ??
  (isFolder(first) ? first : path.dirname(first));
const tests =
  values.tests.length > 0
    ? values.tests
    : (TESTS[folder] ?? [`${folder.replace(/^src/, "test/unit")}/**/*.test.ts`]);
const files = targets
  .flatMap((target) => (isFolder(target) ? sourcesBelow(target) : [target]))
  .filter((file) => !LEFT_OUT[folder]?.test(file));

const home = path.join(root, ".cache", "mutation");
const copy = path.join(home, "copy");
ensureInstalled();
ensureBuilt();
install();
makeCopy();
const mutants = await instrument();
await runTests();
report(JSON.parse(readFileSync(path.join(copy, "outcomes.json"), "utf8")));

function install() {
  const manifest = path.join(home, "package.json");
  const wanted = JSON.stringify({ private: true, dependencies: { "@stryker-mutator/instrumenter": VERSION } });
  const isThere = existsSync(path.join(home, "node_modules/@stryker-mutator/instrumenter"));
  if (isThere && existsSync(manifest) && readFileSync(manifest, "utf8") === wanted) return;
  mkdirSync(home, { recursive: true });
  writeFileSync(manifest, wanted);
  console.error("Installing StrykerJS's instrumenter …");
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  run("npm", ["install", ...options], { cwd: home });
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

/** Put the faults into the copy; what each is. */
async function instrument() {
  const require = createRequire(path.join(home, "package.json"));
  const { Instrumenter } = await import(pathToFileURL(require.resolve("@stryker-mutator/instrumenter")).href);
  const silent = { debug() {}, info() {}, warn() {}, isDebugEnabled: () => false };
  const sources = files.map((file) => ({
    name: path.join(copy, file),
    mutate: true,
    content: readFileSync(path.join(copy, file), "utf8"),
  }));
  const result = await new Instrumenter(silent).instrument(sources, {
    excludedMutations: EXCLUDED,
    ignorers: [],
    plugins: null,
    noHeader: false,
  });
  for (const { name, content } of result.files) writeFileSync(name, countingCalls(content));
  const placed = result.mutants.filter(({ status }) => status !== "Ignored");
  const found = placed.map(({ id, fileName, location, mutatorName, replacement }) => {
    return { id, file: path.relative(copy, fileName), line: location.start.line + 1, kind: mutatorName, replacement };
  });
  const drawn = found.filter(({ file, line }) => share >= 1 || chance(`${seed}:${file}:${line}`) < share);
  const testsOf = (file) => OWN_TESTS[folder]?.find(([files]) => files.test(file))?.[1];
  writeFileSync(path.join(copy, "mutants.json"), JSON.stringify(drawn.map(({ id, file }) => [id, testsOf(file) ?? null])));
  return drawn;
}

/**
 * Every question whether a fault is switched on counts and looks at the clock, so that endless loops end wherever they are,
 * also those that let no timer run.
 */
function countingCalls(content) {
  const counted = content.replace(
    /function isActive\(id\) \{/,
    'function isActive(id) { if (++ns.calls > ns.mostCalls || Date.now() > ns.latest) throw new Error("endless");',
  );
  if (counted === content && /stryMutAct/.test(content)) throw new Error("StrykerJS's switches look otherwise now.");
  return counted;
}

function chance(text) {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

async function runTests() {
  writeFileSync(
    path.join(copy, "vitest.mutation.config.ts"),
    `import config from "./vitest.config.js";
const own = { include: ${JSON.stringify(tests)}, maxWorkers: 1, isolate: false, testTimeout: 60_000, runner: "./scripts/mutation/runner.ts" };
export default { ...config, test: { ...config.test, ...own } };
`,
  );
  writeOutcomes({});
  for (let left = MOST_ENDS; left > 0; left--) {
    const id = await endedAt();
    if (id === undefined) return;
    const outcomes = JSON.parse(readFileSync(path.join(copy, "outcomes.json"), "utf8"));
    writeOutcomes({ ...outcomes, [id]: "noticed" });
  }
  throw new Error(`${MOST_ENDS} faults ended the tests' process; take fewer files.`);
}

function writeOutcomes(outcomes) {
  writeFileSync(path.join(copy, "active.json"), "null");
  writeFileSync(path.join(copy, "outcomes.json"), JSON.stringify(outcomes));
}

/** Run the tests; the fault at which their process ended, or hung, if it did. */
async function endedAt() {
  const config = ["run", "--config", "vitest.mutation.config.ts"];
  const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, ...config], { cwd: copy, stdio: ["ignore", 2, 2], detached: true });
  const active = () => JSON.parse(readFileSync(path.join(copy, "active.json"), "utf8") || "null");
  let [seen, since] = [null, Date.now()];
  const watch = setInterval(() => {
    const id = active();
    if (id !== seen) [seen, since] = [id, Date.now()];
    if (id !== null && Date.now() - since > LONGEST_MS) process.kill(-child.pid, "SIGKILL");
  }, 1000);
  const [status] = await once(child, "exit");
  clearInterval(watch);
  const id = active();
  if (id !== null) return id;
  if (status !== 0) throw new Error("The tests fail without any fault.");
  return undefined;
}

/** Fault → "noticed", "unnoticed" (a test reaches it) or "static"; absent where no test reaches it. */
function report(outcomes) {
  const of = (outcome) => mutants.filter(({ id }) => (outcomes[id] ?? "unreached") === outcome);
  const sources = new Map();
  const lineOf = ({ file, line }) => {
    if (!sources.has(file)) sources.set(file, readFileSync(path.join(root, file), "utf8").split("\n"));
    return sources.get(file)[line - 1].trim();
  };
  for (const outcome of ["unnoticed", "unreached"]) {
    for (const mutant of of(outcome)) {
      const replacement = mutant.replacement.replace(/\s+/g, " ").slice(0, 80);
      console.log(`${outcome} ${mutant.file}:${mutant.line} ${mutant.kind} → ${replacement}    ${lineOf(mutant)}`);
    }
  }
  const [noticed, unnoticed, unreached] = ["noticed", "unnoticed", "unreached"].map((outcome) => of(outcome).length);
  const faults = noticed + unnoticed + unreached;
  const results = path.join(root, "bench", "results", "mutation.json");
  const known = existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : { folders: {} };
  const drawn = share < 1 ? ` --share ${share} --seed ${seed}` : "";
  const globs = values.tests.map((glob) => ` --tests "${glob}"`).join("");
  const name = targets.join(" ");
  const own = {
    command: `npm run mutation -- ${name}${drawn}${globs}`,
    faults,
    noticed,
    unnoticed,
    unreached,
    score: Number((noticed / faults).toFixed(4)),
  };
  const folders = Object.entries({ ...known.folders, [name]: own }).sort(([a], [b]) => (a < b ? -1 : 1));
  const tool = `faults of StrykerJS ${VERSION}, without ${EXCLUDED.join(", ")} and code that runs only while modules load`;
  writeFileSync(results, `${JSON.stringify({ tool, folders: Object.fromEntries(folders) }, null, 2)}\n`);
  console.log(`${name}: ${noticed} of ${faults} faults noticed (${((100 * noticed) / faults).toFixed(1)} %).`);
}
