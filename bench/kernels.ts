/**
 * What a step's numeric work costs: each kernel beside the same loop in plain JavaScript, then whole steps put together
 * from kernels. `npx tsx bench/kernels.ts [--json]`, after `npm run build:kernels`.
 *
 * Times are milliseconds; `min` is what to compare on a busy machine.
 */
import os from "node:os";
import { loadKernels } from "../src/kernels/kernels.js";
import { plain } from "./plain-kernels.js";

const SIZES = [32_000, 49_152, 128_256, 151_936, 256_000];
/** Vocabulary sizes, and the share of each vocabulary that the ones before it have too (as Llama 3, Qwen 2 and Gemma 2 do). */
const ENSEMBLES = [
  { sizes: [32_000, 49_152], shared: [0, 0.4] },
  { sizes: [128_256, 151_936], shared: [0, 0.7] },
  { sizes: [128_256, 151_936, 256_000], shared: [0, 0.7, 0.35] },
];
const WARM_UP = 60;
const REPETITIONS = 300;

interface Time {
  min: number;
  median: number;
}

const kernels = loadKernels();
const { shared } = kernels;

function time(run: () => unknown): Time {
  for (let repetition = 0; repetition < WARM_UP; repetition++) run();
  const times: number[] = [];
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const started = performance.now();
    run();
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  return { min: times[0], median: times[REPETITIONS >> 1] };
}

/** Logits as models give them: normal with deviation 2.5, a few peaks. */
function typicalLogits(n: number): Float32Array {
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const logits = Float32Array.from({ length: n }, () => 2.5 * normal());
  for (let peak = 0; peak < 5; peak++) logits[Math.floor(Math.random() * n)] = 12 + peak;
  return logits;
}

