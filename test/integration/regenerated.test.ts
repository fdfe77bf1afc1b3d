/** Regenerations over the native models: every method makes an answer, whole, streamed and cancelled. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RegenerationOptions, regenerationInfos } from "../../src/after/regenerate/registry.js";
import { createEnsemble, loadMembers, type Members, nativeModel } from "../../src/index.js";
import { unevenTable } from "../support/selections.js";

const NAMES = ["robin", "wren"] as const;
const QUESTION = [{ role: "user" as const, content: "Where does the owner of the hamster live?" }];

let members: Members;
beforeAll(async () => {
  const files = NAMES.map((name) => ({ name, model: nativeModel(name).path, threads: 1, contextSize: 512 }));
  members = await loadMembers({ members: files, gpu: false });
});
afterAll(() => members.dispose());

describe.each(regenerationInfos.map(({ name }) => name))("%s", (name) => {
  const method = { name, ...(name === "llm-topla" && { table: unevenTable(NAMES), combine: "summary" }) };
  const open = () => createEnsemble({ members, method: method as RegenerationOptions });

  it("makes an answer, which it streams", async () => {
    await using ensemble = await open();
    const options = { maxTokens: 12, seed: 1 };
    const result = await ensemble.generate(QUESTION, options);
    expect(result.text.trim()).not.toBe("");
    expect(result.regeneration.candidates.length).toBeGreaterThan(1);
    expect(result.cost.tokens).toBeGreaterThan(result.usage.steps);
    let text = "";
    for await (const chunk of ensemble.stream(QUESTION, options)) text += chunk.text;
    expect(text).toBe(result.text);
  });

  it("ends at once where it is cancelled", async () => {
    await using ensemble = await open();
    const { finishReason, text } = await ensemble.generate(QUESTION, { maxTokens: 12, signal: AbortSignal.abort() });
    expect({ finishReason, text }).toEqual({ finishReason: "aborted", text: "" });
  });
});
