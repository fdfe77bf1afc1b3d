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
      { type: "number", minimum: 0 },
      { type: "number", minimum: 0 },
    ],
    [{ maximum: 0 }, { type: "number", maximum: 0 }],
    [
      { type: "integer", exclusiveMaximum: -2.5 },
      { type: "integer", minimum: Number.MIN_SAFE_INTEGER, maximum: -3 },
    ],
    [{ type: "integer", minimum: 1.5, exclusiveMinimum: 2, maximum: 6 }, { enum: [3, 4, 5, 6] }],
    [{ type: ["integer", "null"], minimum: 1, maximum: 2 }, { anyOf: [{ enum: [1, 2] }, { type: "null" }] }],
    [
      { minLength: 2, maxLength: 3 },
      { type: "string", pattern: "[ !#-\\[\\]-\u{10ffff}]{2,3}" },
    ],
    [
      { type: "string", maxLength: 0 },
      { type: "string", pattern: "" },
    ],
    [
      { type: "string", pattern: "^a|b$" },
      { type: "string", pattern: "(?:^a|b$)" },
    ],
    [
      { type: "string", pattern: '^[^"\\\\\\x00-\\x1f]\\-$' },
      { type: "string", pattern: '^[^"\\\\\\x00-\\x1f]\\-$' },
    ],
    [{ format: "date" }, { type: "string", format: "date" }],
    [
      { enum: ["a", "b"], const: "b" },
      { enum: ["b"], const: "b" },
    ],
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

  it("names a property that every object has by itself", () => {
    const { properties } = enforceable({ required: ["__proto__"] }) as { properties: object };
    expect(Object.keys(properties)).toEqual(["__proto__"]);
  });

  it.each([
    [{ items: { not: {} } }, '"not" at #/items'],
    [{ type: "array", uniqueItems: true }, "uniqueItems"],
    [{ properties: { a: { allOf: [integer, integer] } } }, '"allOf" at #/properties/a'],
    [{ anyOf: [integer], type: "object" }, '"type" at #, but it stands beside anyOf'],
    [{ type: "number", minimum: 1, maximum: 2 }, "minimum"],
    [{ type: "number", maximum: 2.25 }, "only minimum 0 or maximum 0"],
    [{ type: "integer", minimum: 4, exclusiveMaximum: 4 }, "no integer has its bounds"],
    [{ type: "integer", minimum: "4" }, "it is no number"],
    [{ type: "integer", minimum: 907, maximum: 45299 }, "ranges of more than 1000 integers"],
    [{ type: "string", minLength: 1.5 }, "it is no count"],
    [{ type: "string", minLength: 4, maxLength: 3 }, "above maxLength"],
    [{ enum: [1, 2], minimum: 2 }, '"minimum" at #, but it stands beside enum'],
    [{ const: 1, type: "string" }, "it leaves no value"],
    [{ type: "string", format: "foo" }, 'format "foo"'],
    [{ type: "string", format: "date", maxLength: 3 }, "it stands beside a format"],
    [{ $ref: "https://example.org/schema" }, "none within the schema"],
    [{ required: ['a"'] }, "a quotation mark"],
    [{ type: "number", exclusiveMinimum: 1 }, "exclusiveMinimum"],
    [{ type: "object", patternProperties: {} }, "patternProperties"],
    [{ type: "string", pattern: "^.+$" }, "quotation mark"],
    ...["[^a]", "a\\sb", "[!-~]", "\\x22", "[\\s]", "\\W", "\\\\", "\\e", "\\p{L}"].map((pattern): [object, string] => [
      { type: "string", pattern },
      "quotation mark",
    ]),
    [{ type: "string", pattern: "a", maxLength: 3 }, '"maxLength" at #, but it stands beside a pattern'],
    [{ items: [integer] }, '"[…]" at #/items'],
    [{ properties: 3 }, "properties"],
    [{ type: 5 }, '"type" at #, but 5 is unknown; types are string, number'],
    [{ type: ["string", "text"] }, "types are string, number"],
    [{ anyOf: [] }, '"anyOf" at #, but it is an empty list'],
    [{ anyOf: { a: integer } }, '"anyOf" at #, but it is no list'],
    [{ items: false, minItems: 1 }, '"minItems" at #'],
    [{ items: false, prefixItems: [integer], minItems: 2 }, "prefixItems gives 1"],
    [{ items: integer, minItems: 3, maxItems: 2 }, "above maxItems"],
    [{ items: integer, minItems: -1 }, "it is no count"],
    [{ type: "string", pattern: "a^b" }, '"^" inside'],
    [{ type: "string", pattern: "(a$|b)c" }, '"$" inside'],
  ])("refuses %j", async (given, said) => {
    const error = await refusal(() => enforceable(given));
    expect([error.code, error.details.option]).toEqual(["invalid-option", "format"]);
    expect(error.message).toContain(said);
  });
});

describe("references within a schema", () => {
  it.each([
    [{ $defs: { "a/b": integer }, $ref: "#/$defs/a~1b" }, "has ~ or %"],
    [{ $defs: { a: integer }, properties: { x: { $ref: "#/$defs/b" } } }, '"$ref" at #/properties/x'],
    [{ $ref: "#" }, "leads back to itself"],
    [{ $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" }, "leads back to itself"],
  ])("refuses %j", async (schema, said) => {
    const error = await refusal(() => checkFormat({ schema }));
    expect([error.code, error.details.option]).toEqual(["invalid-option", "format"]);
    expect(error.message).toContain(said);
  });

  it("takes a schema that has itself inside", () => {
    const schema = { type: "object", properties: { next: { anyOf: [{ $ref: "#" }, { type: "null" }] } } };
    expect(checkFormat({ schema })).toBeDefined();
  });
});

describe("anchors of a regular expression", () => {
  it.each(["^a$", "^a|b$", "^(a|b)$", "(?:^a|(b)$)", "(^a$)", "a\\^b\\$", "[^a$^]+", "a"])("takes %s", (regex) => {
    expect(checkFormat({ regex })).toEqual({ regex });
  });

  it.each(["a^b", "a$b", "b(^a)", "(a$)b", "(^a)(b$)", "a|b^", "^^a"])("refuses %s", async (regex) => {
    const error = await refusal(() => checkFormat({ regex }));
    expect([error.code, error.details.option]).toEqual(["invalid-option", "format"]);
    expect(error.message).toMatch(/has "[$^]" inside/);
  });
});
