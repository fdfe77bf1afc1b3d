import { expect, it } from "vitest";
import { requireFitted } from "../../../src/before/live/routed-method.js";
import { messageOf } from "../../../src/cli/report-error.js";
import { checkStopStrings } from "../../../src/decoding/stop-rules.js";
import { methodNamed } from "../../../src/during/methods.js";
import { LlamafuseError } from "../../../src/errors.js";

async function messageFrom(work: () => unknown): Promise<string> {
  try {
    await work();
    return "";
  } catch (error) {
    return messageOf(error);
  }
}

it("calls options what they are at a shell", async () => {
  expect(await messageFrom(() => checkStopStrings([""]))).toMatch(/^--stop must be/);
  const gap = { option: "maxGap", found: 3 };
  expect(messageOf(new LlamafuseError("invalid-option", "maxGap is 3; allowed is a number from 0 to 1.", gap))).toBe(
    "--max-gap is 3; allowed is a number from 0 to 1.",
  );
  const most = { option: "most", found: 0 };
  expect(messageOf(new LlamafuseError("invalid-option", "most is 0; allowed is 1 at most.", most))).toBe(
    "--most is 0; allowed is 1 at most.",
  );
});

it("translates options wherever the library names them, and nothing that a file or an object says", () => {
  const said = (message: string, details = {}) => messageOf(new LlamafuseError("invalid-option", message, details));
  expect(said('Raise contextSize, or use cacheType "q8_0" or fit: true.')).toBe(
    'Raise --context-size, or use --cache-type "q8_0" or --fit.',
  );
  expect(said('Say onMemberFailure: "continue", or leave xtcProbability and tensorSplit out.')).toBe(
    "Say --on-member-failure continue, or leave --xtc-probability and --tensor-split out.",
  );
  expect(said("flashAttention is 3; allowed is on.", { option: "flashAttention" })).toMatch(/^--flash-attention is 3/);
  const file = "my.json: maxTokens is -1; allowed is more.";
  expect(said(file, { option: "maxTokens", ensembleFile: "my.json" })).toBe(file);
  expect(said("my.json: request.maxTokens must be a whole number.")).toContain("request.maxTokens must");
  expect(said("Write { maxTokens: 3 }.")).toBe("Write { maxTokens: 3 }.");
});

it("leaves the options of a method as -o takes them", async () => {
  expect(await messageFrom(() => methodNamed({ name: "purify", temperature: 0 }))).toBe(
    'The option "temperature" of purify must be above 0; found 0.',
  );
});

it("gives examples that a shell takes", async () => {
  expect(await messageFrom(() => requireFitted({ name: "knn" }))).toMatch(
    /needs a fitted router file: -o router=router.json, as/,
  );
  const missing = 'Add it, as members: [{ name: "wren", model: "….gguf" }].';
  expect(messageOf(new LlamafuseError("incompatible-members", missing))).toBe("Add it, as -m wren.gguf.");
});
