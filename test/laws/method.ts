/**
 * What every method of token-level fusion must keep, on any members. Call `methodLaws` in a test file:
 *
 * ```ts
 * methodLaws("gac on GGUF files", { method: { name: "gac" }, covers: "all", make: () => [await load("a"), await load("b")] });
 * ```
 */
import { afterEach, describe, expect, it } from "vitest";
import type { MethodOptions } from "../../src/during/methods.js";
import type { Member } from "../../src/member/member.js";
import { byteKey, TokenClass, textAtFragmentStart } from "../../src/vocabulary/vocabulary.js";
import { randomNumbers } from "./scripted-members.js";
import { textOfTokens } from "./text-of-tokens.js";
import { beginRun, byStringOf, drawing, END, PROMPT, type Walk, walk } from "./walk.js";

export interface MethodLawOptions {
  method: MethodOptions;
  /** Whether a distribution covers all strings that members have, or some of them (then it is conditioned on those). */
  covers: "all" | "some";
  /** Different members, two or more, fresh at every call; the same ones every time. */
  make: () => Member[] | Promise<Member[]>;
  /** The first of them again, with another name. */
  copy: () => Member | Promise<Member>;
  /** Whether all members count alike. Default true. */
  isSymmetric?: boolean;
  /** Whether the end's probability is the mean of the members'. Default true. */
  isMean?: boolean;
  /** Whether members have a share that weights change; a switch between members has not. Default true. */
  hasWeights?: boolean;
  /** Whether members that say the same are left as they are. Default true; published forms that decay or blur are false. */
  keepsAgreement?: boolean;
  /**
   * Whether the strings are bytes, so that what is chosen is exactly what every member then holds. Default true; published
   * forms with strings of their own are false.
   */
  isByteExact?: boolean;
  /**
   * Whether every member spells the text in tokens of its own choice: a sampled step is one member's, what a member holds
   * may end before what was chosen, and a greedy step tells the chosen entry's own probability. Default false.
   */
  isSpelled?: boolean;
  /** Rounding of the members' own arithmetic, which comes on top. Default 0: scripted members compute alike. */
  tolerance?: number;
  prompt?: string;
  parseSpecial?: boolean;
}

