/** Answers that must have a form: whatever the method, the text has it, and without need nothing changes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Format } from "../../src/decoding/format/format.js";
import { fuse } from "../../src/ensemble/ensemble.js";
import { createEnsemble, type GenerateOptions, loadMembers, type Members } from "../../src/index.js";
import { refusal } from "../support/refusal.js";

const PROMPT = "Once upon a time";
let members: Members;
beforeAll(async () => {
  members = await loadMembers({ members: ["robin", "wren"], gpu: false, schedule: "in-turn" });
});
afterAll(() => members.dispose());

const METHODS = [
  "unite",
  { name: "unite", k: 1 },
  "gac",
  { name: "gac", gate: "threshold" },
  "product",
  "bytes",
  "packllm",
  "core",
  "deepen",
  "me",
  "safe",
  "contrast",
] as const;
const DATE = /^[0-9]{4}-[0-9]{2}$/;
const SCHEMA = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 12 },
    age: { type: "integer", minimum: 0, maximum: 99 },
    kind: { enum: ["cat", "dog"] },
  },
  required: ["name", "age", "kind"],
};

describe.each(METHODS.map((method) => [JSON.stringify(method), method] as const))("%s", (_, method) => {
  it("says what has the form, greedy and drawn", async () => {
    const ensemble = await fuse(members, method);
    for (const temperature of [0, 1]) {
      const options = { temperature, seed: 4, maxTokens: 120 };
      const date = await ensemble.generate(PROMPT, { ...options, format: { regex: "[0-9]{4}-[0-9]{2}" } });
      expect(date.text).toMatch(DATE);
      expect([date.finishReason, date.incomplete]).toEqual(["stop", undefined]);
      const { text } = await ensemble.generate(PROMPT, { ...options, format: { schema: SCHEMA } });
      const { name, age, kind, ...rest } = JSON.parse(text) as Record<string, unknown>;
      expect(typeof name === "string" && [...name].length <= 12).toBe(true);
      expect(Number.isInteger(age) && (age as number) >= 0 && (age as number) <= 99).toBe(true);
      expect(["cat", "dog"]).toContain(kind);
      expect(rest).toEqual({});
    }
  });

  it("says what it says anyway where every text has the form", async () => {
    const ensemble = await fuse(members, method);
    for (const temperature of [0, 1]) {
      const options = { temperature, seed: 4, maxTokens: 12, logProbs: true };
      const free = await ensemble.generate(PROMPT, options);
      const formed = await ensemble.generate(PROMPT, { ...options, format: { regex: "(.|\\n)*" } });
      expect(formed.text).toBe(free.text);
      // Bytes that are no UTF-8 have a little probability, and no form.
      for (const [index, { logProb }] of formed.pieces!.entries())
        expect(logProb).toBeCloseTo(free.pieces![index].logProb, 3);
    }
  });
});

const ask = async (format: unknown, options: GenerateOptions = {}) => {
  const ensemble = await fuse(members, "gac");
  return await ensemble.generate(PROMPT, { format: format as Format, maxTokens: 40, logProbs: true, ...options });
};

it("gives each string its share among those that may be said", async () => {
  const ensemble = await fuse(members, "gac");
  const { trace } = await ensemble.generate(PROMPT, { maxTokens: 1, trace: 1024 });
  const { pieces } = await ask({ regex: " [a-z]{2,20}" }, { maxTokens: 1 });
  const all = trace![0].fused.filter(({ text }) => /^ [a-z]{0,20}$/.test(text));
  const total = all.reduce((sum, { probability }) => sum + probability, 0);
  const own = all.find(({ text }) => text === pieces![0].text)!;
  expect(all.length).toBeGreaterThan(50);
  // What the trace does not list is less likely than any of its 1024 strings.
  expect(pieces![0].logProb).toBeCloseTo(Math.log(own.probability / total), 3);
});

it("a grammar's text, and the JSON of a schema that is a text", async () => {
  expect((await ask({ grammar: 'root ::= word " and " word\nword ::= "cat" | "dog"' })).text).toMatch(
    /^(cat|dog) and (cat|dog)$/,
  );
  expect(JSON.parse((await ask({ schema: '{"enum": [1, "é", null]}' })).text)).toBeOneOf([1, "é", null]);
});

it("says whether a cut text has its form", async () => {
  expect(await ask({ regex: "[a-z ]{40,50}" }, { maxTokens: 3 })).toMatchObject({
    finishReason: "length",
    incomplete: true,
  });
  // It has, whatever could follow.
  const open = await ask({ regex: "[a-z ]*" }, { maxTokens: 3 });
  expect([open.finishReason, open.incomplete]).toEqual(["length", undefined]);
  const stopped = await ask({ regex: "[0-9]{4}-[0-9]{2}" }, { stop: "-" });
  expect(stopped).toMatchObject({ finishReason: "stop", incomplete: true });
  expect(stopped.text).toMatch(/^[0-9]{4}$/);
  expect((await ask({ regex: "[a-z]*" }, { maxTokens: 0 })).text).toBe("");
});

it("repeats an answer by its seed, also among answers that are left, cancelled or free", async () => {
  const ensemble = await fuse(members, "unite");
  const options = { format: { schema: SCHEMA }, temperature: 1, seed: 9, maxTokens: 80 };
  const first = await ensemble.generate(PROMPT, options);
  for await (const _ of ensemble.stream(PROMPT, { ...options, format: { regex: "[a-z ]{20}" } })) break;
  const cancelled = await ensemble.generate(PROMPT, { ...options, signal: AbortSignal.abort() });
  expect(cancelled.finishReason).toBe("aborted");
  await ensemble.generate(PROMPT, { maxTokens: 3 });
  expect((await ensemble.generate(PROMPT, options)).text).toBe(first.text);
});

it("takes characters apart where tokens do", async () => {
  const { text } = await ask({ regex: "[äöü]{3}" }, { temperature: 1, seed: 2 });
  expect(text).toMatch(/^[äöü]{3}$/);
});

describe("refuses", () => {
  it.each([
    ["no form", "json", /format is "json".*\{ schema \}, \{ regex \} or \{ grammar \}/],
    ["two forms", { regex: "a", grammar: "b" }, /\{ schema \}, \{ regex \}/],
    ["an empty pattern", { regex: "" }, /format.regex/],
    ["a schema that is none", { schema: 7 }, /format.schema/],
    ["text that is no JSON", { schema: "{" }, /no JSON/],
    ["an unknown type", { schema: { type: "nope" } }, /"type" at #, but "nope" is unknown; types are string/],
    ["a reference to nothing", { schema: { $ref: "#/x" } }, /there is no schema at/],
    ["a schema without a value", { schema: { type: "integer", minimum: 3, maximum: 2 } }, /no integer has its bounds/],
    ["an open bracket", { regex: "[a" }, /Unclosed/],
    ["look-ahead", { regex: "a(?=b)" }, /Lookahead is not supported/],
    ["a grammar without a root", { grammar: 'word ::= "a"' }, /grammar of the format cannot be read/],
    ["a grammar without a text", { grammar: "root ::= root" }, /no text has this form/],
    ["what is too long", { regex: "a".repeat(1_000_001) }, /1000001 characters/],
    ["what is too deep", { schema: deep(300) }, /nested more than/],
    ["a schema in itself", { schema: cyclic() }, /nested more than/],
  ])("%s", async (_, format, message) => {
    const error = await refusal(() => ask(format));
    expect(error.code).toBe("invalid-option");
    expect(error.message).toMatch(message);
  });

  it("healing, and methods that decide ahead; and answers the next request", async () => {
    expect((await refusal(() => ask({ regex: "a+" }, { healing: true }))).message).toMatch(/healing/);
    for (const method of ["smc", "abe"] as const) {
      const ensemble = await fuse(members, method);
      const { message } = await refusal(() => ensemble.generate(PROMPT, { format: { regex: "[0-9]{3}" } }));
      expect(message).toMatch(/where format does not apply/);
      expect((await ensemble.generate(PROMPT, { maxTokens: 2 })).text).not.toBe("");
    }
    expect((await ask({ regex: "[0-9]{2}" })).text).toMatch(/^[0-9]{2}$/);
  });
});

it("is a default of an ensemble as well", async () => {
  const request = { format: { regex: "[0-9]{2}" }, maxTokens: 9 };
  await using ensemble = await createEnsemble({ members, method: "gac", request });
  expect((await ensemble.generate(PROMPT)).text).toMatch(/^[0-9]{2}$/);
  expect((await ensemble.generate(PROMPT, { format: { regex: "[a-c]" } })).text).toMatch(/^[a-c]$/);
});

function deep(levels: number): object {
  return levels === 0 ? {} : { not: deep(levels - 1) };
}

function cyclic(): object {
  const schema: Record<string, unknown> = {};
  schema.items = schema;
  return schema;
}

it("keeps alternatives apart that have bytes in common", async () => {
  for (let seed = 0; seed < 8; seed++) {
    const options = { temperature: 3, seed, maxTokens: 12 };
    expect(["ba", "aaa", "aab"]).toContain((await ask({ regex: "ba|aaa|aab" }, options)).text);
    const { text } = await ask({ schema: { enum: ["baa", "b", "aab"] } }, options);
    expect(["baa", "b", "aab"]).toContain(JSON.parse(text));
  }
});