function shuffled(n: number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** A vocabulary in the shared memory, with the kernels' calls on it. */
function member(n: number, map: Int32Array, unionSize: number) {
  const source = typicalLogits(n);
  const logits = shared.allocate(4 * n);
  const exps = shared.allocate(8 * n);
  const mapAt = shared.allocate(4 * n);
  const out = shared.allocate(8 * unionSize);
  const ids = shared.allocate(4 * 1024);
  const topLogits = shared.allocate(4 * 1024);
  const view = shared.float32(logits, n);
  shared.int32(mapAt, n).set(map);
  view.set(source);
  const highest = kernels.maximum(logits, n);
  return {
    source,
    exps: shared.float64(exps, n),
    out,
    highest,
    copy: () => view.set(source),
    maximum: () => kernels.maximum(logits, n),
    expInto: () => kernels.expInto(logits, n, highest, exps),
    sumExp: () => kernels.sumExp(logits, n, highest),
    top: (k: number) => kernels.top(logits, n, k, ids, topLogits),
    scatter: (scale: number) => kernels.scatter(exps, mapAt, n, scale, out, unionSize),
  };
}

function combination(inputs: readonly number[], size: number) {
  const pointers = shared.allocate(4 * inputs.length);
  const weights = shared.allocate(8 * inputs.length);
  const out = shared.allocate(8 * size);
  shared.uint32(pointers, inputs.length).set(inputs);
  shared.float64(weights, inputs.length).fill(1 / inputs.length);
  return { run: () => kernels.combine(pointers, weights, inputs.length, out, size), out };
}

function timeKernels(n: number): Record<string, { wasm: Time; plain: Time }> {
  const map = Int32Array.from(shuffled(n));
  const one = member(n, map, n);
  const two = member(n, map, n);
  one.expInto();
  for (const each of [one, two]) each.scatter(1);
  const combined = combination([one.out, two.out], n);
  const inputs = [one, two].map(({ out }) => shared.float64(out, n));
  const logits = one.source;
  const target = new Float32Array(n);
  const exps = new Float64Array(n);
  const out = new Float64Array(n);
  return {
    copy: { wasm: time(one.copy), plain: time(() => plain.copy(logits, target)) },
    maximum: { wasm: time(one.maximum), plain: time(() => plain.maximum(logits)) },
    expInto: { wasm: time(one.expInto), plain: time(() => plain.expInto(logits, one.highest, exps)) },
    sumExp: { wasm: time(one.sumExp), plain: time(() => plain.sumExp(logits, one.highest)) },
    top10: { wasm: time(() => one.top(10)), plain: time(() => plain.top(logits, 10)) },
    top100: { wasm: time(() => one.top(100)), plain: time(() => plain.top(logits, 100)) },
    top1024: { wasm: time(() => one.top(1024)), plain: time(() => plain.top(logits, 1024)) },
    scatter: { wasm: time(() => one.scatter(0.5)), plain: time(() => plain.scatter(exps, map, 0.5, out)) },
    combine2: { wasm: time(combined.run), plain: time(() => plain.combine(inputs, [0.5, 0.5], out)) },
    argmax: { wasm: time(() => kernels.argmax(combined.out, n)), plain: time(() => plain.argmax(inputs[0])) },
    sum: { wasm: time(() => kernels.sum(combined.out, n)), plain: time(() => plain.sum(inputs[0])) },
  };
}

/** One token → entry map per vocabulary; entry 0 is the pooled end of generation. */
function unionMaps(sizes: readonly number[], sharedParts: readonly number[]): { maps: Int32Array[]; size: number } {
  let size = 1;
  const maps = sizes.map((n, index) => {
    const known = shuffled(size - 1);
    return Int32Array.from({ length: n }, () => (Math.random() < sharedParts[index] ? (known.pop() ?? 0) + 1 : size++));
  });
  return { maps, size };
}

/** A step of GaC: every member projects its whole distribution into the union; the coordinator averages. */
function timeUnionStep({ sizes, shared: parts }: (typeof ENSEMBLES)[number]) {
  const { maps, size } = unionMaps(sizes, parts);
  const members = sizes.map((n, index) => member(n, maps[index], size));
  const prepare = members.map((each) =>
    time(() => {
      each.copy();
      each.maximum();
      each.scatter(1 / each.expInto());
    }),
  );
  const combine = time(
    combination(
      members.map(({ out }) => out),
      size,
    ).run,
  );
  const step = (pick: (time: Time) => number) => Math.max(...prepare.map(pick)) + pick(combine);
  return { sizes, union: size, prepare, combine, step: { min: step((t) => t.min), median: step((t) => t.median) } };
}

/** A member's part of a step that needs the k best: with the normaliser, and `top` alone against one scan. */
function timeTopStep(n: number, k: number) {
  const one = member(n, new Int32Array(n), 1);
  const scan = time(one.maximum);
  const top = time(() => one.top(k));
  const step = time(() => {
    one.copy();
    one.maximum();
    one.sumExp();
    one.top(k);
  });
  return { n, k, scan, top, beyondScan: top.min - scan.min, step };
}

const results = {
  machine: { cpu: os.cpus()[0].model, node: process.version },
  kernels: Object.fromEntries(SIZES.map((n) => [n, timeKernels(n)])),
  unionSteps: ENSEMBLES.map(timeUnionStep),
  topSteps: [32_000, 151_936, 256_000].flatMap((n) => [10, 100].map((k) => timeTopStep(n, k))),
};

if (process.argv.includes("--json")) console.log(JSON.stringify(results, null, 2));
else print(results);

function print({ machine, kernels, unionSteps, topSteps }: typeof results): void {
  const ms = (value: number) => value.toFixed(3);
  console.log(`${machine.cpu}, Node ${machine.node}; ms, min of ${REPETITIONS}: WebAssembly / plain JavaScript\n`);
  const names = Object.keys(kernels[SIZES[0]]);
  console.log(["".padEnd(9), ...SIZES.map((n) => String(n).padStart(15))].join(""));
  for (const name of names) {
    const cells = SIZES.map((n) => `${ms(kernels[n][name].wasm.min)} / ${ms(kernels[n][name].plain.min)}`.padStart(15));
    console.log([name.padEnd(9), ...cells].join(""));
  }
  console.log("\nunion step: members' preparation (at once), combine, slowest member + combine");
  for (const { sizes, union, prepare, combine, step } of unionSteps) {
    const parts = prepare.map((t) => ms(t.min)).join(", ");
    console.log(
      `  ${sizes.join(" + ")} → ${union}: ${parts}; ${ms(combine.min)}; ${ms(step.min)} (median ${ms(step.median)})`,
    );
  }
  console.log("\ntop step: top alone, beyond one scan, with copy, maximum and normaliser");
  for (const { n, k, top, beyondScan, step } of topSteps) {
    console.log(`  ${n}, k = ${k}: ${ms(top.min)}; ${ms(beyondScan)}; ${ms(step.min)} (median ${ms(step.median)})`);
  }
}
