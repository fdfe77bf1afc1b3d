import { describe, expect, it } from "vitest";
import { type Battle, bradleyTerry, eloOf, winsOf } from "../../../src/learning/bradley-terry.js";
import { EloRatings } from "../../../src/learning/elo.js";

describe("Bradley–Terry", () => {
  it("of two entities is the log odds of winning, a tie being half a win for both", () => {
    const battles: Battle[] = [
      { a: 0, b: 1, outcome: "a", weight: 2 },
      { a: 1, b: 0, outcome: "a" },
      { a: 0, b: 1, outcome: "tie" },
    ];
    const [a, b] = bradleyTerry(winsOf(battles, 2), { ridge: 0 });
    // Entity 0 won 2·2 + 1 = 5, entity 1 won 2·1 + 1 = 3.
    expect(a - b).toBeCloseTo(Math.log(5 / 3), 9);
    expect(a + b).toBeCloseTo(0, 12);
    const [eloA, eloB] = eloOf([a, b]);
    expect(eloA - eloB).toBeCloseTo((400 * Math.log(5 / 3)) / Math.LN10, 6);
  });

  it("makes expected wins equal to wins, which is where the likelihood has its maximum", () => {
    const battles: Battle[] = [];
    const outcomes = ["a", "b", "a", "tie", "a", "b"] as const;
    for (let i = 0; i < 60; i++) {
      battles.push({ a: i % 4, b: (i + 1 + (i % 3)) % 4, outcome: outcomes[i % 6], weight: 1 + (i % 5) });
    }
    const valid = battles.filter(({ a, b }) => a !== b);
    const wins = winsOf(valid, 4);
    const s = bradleyTerry(wins, { ridge: 0 });
    for (let a = 0; a < 4; a++) {
      let [won, expected] = [0, 0];
      for (let b = 0; b < 4; b++) {
        if (a === b) continue;
        won += wins.get(a, b);
        expected += (wins.get(a, b) + wins.get(b, a)) / (1 + Math.exp(s[b] - s[a]));
      }
      expect(expected).toBeCloseTo(won, 6);
    }
  });

  it("stays finite where one has won everything, thanks to the ridge", () => {
    const s = bradleyTerry(winsOf([{ a: 0, b: 1, outcome: "a" }], 2));
    expect(s[0]).toBeGreaterThan(5);
    expect(s[0]).toBeLessThan(50);
  });
});

describe("Elo", () => {
  it("is the hand-computed replay of six matches, and depends on their order", () => {
    const matches = [
      { a: 0, b: 1, score: 1 },
      { a: 1, b: 2, score: 0.5 },
    ];
    const elo = new EloRatings([1000, 1000, 1000]);
    for (const match of matches) elo.play(match);
    // First: E = ½, ±16. Then b at 984 against 1000: E = 1 / (1 + 10^(16/400)).
    const expected = 1 / (1 + 10 ** 0.04);
    const change = 32 * (0.5 - expected);
    expect(Array.from(elo.ratings)).toEqual([1016, 984 + change, 1000 - change]);
    expect(elo.averages[1]).toBeCloseTo((984 + 984 + change) / 2, 12);
    const reversed = new EloRatings([1000, 1000, 1000]);
    for (const match of matches.toReversed()) reversed.play(match);
    expect(reversed.ratings[0]).not.toBe(elo.ratings[0] + 1);
    expect(reversed.ratings[1]).not.toBeCloseTo(elo.ratings[1], 6);
  });

  it("goes on after JSON as if nothing had been", () => {
    const [elo, other] = [new EloRatings([1000, 1000]), new EloRatings([1000, 1000])];
    for (const each of [elo, other]) each.play({ a: 0, b: 1, score: 1 });
    const restored = EloRatings.restore(JSON.parse(JSON.stringify(elo)));
    for (const each of [restored, other]) each.play({ a: 1, b: 0, score: 0.5 });
    expect(restored.averages).toEqual(other.averages);
  });
});
