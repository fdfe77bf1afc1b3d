/** What holds for every regeneration of the registry, under the options that its definition names. */
import { describe, expect, it } from "vitest";
import type { RegenerationRule } from "../../src/after/regenerate/define-regeneration.js";
import type { RegeneratedChunk, RegeneratedEnsemble } from "../../src/after/regenerate/regenerated-ensemble.js";
import { type RegenerationOptions, regenerations } from "../../src/after/regenerate/registry.js";
import type { SelectionLaws, SelectionMethod } from "../../src/after/select/define-selection.js";
import type { Members } from "../../src/ensemble/members.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../src/laws/scripted-members.js";
import type { Member } from "../../src/member/member.js";
import { createEnsemble } from "../../src/systems.js";
import { loadFailing } from "../support/failing.js";
import { refusal } from "../support/refusal.js";
import { unevenTable } from "../support/selections.js";
import { saying } from "../support/speaker.js";

const NAMES = ["m1", "m2", "m3"];
const QUESTION = [{ role: "user" as const, content: "What is it?" }];

const CASES = (regenerations as readonly SelectionMethod<string, unknown, RegenerationRule>[]).flatMap((method) =>
  method.laws.map((laws) => {
    const options = Object.entries(laws.options ?? {}).map(([option, value]) => `${option}=${JSON.stringify(value)}`);
    return [[method.info.name, ...options].join(" "), method.info.name, laws] as const;
  }),
);

