import { describe, expect, it } from "vitest";
import { PROMPT_SHARE, STEP_TOKENS, sharesOf } from "../../../../src/member/llama/round-shares.js";

describe("sharesOf", () => {
  it("gives a prompt that is alone all that a decode holds", () => {
    expect(sharesOf([4000], 512)).toEqual([512]);
    expect(sharesOf([300], 512)).toEqual([300]);
  });

  it("reads steps and short prompts at once beside a long one", () => {
    expect(sharesOf([4000, 1], 512)).toEqual([PROMPT_SHARE, 1]);
    expect(sharesOf([4000, 40], 512)).toEqual([472, 40]);
    expect(sharesOf([4000, 40, 1, STEP_TOKENS], 512)).toEqual([PROMPT_SHARE - 40, 40, 1, STEP_TOKENS]);
  });

  it("divides evenly what all want", () => {
    expect(sharesOf([4000, 4000, 4000], 512)).toEqual([171, 171, 170].toSorted((a, b) => a - b));
  });

  it("gives everybody a token, and never more than fits", () => {
    for (const most of [3, 4, 16, 512]) {
      for (const rests of [
        [1, 1, 1],
        [900, 1, 17],
        [2, 800, 800],
      ]) {
        const shares = sharesOf(rests, most);
        expect(shares.every((share, index) => share >= 1 && share <= rests[index])).toBe(true);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(most);
      }
    }
  });
});
