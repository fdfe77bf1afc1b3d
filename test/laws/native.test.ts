/** The laws, on the native models in llama.cpp: every method that is registered, as it is without options or as it is listed first. */
import { describe, expect, it } from "vitest";
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import type { Method, MethodLaws } from "../../src/during/define-method.js";
import { methods } from "../../src/during/methods.js";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import type { LawMembers } from "../../src/laws/law.js";
import { type LawRun, methodLaws } from "../../src/laws/method-laws.js";
import { fitting } from "../../src/laws/scripted-ensembles.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import type { Member } from "../../src/member/member.js";
import { nativeModels } from "../../src/native-models.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { memberLaws } from "./member.js";

const [robin, wren] = nativeModels().map(({ path }) => path);
const load = (model: string, name?: string) => LlamaMember.load({ model, name, contextSize: 128 }, new SharedMemory());

/** Tokens decoded in other batches differ in the last bits of float32; this is what that makes of probabilities. */
const tolerance = 5e-3;

for (const model of [robin, wren]) memberLaws(model.replace(/^.*[\\/]/, ""), () => load(model), { tolerance });
memberLaws(
  "batches of three tokens",
  () => LlamaMember.load({ model: wren, contextSize: 128, batchSize: 3 }, new SharedMemory()),
  { tolerance },
);

/** Sizes with one vocabulary, of random weights. */
const at = temporaryFolder();
const siblings = [1, 3, 2].map(
  (layers) => writeTinyModel(at(`${layers}-layers.gguf`), { layers, tokenizer: "bpe", contextLength: 256 })[0],
);

const NATIVE: LawRun = { tolerance, prompt: "Once upon a time" };
/** Random weights tell less apart. */
const SIBLINGS: LawRun = { tolerance: 4 * tolerance, prompt: "the sea" };
const SETS = new Map<LawMembers, LawRun>([
  [setOf("the native models", [robin, wren]), NATIVE],
  [setOf("siblings", siblings.slice(0, 2)), SIBLINGS],
  [setOf("three siblings", siblings), SIBLINGS],
  [setOf("robin", [robin]), NATIVE],
]);

const odd = { needs: { top: 1, hidden: true }, score: ({ output }: Member) => (output.hidden[0] > 0 ? 1 : 0) };
/** Beside the first of each method: settings that run other code in llama.cpp. */
const MORE: Readonly<Record<string, readonly object[]>> = {
  packllm: [{ variant: "opt" }],
  purify: [{ form: "max" }],
  citer: [{ router: odd }],
  cds: [{ classifier: odd, critical: "sampled" }],
};

for (const method of methods as unknown as Method[]) {
  const { name } = method.info;
  const [first] = method.laws;
  const settings = [first, ...(MORE[name] ?? []).map((options): MethodLaws<unknown> => ({ ...first, options }))];
  for (const laws of settings) {
    const choice = method(laws.options);
    const [set] = await fitting(choice, laws, [...SETS.keys()]);
    const title = `method laws: ${name} ${JSON.stringify(laws.options ?? {})}`;
    it(`${title} on native members`, () => expect(set).toBeDefined());
    if (set === undefined) continue;
    const run = SETS.get(set)!;
    describe(`${title} on ${set.name}`, () => {
      const rounding = (laws.rounding ?? 1) * run.tolerance!;
      for (const { name: law, check } of methodLaws(choice, laws, set, { ...run, tolerance: rounding })) it(law, check);
    });
  }
}

function setOf(name: string, models: readonly string[]): LawMembers {
  return {
    name,
    make: () => Promise.all(models.map((model) => load(model))),
    copy: () => load(models[0], "again"),
  };
}
