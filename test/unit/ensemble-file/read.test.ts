import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readEnsembleFile } from "../../../src/ensemble-file/read.js";
import { ensembleJsonSchema } from "../../../src/ensemble-file/schema.js";
import { ensembleFileText } from "../../../src/ensemble-file/write.js";
import { nativeModel } from "../../../src/native-models.js";
import { createEnsemble } from "../../../src/systems.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
let files = 0;
const write = (content: unknown) =>
  at(`ensemble-${files++}.json`, typeof content === "string" ? content : JSON.stringify(content));
const read = (content: unknown) => readEnsembleFile(write(content));

describe("readEnsembleFile", () => {
  it("takes paths from the file's folder, and leaves names of models alone", async () => {
    mkdirSync(at("models"), { recursive: true });
    const members = ["models/a.gguf", "robin", "ollama:llama3.2:1b", "hf:o/r:Q8_0", { model: "../b.gguf", weight: 2 }];
    expect(
      await read({ members, method: { name: "unite", k: 20 }, request: { temperature: 0.5, chat: true } }),
    ).toEqual({
      members: [
        { model: at("models/a.gguf") },
        { model: "robin" },
        { model: "ollama:llama3.2:1b" },
        { model: "hf:o/r:Q8_0" },
        { model: path.resolve(at("."), "../b.gguf"), weight: 2 },
      ],
      method: { name: "unite", k: 20 },
      request: { temperature: 0.5, chat: true },
    });
  });

  it("takes a selection's table and embedder from the file's folder, and words for no file", async () => {
    const methodOf = async (method: object) => (await read({ members: ["robin"], method })).method;
    expect(await methodOf({ name: "smoothie", table: "past.jsonl", embedder: "e.gguf" })).toEqual({
      name: "smoothie",
      table: at("past.jsonl"),
      embedder: at("e.gguf"),
    });
    expect(await methodOf({ name: "mbr", utility: "embedding", embedder: "words" })).toMatchObject({
      embedder: "words",
    });
    await expect(methodOf({ name: "mbr", utility: "meteor" })).rejects.toMatchObject({ code: "invalid-option" });
  });

  it("takes a file before a native model of the same name", async () => {
    at("wren", "");
    expect((await read({ members: ["wren"] })).members).toEqual([{ model: at("wren") }]);
  });

  it("is what createEnsemble takes, with the defaults of requests", async () => {
    const options = await read({
      members: [nativeModel("robin").path],
      method: "gac",
      request: { maxTokens: 3, stop: [], chat: true },
    });
    const ensemble = await createEnsemble(options);
    try {
      const asked = await ensemble.generate("What is 2 plus 2?");
      expect(asked.usage.steps).toBeLessThanOrEqual(3);
      const messages = await ensemble.generate([{ role: "user", content: "What is 2 plus 2?" }]);
      expect(asked.usage.promptTokens).toBe(messages.usage.promptTokens);
      const plain = await ensemble.generate("What is 2 plus 2?", { chat: false, maxTokens: 1 });
      expect(plain.usage.steps).toBe(1);
      expect(plain.usage.promptTokens).not.toBe(asked.usage.promptTokens);
      const told = await ensemble.generate("What is 2 plus 2?", { system: "Be brief." });
      expect(told.usage.promptTokens).toBeGreaterThan(asked.usage.promptTokens);
    } finally {
      await ensemble.dispose();
    }
  });

  it.each<[string, unknown, RegExp]>([
    ["text that is no JSON", "{ members: ", /ensemble-\d+\.json is not JSON: /],
    ["another document", [1], /holds no ensemble\. Write \{ "members"/],
    ["no members", { method: "gac" }, /: members must be a list of at least one model.*; it is missing\.$/],
    ["an empty list", { members: [] }, /: members must be a list of at least one model.*; found \[\]\.$/],
    ["a misspelt field", { member: ["a"], members: ["a"] }, /has the unknown field member\. Did you mean "members"\?/],
    [
      "one of a member",
      { members: ["a", { model: "b", wieght: 2 }] },
      /unknown field members\[1\]\.wieght\. Did you mean "weight"\?/,
    ],
    [
      "one of requests",
      { members: ["a"], request: { max_tokens: 3 } },
      /unknown field request\.max_tokens\. Did you mean "maxTokens"\?/,
    ],
    [
      "a text for a number",
      { members: [{ model: "a", weight: "2" }] },
      /: members\[0\]\.weight must be a number >= 0; found "2"\.$/,
    ],
    [
      "a value out of range",
      { members: ["a"], request: { temperature: -1 } },
      /\.json: request\.temperature must be a finite number >= 0; found -1/,
    ],
    ["an unknown method", { members: ["a"], method: "unit" }, /\.json: Unknown method "unit"\. Did you mean "unite"\?/],
    ["an unknown option of it", { members: ["a"], method: { name: "unite", kk: 3 } }, /\.json: .*"kk"/],
    [
      "a method without a name",
      { members: ["a"], method: { k: 3 } },
      /method must have a name, such as "unite", a router or a cascade/,
    ],
    [
      "a schedule",
      { members: ["a"], schedule: "both" },
      /: schedule must be "auto", "parallel" or "in-turn"; found "both"\.$/,
    ],
    [
      "names that are one",
      {
        members: [
          { model: "a", name: "x" },
          { model: "b", name: "x" },
        ],
      },
      /Two members are named "x"/,
    ],
  ])("names file and field of %s", async (_, content, message) => {
    await expect(read(content)).rejects.toMatchObject({ message: expect.stringMatching(message) });
  });

  it("names a file that is not there", async () => {
    await expect(readEnsembleFile(at("none.json"))).rejects.toMatchObject({ code: "file-unreadable" });
    await expect(read({ members: ["a"], method: "router.json" })).rejects.toMatchObject({ code: "file-unreadable" });
  });
});

describe("ensembleFileText", () => {
  it("writes what readEnsembleFile reads, with paths relative to the file", async () => {
    const target = at("written.json");
    const text = ensembleFileText(target, {
      members: [{ model: at("models/a.gguf") }, { model: "robin", weight: 2, threads: undefined }],
      method: { name: "gac" },
      request: {},
    });
    expect(JSON.parse(text)).toEqual({
      $schema: expect.stringMatching(/ensemble\.schema\.json$/),
      members: ["./models/a.gguf", { model: "robin", weight: 2 }],
      method: "gac",
    });
    at("written.json", text);
    expect((await readEnsembleFile(target)).members[0]).toEqual({ model: at("models/a.gguf") });
  });
});

describe("ensemble.schema.json", () => {
  const root = path.resolve(import.meta.dirname, "../../..");

  it("is up to date (npx tsx scripts/write-ensemble-schema.ts)", () => {
    const written = JSON.parse(readFileSync(path.join(root, "ensemble.schema.json"), "utf8"));
    expect(written).toEqual(JSON.parse(JSON.stringify(ensembleJsonSchema())));
  });

  it.each(["ensemble.json", "expert-and-amateur.json"])("examples/%s is an ensemble", async (name) => {
    expect((await readEnsembleFile(path.join(root, "examples", name))).members.length).toBeGreaterThan(1);
  });
});
