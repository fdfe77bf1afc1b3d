import { describe, expect, it } from "vitest";
import { checkFormat } from "../../../src/decoding/format/format.js";
import { enforceable } from "../../../src/decoding/format/schema.js";
import { refusal } from "../../support/refusal.js";

const integer = { type: "integer" };

describe("schemas in the form that is enforced", () => {
  it.each([
    [true, true],
    [{}, {}],
    [{ title: "A", description: "b", type: "string" }, { type: "string" }],
    [
      { type: "integer", minimum: 3 },
      { type: "integer", minimum: 3, maximum: Number.MAX_SAFE_INTEGER },
    ],
    [
      { type: "number", minimum: 0.5 },
      { type: "number", minimum: 0.5 },
    ],
    [{ minimum: 3 }, { type: "number", minimum: 3 }],
    [
      { enum: ["a", 2, null], type: ["integer", "null"] },
      { enum: [2, null], type: ["integer", "null"] },
    ],
    [
      { properties: { a: integer }, required: ["a", "z"], additionalProperties: { type: "string" } },
      {
        type: "object",
        properties: { a: integer, z: { type: "string" } },
        required: ["a", "z"],
        additionalProperties: false,
      },
    ],
    [{ type: "object" }, { type: "object" }],
    [
      { type: "object", properties: { a: false, b: true } },
      { type: "object", properties: { b: true }, additionalProperties: false },
    ],
    [{ oneOf: [integer, { type: "string" }] }, { anyOf: [integer, { type: "string" }] }],
    [{ allOf: [integer] }, { anyOf: [integer] }],
    [
      { $defs: { n: { minimum: 1, type: "integer" } }, $ref: "#/$defs/n" },
      { $defs: { n: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER } }, $ref: "#/$defs/n" },
    ],
    [
      { type: "string", pattern: "^[a-z.]+\\.[0-9]{2}$" },
      { type: "string", pattern: "^[a-z.]+\\.[0-9]{2}$" },
    ],
  ])("%j", (given, made) => {
    expect(enforceable(given)).toEqual(made);
    // And what has been made once is as it is.
    expect(enforceable(made)).toEqual(made);
    expect(checkFormat(checkFormat({ schema: given }))).toEqual(checkFormat({ schema: given }));
  });

  it.each([
    [{ items: { not: {} } }, '"not" at #/items'],
    [{ type: "array", uniqueItems: true }, "uniqueItems"],
    [{ properties: { a: { allOf: [integer, integer] } } }, '"allOf" at #/properties/a'],
    [{ anyOf: [integer], type: "object" }, '"type" at #, but it stands beside anyOf'],
    [{ type: "number", minimum: 1, maximum: 2 }, "maximum"],
    [{ type: "number", exclusiveMinimum: 1 }, "exclusiveMinimum"],
    [{ type: "object", patternProperties: {} }, "patternProperties"],
    [{ type: "string", pattern: "^.+$" }, "quotation mark"],
    [{ type: "string", pattern: "[^a]" }, "quotation mark"],
    [{ type: "string", pattern: "a", maxLength: 3 }, '"maxLength" at #, but it stands beside a pattern'],
    [{ items: [integer] }, '"[…]" at #/items'],
    [{ properties: 3 }, "properties"],
  ])("refuses %j", async (given, said) => {
    const error = await refusal(() => enforceable(given));
    expect([error.code, error.details.option]).toEqual(["invalid-option", "format"]);
    expect(error.message).toContain(said);
  });
});