describe.each(CASES)("%s", (_, name, laws: SelectionLaws<unknown>) => {
  const method = (names: readonly string[], more = {}) =>
    ({
      name,
      ...(laws.options as object),
      ...(laws.learns && { table: unevenTable(names) }),
      ...more,
    }) as RegenerationOptions;

  const over = (members: Member[] | Members, more = {}, onMemberFailure: "fail" | "continue" = "fail") => {
    const names = Array.isArray(members) ? members.map((member) => member.name) : members.names;
    const options = { method: method(names, more), onMemberFailure };
    return Array.isArray(members)
      ? createEnsemble({ members, schedule: "in-turn", ...options })
      : createEnsemble({ members, ...options });
  };

  const sayingAll = (...texts: string[]) => texts.map((text, index) => saying(NAMES[index], text));

  const talkers = (contextSize = 3000) =>
    [bytePairVocabulary(), sentencePieceVocabulary()].map((vocabulary, index) =>
      randomMember(index + 1, vocabulary, { name: NAMES[index], contextSize }),
    );

  it("leaves one member as it is", async () => {
    const member = () => randomMember(1, bytePairVocabulary(), { name: "m1", contextSize: 600 });
    await using alone = await createEnsemble({ members: [member()], method: "single" });
    await using regenerated = await over([member()], { samples: 1 });
    const request = { maxTokens: 12, seed: 5, temperature: 0.8 };
    const { text, finishReason, seed } = await alone.generate("the cat", request);
    const result = await regenerated.generate("the cat", request);
    expect(result).toMatchObject({ text, finishReason, seed });
    expect(result.regeneration).toMatchObject({ chosen: 0, read: [], reason: "There is one answer." });
  });

  it("gives equal answers as they are, and asks nobody further", async () => {
    await using ensemble = await over(sayingAll("cat", "cat", "cat"), { samples: 1 });
    const { text, regeneration, usage } = await ensemble.generate(QUESTION);
    expect({ text, chosen: regeneration.chosen }).toEqual({ text: "cat", chosen: 0 });
    expect(regeneration).not.toHaveProperty("writer");
    expect(usage.steps).toBe(2 * regeneration.candidates.length);
  });

  it("gives the first of all empty answers, and the only one that says something", async () => {
    await using silent = await over(sayingAll("", "", ""), { samples: 1 });
    const { text, finishReason } = await silent.generate(QUESTION);
    expect({ text, finishReason }).toEqual({ text: "", finishReason: "stop" });
    await using one = await over(sayingAll("", "", "cat"), {
      samples: 1,
      ...(name === "self-moa" && { writer: "m3" }),
    });
    expect((await one.generate(QUESTION)).text).toBe("cat");
  });

  it("streams each answer as it comes, then the text that it returns", async () => {
    await using ensemble = await over(talkers(), { samples: 2 });
    const chunks: RegeneratedChunk[] = [];
    const stream = ensemble.stream("the cat", { seed: 3, maxTokens: 6 });
    let next = await stream.next();
    for (; !next.done; next = await stream.next()) chunks.push(next.value);
    const { text, regeneration } = next.value;
    expect(chunks.map((chunk) => chunk.text).join("")).toBe(text);
    const told = chunks.flatMap(({ candidate }) => (candidate === undefined ? [] : [candidate]));
    expect(told.map(({ count }) => count)).toEqual(regeneration.candidates.map((_each, index) => index + 1));
    expect(told.every(({ planned }) => planned === regeneration.planned && planned >= told.length)).toBe(true);
    const { candidates, chosen, read } = regeneration;
    if (chosen >= 0) expect(text).toBe(candidates[chosen].text);
    else for (const place of read) expect(candidates[place].text.trim()).not.toBe("");
    expect(regeneration.reason).toMatch(/^[A-Z\d].*\.$/);
  });

  it("repeats with a seed, side by side as in turn, and counts everybody's tokens", async () => {
    const answer = async (schedule: "parallel" | "in-turn") => {
      await using ensemble = await createEnsemble({
        members: talkers(),
        schedule,
        method: method(NAMES.slice(0, 2), { samples: 2 }),
      });
      const { text, usage, cost, regeneration } = await ensemble.generate("the cat", { maxTokens: 6, seed: 9 });
      const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, each) => total + each, 0);
      expect(cost.tokens).toBe(sum(usage.memberPromptTokens) + sum(usage.memberTokens));
      return { text, usage, chosen: regeneration.chosen, candidates: regeneration.candidates };
    };
    expect(await answer("parallel")).toEqual(await answer("in-turn"));
  });

  it("ends at a cancel, after however many pieces", async () => {
    await using ensemble = await over(talkers(), { samples: 2 });
    const whole = await piecesOf(ensemble, Number.POSITIVE_INFINITY);
    for (let pieces = 1; pieces < whole.pieces; pieces += 3) {
      const { result } = await piecesOf(ensemble, pieces);
      if (result.finishReason !== "aborted") continue;
      expect(whole.result.text.startsWith(result.text)).toBe(true);
    }
    const again = await piecesOf(ensemble, Number.POSITIVE_INFINITY);
    expect(again.result.text).toBe(whole.result.text);
  });

  describe("where a member fails", () => {
    const failingAt = (at: number) =>
      loadFailing(sayingAll("cat", "dog", "cow"), [{ call: "begin", at }, undefined, undefined]);

    it.each([0, 1, 2])("after %i prompts, ends with its error, or goes on with the rest", async (at) => {
      const writer = name === "self-moa" ? { samples: 1 } : {};
      const strict = await over(await failingAt(at), writer);
      const lenient = await over(await failingAt(at), writer, "continue");
      let failed = false;
      try {
        await strict.generate(QUESTION);
      } catch (error) {
        failed = true;
        expect(error).toMatchObject({ code: "member-failed", details: { member: "m1" } });
      }
      if (!failed || name === "self-moa") return;
      const { text, dropped } = await lenient.generate(QUESTION);
      expect(text.trim()).not.toBe("");
      expect(dropped).toMatchObject([{ name: "m1", code: "member-failed" }]);
    });

    it("and is the last, ends", async () => {
      const members = await loadFailing(sayingAll("cat"), [{ call: "begin", at: 0 }]);
      const ensemble = await over(members, {}, "continue");
      expect((await refusal(() => ensemble.generate(QUESTION))).code).toBe("member-failed");
    });
  });

  it("gives a candidate where no context holds the answers beside the question", async () => {
    // Answers fit, but nothing longer does.
    const members = NAMES.map((each, index) => saying(each, `${index}`, { contextSize: 130 }));
    await using ensemble = await over(members, { samples: 1 });
    const question = [{ role: "user" as const, content: `What is ${"a".repeat(40)}?` }];
    if (name === "llm-blender") {
      // Judges have to read two answers; what does not fit is an error, as under pair-ranker.
      expect(await refusal(() => ensemble.generate(question))).toMatchObject({ code: "context-overflow" });
      return;
    }
    const { text, regeneration } = await ensemble.generate(question);
    expect(regeneration.candidates.map((each) => each.text)).toContain(text);
  });

  it("refuses what is wrong before anything is loaded", async () => {
    const error = await refusal(() =>
      createEnsemble({ members: ["none.gguf"], method: method(NAMES, { samples: 0 }) }),
    );
    expect(error.code).toBe("invalid-option");
    expect(error.message).toMatch(/samples.*at least 1; found 0/);
  });
});

async function piecesOf(ensemble: RegeneratedEnsemble, most: number) {
  const stop = new AbortController();
  const stream = ensemble.stream("the cat", { seed: 3, maxTokens: 3, signal: stop.signal });
  let pieces = 0;
  for (let next = await stream.next(); ; next = await stream.next()) {
    if (next.done) return { pieces, result: next.value };
    if (++pieces === most) stop.abort();
  }
}
