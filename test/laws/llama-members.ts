/** The laws of all registered methods on sets of GGUF files, each method on the first set that it works with. */
import { describe, expect, it } from "vitest";
import type { Method, MethodLaws } from "../../src/during/define-method.js";
import { methods } from "../../src/during/methods.js";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import type { LawMembers } from "../../src/laws/law.js";
import { type LawRun, methodLaws } from "../../src/laws/method-laws.js";
import { fitting } from "../../src/laws/scripted-ensembles.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import type { Member } from "../../src/member/member.js";

/** Tokens decoded in other batches differ in the last bits of float32; this is what that makes of probabilities. */
export const ROUNDING = 5e-3;

export function load(model: string, name?: string): Promise<LlamaMember> {
  return LlamaMember.load({ model, name, contextSize: 128 }, new SharedMemory());
}

export function setOf(name: string, models: readonly string[]): LawMembers {
  return {
    name,
    make: () => Promise.all(models.map((model) => load(model))),
    copy: () => load(models[0], "again"),
  };
}

const odd = { needs: { top: 1, hidden: true }, score: ({ output }: Member) => (output.hidden[0] > 0 ? 1 : 0) };
/** Beside the first of each method: settings that run other code in llama.cpp. */
const MORE: Readonly<Record<string, readonly object[]>> = {
  packllm: [{ variant: "opt" }],
  purify: [{ form: "max" }],
  citer: [{ router: odd }],
  cds: [{ classifier: odd, critical: "sampled" }],
};

export async function lawsOfMethods(sets: ReadonlyMap<LawMembers, LawRun>, kind: string): Promise<void> {
  for (const method of methods as unknown as Method[]) {
    const { name } = method.info;
    const [first] = method.laws;
    const settings = [first, ...(MORE[name] ?? []).map((options): MethodLaws<unknown> => ({ ...first, options }))];
    for (const laws of settings) {
      const choice = method(laws.options);
      const [set] = await fitting(choice, laws, [...sets.keys()]);
      const title = `method laws: ${name} ${JSON.stringify(laws.options ?? {})}`;
      it(`${title} on ${kind}`, () => expect(set).toBeDefined());
      if (set === undefined) continue;
      const run = sets.get(set)!;
      describe(`${title} on ${set.name}`, () => {
        const rounding = (laws.rounding ?? 1) * (run.tolerance ?? ROUNDING);
        for (const { name: law, check } of methodLaws(choice, laws, set, { ...run, tolerance: rounding }))
          it(law, check);
      });
    }
  }
}