export function methodLaws(title: string, options: MethodLawOptions): void {
  const {
    method,
    covers,
    make,
    copy,
    isSymmetric = true,
    isByteExact = true,
    tolerance = 0,
    isSpelled = false,
  } = options;
  const { prompt = PROMPT, parseSpecial, isMean = true, hasWeights = true, keepsAgreement = true } = options;

  describe(`method laws: ${title}`, () => {
    const made: Member[] = [];
    const members = async () => keep(await make());
    const copies = async (count: number) => keep(await Promise.all(Array.from({ length: count }, copy)));
    const keep = (fresh: Member[]) => {
      made.push(...fresh);
      return fresh;
    };
    afterEach(async () => {
      await Promise.all(made.splice(0).map((member) => member.dispose()));
    });
    const on = { method, prompt, parseSpecial };

    it.each([true, false])(
      "gives distributions: non-negative, summing to 1, the first of the best ones known (greedy: %s)",
      async (greedy) => {
        const { steps } = await walk({ ...on, members: await members(), greedy });
        expect(steps.length).toBeGreaterThan(3);
        for (const { probabilities, best } of steps) {
          let sum = 0;
          for (const probability of probabilities) {
            expect(probability).toBeGreaterThanOrEqual(0);
            sum += probability;
          }
          // A greedy step may leave out what cannot win.
          if (!greedy || (covers === "some" && !isSpelled)) expect(sum).toBeGreaterThanOrEqual(1 - 1e-9);
          expect(sum).toBeLessThanOrEqual(1 + 1e-9);
          const largest = probabilities.reduce((a, b) => Math.max(a, b));
          expect(probabilities[best]).toBe(largest);
          if (isByteExact) expect(best).toBe(probabilities.indexOf(largest));
        }
      },
    );

    it.each([true, false])("with one member is that member, to the bit (greedy: %s)", async (greedy) => {
      const run = async (chosen: MethodOptions) => {
        const random = randomNumbers(3);
        const choose = greedy ? undefined : drawing(random);
        return walk({ ...on, method: chosen, members: await copies(1), weights: [1], greedy, choose });
      };
      const fused = await run(method);
      const alone = await run({ name: "single" });
      expect(fused.text).toEqual(alone.text);
      for (const [index, { probabilities, best }] of fused.steps.entries()) {
        expect(best).toBe(alone.steps[index].best);
        expect(probabilities).toEqual(alone.steps[index].probabilities);
      }
    });

    if (isByteExact && !isSpelled && keepsAgreement) {
      it.each([true, false])("with two copies of a member is that member (greedy: %s)", async (greedy) => {
        const pair = await copies(2);
        let checked = 0;
        await walk({
          ...on,
          members: pair,
          greedy,
          choose: greedy ? undefined : drawing(randomNumbers(11)),
          inspect: async (distribution) => {
            const own = await ownProbabilities(pair[0]);
            const fused = byStringOf(distribution);
            const total =
              covers === "all" ? 1 : [...fused.keys()].reduce((sum, string) => sum + (own.get(string) ?? 0), 0);
            if (covers === "all" && !greedy) expect(new Set(fused.keys())).toEqual(new Set(own.keys()));
            for (const [string, probability] of fused) {
              expect(Math.abs(probability - (own.get(string) ?? 0) / total)).toBeLessThanOrEqual(1e-9 + tolerance);
              checked++;
            }
          },
        });
        expect(checked).toBeGreaterThan(10);
      });
    }

    if (isByteExact) {
      it.each([true, false])("hands back the bytes it was given to every member (greedy: %s)", async (greedy) => {
        const all = await members();
        const choose = greedy ? undefined : drawing(randomNumbers(5));
        const { text } = await walk({ ...on, members: all, greedy, choose, steps: 24 });
        expect(text.length).toBeGreaterThanOrEqual(24);
        for (const member of all) {
          const held = textOfTokens(member.vocabulary, await member.cachedTokens());
          if (isSpelled) expectBeginning(held.subarray(Buffer.byteLength(prompt)), text);
          else expect(held.subarray(held.length - text.length)).toEqual(text);
        }
      });

      it("pools the end of generation: one entry, without bytes, the only one without", async () => {
        const all = await members();
        await walk({
          ...on,
          members: all,
          greedy: false,
          inspect: ({ size, probabilities, endEntry, bytesOf }) => {
            if (covers === "all") {
              expect(endEntry).toBeGreaterThanOrEqual(0);
              if (isSymmetric && isMean) expect(probabilities[endEntry]).toBeCloseTo(pooledEnd(all), 9);
            }
            for (let entry = 0; entry < size; entry++) {
              if (entry === endEntry) expect(bytesOf(entry).length).toBe(0);
              else if (probabilities[entry] > 0) expect(bytesOf(entry).length).toBeGreaterThan(0);
            }
          },
        });
      });
    }

    if (isByteExact && !isSpelled) {
      it("chooses greedily what the whole distribution says is best", async () => {
        const greedy = await walk({ ...on, members: await members(), greedy: true, steps: 24 });
        const whole = await walk({
          ...on,
          members: await members(),
          greedy: false,
          choose: following(greedy),
          steps: 24,
        });
        expect(greedy.steps.map(({ bestString }) => bestString)).toEqual(
          whole.steps.map(({ bestString }) => bestString),
        );
      });
    }

    if (isSymmetric && isByteExact) {
      it("does not care for the members' order", async () => {
        const forth = await walk({ ...on, members: await members(), greedy: false });
        const back = await walk({
          ...on,
          members: (await members()).reverse(),
          greedy: false,
          choose: following(forth),
        });
        expect(back.text).toEqual(forth.text);
        for (const [index, step] of forth.steps.entries()) {
          expect(back.steps[index].byString.size).toBe(step.byString.size);
          for (const [string, probability] of step.byString) {
            const other = back.steps[index].byString.get(string) ?? Number.NaN;
            expect(Math.abs(other - probability)).toBeLessThanOrEqual(1e-12 + tolerance);
          }
        }
      });
    }

    if (covers === "all" && isByteExact && hasWeights) {
      it("with all weight on one member is that member", async () => {
        const all = await members();
        const weights = all.map((_, index) => (index === 0 ? 1 : 0));
        await walk({
          ...on,
          members: all,
          weights,
          greedy: false,
          inspect: async (distribution) => {
            const own = await ownProbabilities(all[0]);
            for (const [string, probability] of byStringOf(distribution)) {
              expect(Math.abs(probability - (own.get(string) ?? 0))).toBeLessThanOrEqual(1e-9 + tolerance);
            }
          },
        });
      });
    }

    it("ends the members when the end is chosen", async () => {
      const all = await members();
      const { run } = await beginRun({ ...on, members: all });
      const { endEntry, bytesOf } = await run.step();
      // A union of few tokens may lack the end.
      if (endEntry < 0) return expect(covers).toBe("some");
      expect(bytesOf(endEntry).length).toBe(0);
      await run.accept(endEntry);
      const ended = await Promise.all(
        all.map(
          async (member) =>
            member.vocabulary.classOf((await member.cachedTokens()).at(-1) as number) === TokenClass.end,
        ),
      );
      expect(isByteExact ? ended.every(Boolean) : ended.some(Boolean)).toBe(true);
    });

    it("repeats itself", async () => {
      const once = async () =>
        walk({ ...on, members: await members(), greedy: false, choose: drawing(randomNumbers(9)) });
      const [first, second] = [await once(), await once()];
      expect(second.text).toEqual(first.text);
      for (const [index, { probabilities }] of first.steps.entries())
        expect(second.steps[index].probabilities).toEqual(probabilities);
    });
  });
}

