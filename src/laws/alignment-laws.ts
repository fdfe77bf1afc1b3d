/**
 * The laws of alignments: what a method of the rule "mean" in their space keeps (method-laws.ts), and for each member asked
 * a distribution over that space. Exemptions stand in an alignment's definition, with the reason.
 */
import { massOf } from "../during/alignments/alignment.js";
import type { AlignmentDefinition } from "../during/alignments/define-alignment.js";
import type { MethodChoice } from "../during/define-method.js";
import type { Voice } from "../during/method.js";
import { fusion } from "../during/token/fusion/fusion.js";
import { byteKey } from "../vocabulary/vocabulary.js";
import { type Break, expectNear, type LawCheck, type LawMembers, lawCheck } from "./law.js";
import { type LawRun, methodLaws } from "./method-laws.js";
import { textOfTokens } from "./text-of-tokens.js";
import { PROMPT } from "./walk.js";

const STEPS = 8;
const WITHIN = 1e-9;

/** The method in which an alignment, without options, is checked. */
export function meanIn({ name }: AlignmentDefinition): MethodChoice {
  return fusion({ alignment: name, rule: "mean" } as Parameters<typeof fusion>[0]);
}

/** The laws of an alignment, without options, on these members. */
export function alignmentLaws(alignment: AlignmentDefinition, on: LawMembers, run: LawRun = {}): LawCheck[] {
  const checks = methodLaws(meanIn(alignment), alignment.laws, on, run);
  if (alignment.create === undefined) return checks;
  const law = "gives each member asked a distribution over its space, and every member the bytes that were chosen";
  return [
    lawCheck(`The alignment "${alignment.name}"`, law, on.name, (fail) => alignsAll(alignment, on, fail)),
    ...checks,
  ];
}

async function alignsAll(alignment: AlignmentDefinition, on: LawMembers, fail: Break): Promise<void> {
  const members = await on.make();
  try {
    const voices = members.map((member): Voice => ({ member, weight: 1 / members.length }));
    const advance = async (lagging: readonly Voice[]) => {
      await Promise.all(lagging.map(({ member }) => member.advance()));
    };
    const context = { voices, greedy: false, traceTop: 0, advance };
    const aligned = alignment.create!(context, alignment.options.parse({}), { onlyLikeliest: false });
    await aligned.prepare();
    for (const member of members) await member.begin({ text: Buffer.from(PROMPT), parseSpecial: false, addBos: true });
    const chosen: Uint8Array[] = [];
    for (let step = 0; step < STEPS; step++) {
      // All members, and every third time the first alone: the others then lag behind.
      const asked = step % 3 === 2 ? [0] : [...members.keys()];
      const space = await aligned.align(asked);
      const { size, endEntry, distributions } = space;
      if (distributions.length !== asked.length)
        fail(step, `${distributions.length} distributions for ${asked.length} members`);
      let entry = -1;
      for (const [c, values] of distributions.entries()) {
        let sum = 0;
        for (let at = 0; at < size; at++) {
          if (!(values[at] >= 0)) fail(step, `the entry ${at} of ${members[asked[c]].name} has ${values[at]}`);
          sum += values[at];
          if (c === 0 && at !== endEntry && (entry < 0 || values[at] > values[entry])) entry = at;
        }
        expectNear(sum, massOf(space, c), WITHIN, () =>
          fail(step, `${members[asked[c]].name} sums to ${sum}; allowed: ${massOf(space, c)}`, { found: sum }),
        );
      }
      chosen.push(space.bytesOf(entry).slice());
      await aligned.accept(entry);
    }
    const text = byteKey(Buffer.concat(chosen));
    if (alignment.laws.exempt?.["one-text"] !== undefined) return;
    for (const member of members) {
      const held = byteKey(textOfTokens(member.vocabulary, await member.cachedTokens()));
      if (!held.endsWith(text)) fail(undefined, `"${text}" was chosen, and ${member.name} holds "${held}"`);
    }
  } finally {
    await Promise.all(members.map((member) => member.dispose()));
  }
}
