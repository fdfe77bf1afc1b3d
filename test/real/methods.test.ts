/** Every registered method answers with real models: of other vocabularies where it takes them, else of one. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Method } from "../../src/during/define-method.js";
import { methods } from "../../src/during/methods.js";
import { loadMembers, type Members } from "../../src/ensemble/members.js";
import { LlamafuseError } from "../../src/errors.js";
import { createEnsemble, type FusionChoice } from "../../src/systems.js";
import { memberOptions } from "./models.js";

const QUESTION = [{ role: "user" as const, content: 'Say "naïve café, 日本語, 🙂" and then count to five.' }];
const TOKENS = 24;
/** Methods that compare all tokens of two members, which takes many minutes on 262,144 of them: lighter than by default. */
const LIGHTER: Readonly<Record<string, { options: object; sets: readonly number[] }>> = {
  deepen: { options: { anchors: 1000 }, sets: [0] },
  eva: { options: {}, sets: [1] },
  packllm: { options: { reference: "smollm2" }, sets: [0] },
};

let members: Members;
/** In the order in which a method is offered them. */
let sets: Members[];
beforeAll(async () => {
  members = await loadMembers({
    members: [
      memberOptions("smollm2"),
      memberOptions("gemma3"),
      memberOptions("smollm2", "second smollm2"),
      memberOptions("smollm2", "third smollm2"),
    ],
    schedule: "in-turn",
  });
  sets = [
    members.only("smollm2", "gemma3"),
    members.only("smollm2", "second smollm2"),
    members.only("smollm2", "second smollm2", "third smollm2"),
    members.only("smollm2"),
  ];
});
afterAll(() => members.dispose());

describe.each((methods as unknown as Method[]).map((method) => ({ name: method.info.name, method })))(
  "$name",
  ({ method }) => {
    const { options, sets: chosen = [0, 1, 2, 3] } = LIGHTER[method.info.name] ?? method.laws[0];
    const choice = method(options) as unknown as FusionChoice;

    it("answers in clean UTF-8, in one piece as in a stream", async () => {
      const ensemble = await fitting(choice, chosen);
      const options = { maxTokens: TOKENS, temperature: 0.8, seed: 3 };
      const whole = await ensemble.generate(QUESTION, options).catch(unlessGreedy);
      const asked = whole === undefined ? { ...options, temperature: 0 } : options;
      const { text, usage } = whole ?? (await ensemble.generate(QUESTION, asked));
      expect(text.trim()).not.toBe("");
      expect(usage.steps).toBeGreaterThan(0);
      expect(text.isWellFormed()).toBe(true);
      expect(text).not.toContain("<|im_end|>");
      const pieces: string[] = [];
      for await (const chunk of ensemble.stream(QUESTION, asked)) pieces.push(chunk.text);
      for (const piece of pieces) expect(piece.isWellFormed()).toBe(true);
      expect(pieces.join("")).toBe(text);
    });
  },
);

/** The method over the first members that it takes. */
async function fitting(method: FusionChoice, places: readonly number[]) {
  let refused: unknown;
  for (const place of places) {
    try {
      return await createEnsemble({ members: sets[place], method });
    } catch (error) {
      if (!(error instanceof LlamafuseError) || error.code !== "incompatible-members") throw error;
      refused = error;
    }
  }
  throw refused;
}

/** A method that only searches for the likeliest text refuses a temperature. */
function unlessGreedy(error: unknown): undefined {
  if (error instanceof LlamafuseError && error.code === "invalid-option") return undefined;
  throw error;
}
