/** What people read where something that they gave, or that a file holds, is not as it must be. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { problemOf, sentenceOf } from "../../src/zod-problem.js";

const schema = z.strictObject({
  name: z.string(),
  weight: z.number().gt(0).optional(),
  kind: z.enum(["text", "choice"]).optional(),
  rows: z.array(z.strictObject({ quality: z.number().max(1) })).optional(),
  layers: z.union([z.int().min(0), z.literal("max")]).optional(),
});

function sentence(given: unknown, options?: Parameters<typeof problemOf>[2]): string {
  const result = schema.safeParse(given);
  if (result.success) throw new Error("nothing is wrong with it");
  return sentenceOf(problemOf(result.error, given, options));
}

describe("a problem says the place, what it must be and what was found", () => {
  it.each([
    ["another type", { name: 3 }, "name: must be a text; found 3"],
    ["a value out of range", { name: "a", weight: 0 }, "weight: must be above 0; found 0"],
    ["a missing one", {}, "name: must be a text; it is missing"],
    ["an unknown word", { name: "a", kind: "essay" }, 'kind: must be one of text, choice; found "essay"'],
    ["a place inside a list", { name: "a", rows: [{ quality: 7 }] }, "rows.0.quality: must be at most 1; found 7"],
    ["the kind it has, of two", { name: "a", layers: -1 }, "layers: must be at least 0; found -1"],
    ["either of two kinds", { name: "a", layers: true }, "layers: must be a number or max; found true"],
    ["the whole", [1], "must be an object; found [1]"],
    ["a long text", { name: "a", weight: "b".repeat(200) }, `weight: must be a number; found "${"b".repeat(78)}…`],
    ["a number that is not one", { name: "a", weight: Number.NaN }, "weight: must be a number; found NaN"],
  ])("%s", (_, given, wanted) => {
    expect(sentence(given)).toBe(wanted);
  });

  it("an unknown key, with the nearest and all known ones of its place", () => {
    expect(sentence({ name: "a", wieght: 2 }, { schema })).toBe(
      'has the unknown key "wieght", did you mean "weight"? (known: name, weight, kind, rows, layers)',
    );
    expect(sentence({ name: "a", rows: [{ quality: 1, qualty: 1 }] }, { schema })).toBe(
      'rows.0: has the unknown key "qualty", did you mean "quality"? (known: quality)',
    );
  });

  it("nothing about what was found where nobody says what was parsed", () => {
    const { error } = schema.safeParse({});
    expect(sentenceOf(problemOf(error!))).toBe("name: must be a text");
  });
});