/** All of the text but for its last few pieces. */
function expectBeginning(held: Uint8Array, text: Uint8Array): void {
  expect(held).toEqual(text.subarray(0, held.length));
  expect(held.length).toBeGreaterThan(text.length / 2);
}

/** Chooses the bytes that another walk chose. */
function following(walked: Walk) {
  return ({ size, probabilities, bytesOf }: Parameters<typeof byStringOf>[0], step: number): number => {
    const wanted = walked.steps[step].bytes;
    let likeliest = -1;
    for (let entry = 0; entry < size; entry++) {
      if (probabilities[entry] === 0 || !wanted.equals(bytesOf(entry))) continue;
      // A character's byte token is another token with the same bytes.
      if (likeliest < 0 || probabilities[entry] > probabilities[likeliest]) likeliest = entry;
    }
    return likeliest;
  };
}

/** A member's probability of each string, given that it says one: its tokens looked up one by one, alike ones together. */
async function ownProbabilities(member: Member): Promise<Map<string, number>> {
  const { vocabulary, atFragmentStart, output } = member;
  const ids = Array.from({ length: vocabulary.size }, (_, id) => id);
  const found = await member.lookup(ids);
  const sums = new Map<string, number>();
  let total = 0;
  for (const id of ids) {
    const tokenClass = vocabulary.classOf(id);
    const bytes = vocabulary.bytesOf(id);
    if (tokenClass !== TokenClass.end && (tokenClass !== TokenClass.text || bytes.length === 0)) continue;
    const string = tokenClass === TokenClass.end ? END : byteKey(atFragmentStart ? textAtFragmentStart(bytes) : bytes);
    const probability = Math.exp(found[id].logit - output.logNormaliser);
    sums.set(string, (sums.get(string) ?? 0) + probability);
    total += probability;
  }
  return new Map([...sums].map(([string, probability]) => [string, probability / total]));
}

/** The mean of the members' end probabilities, each given that the member says something. */
function pooledEnd(members: readonly Member[]): number {
  return members.reduce((sum, { output: { endLogProb, projection } }) => {
    const remainder = projection.length > 0 ? projection[projection.length - 1] : 0;
    return sum + Math.exp(endLogProb) / (1 - remainder) / members.length;
  }, 0);
}
