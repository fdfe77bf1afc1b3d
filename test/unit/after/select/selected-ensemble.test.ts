/** Selections at work, on members that say fixed things. */
import { describe, expect, it } from "vitest";
import type { SelectionOptions } from "../../../../src/after/select/registry.js";
import type {
  SelectedChunk,
  SelectedEnsemble,
  SelectedResult,
} from "../../../../src/after/select/selected-ensemble.js";
import { shareCandidates } from "../../../../src/after/select/shared-candidates.js";
import { loadMembers } from "../../../../src/ensemble/members.js";
import { createEnsemble } from "../../../../src/systems.js";
import { loadFailing } from "../../../support/failing.js";
import { refusal } from "../../../support/refusal.js";
import { saying } from "../../../support/speaker.js";

const QUESTION = [{ role: "user" as const, content: "What is it?" }];

function over(texts: readonly string[], method: SelectionOptions): Promise<SelectedEnsemble> {
  const members = texts.map((text, index) => saying(`m${index + 1}`, text));
  return createEnsemble({ members, method, schedule: "in-turn" });
}

async function chunksOf(ensemble: SelectedEnsemble): Promise<{ chunks: SelectedChunk[]; result: SelectedResult }> {
  const chunks: SelectedChunk[] = [];
  const stream = ensemble.stream(QUESTION, { seed: 1 });
  for (let next = await stream.next(); ; next = await stream.next()) {
    if (next.done) return { chunks, result: next.value };
    chunks.push(next.value);
  }
}

describe("a selection", () => {
  it("gives what most members say, and lists all with scores and a reason", async () => {
    await using ensemble = await over(["dog", "cat", "cat"], { name: "self-consistency", samples: 1 });
    const { text, method, selection, usage, cost } = await ensemble.generate(QUESTION);
    expect({ text, method }).toEqual({ text: "cat", method: "self-consistency" });
    expect(selection).toMatchObject({ chosen: 1, planned: 3, reason: "2 of 3 give this answer." });
    expect(selection.candidates.map(({ member, score }) => [member, score])).toEqual([
      ["m1", 1],
      ["m2", 2],
      ["m3", 2],
    ]);
    // What every member read and said counts.
    expect(Object.keys(usage.memberTokens)).toEqual(["m1", "m2", "m3"]);
    const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, each) => total + each, 0);
    expect(cost.tokens).toBe(sum(usage.memberPromptTokens) + sum(usage.memberTokens));
    expect(usage.steps).toBeGreaterThanOrEqual(3);
  });

  it("tells of each answer as it comes, and then the chosen one", async () => {
    await using ensemble = await over(["dog", "cat", "cat"], { name: "mbr" });
    const { chunks, result } = await chunksOf(ensemble);
    expect(chunks.map(({ text, candidate }) => candidate?.text ?? text)).toEqual(["dog", "cat", "cat", "cat"]);
    expect(chunks.map(({ candidate }) => candidate?.count)).toEqual([1, 2, 3, undefined]);
    expect(chunks.map(({ text }) => text).join("")).toBe(result.text);
  });

  it("stops asking as soon as the choice cannot change", async () => {
    await using ensemble = await over(["cat"], { name: "self-consistency", samples: 9 });
    const { selection, text } = await ensemble.generate(QUESTION, { seed: 1 });
    expect(text).toBe("cat");
    expect(selection.planned).toBe(9);
    expect(selection.candidates).toHaveLength(5);
  });

  it("asks once where samples would be equal, and only the first reads the prompt", async () => {
    await using ensemble = await over(["cat", "dog"], { name: "mbr", samples: 4 });
    const greedy = await ensemble.generate(QUESTION, { temperature: 0 });
    expect(greedy.selection).toMatchObject({ planned: 2 });
    const drawn = await ensemble.generate(QUESTION, { seed: 1 });
    expect(drawn.selection.candidates).toHaveLength(8);
    expect(drawn.usage.memberPromptTokens).toEqual(greedy.usage.memberPromptTokens);
  });

  it("never chooses a blank answer while another says something", async () => {
    await using ensemble = await over(["", "", "cat"], { name: "self-consistency", samples: 1 });
    const { text, selection } = await ensemble.generate(QUESTION);
    expect(text).toBe("cat");
    expect(selection.reason).toBe("The other answers are empty.");
  });

  it("gives the first of all blank answers", async () => {
    await using ensemble = await over(["", ""], { name: "peer-review" });
    const { text, finishReason, selection } = await ensemble.generate(QUESTION);
    expect({ text, finishReason }).toEqual({ text: "", finishReason: "stop" });
    expect(selection).toMatchObject({ chosen: 0, reason: "No answer says anything." });
  });

  it("asks no judge where all say the same", async () => {
    await using ensemble = await over(["cat", "cat"], { name: "peer-review" });
    const { selection, usage } = await ensemble.generate(QUESTION);
    expect(selection.reason).toBe("All 2 answers are the same.");
    await using alone = await over(["cat", "cat"], { name: "self-consistency", samples: 1 });
    expect(usage).toEqual((await alone.generate(QUESTION)).usage);
  });

  it("counts what judging takes", async () => {
    await using ensemble = await over(["cat", "dog"], { name: "pair-ranker" });
    await using vote = await over(["cat", "dog"], { name: "self-consistency", samples: 1 });
    const [judged, voted] = [await ensemble.generate(QUESTION), await vote.generate(QUESTION)];
    expect(judged.cost.tokens).toBeGreaterThan(voted.cost.tokens + 100);
    expect(judged.usage.steps).toBe(voted.usage.steps);
  });

  it("holds its members for the whole of a request", async () => {
    await using members = await loadMembers({
      members: [saying("m1", "cat"), saying("m2", "cat")],
      schedule: "parallel",
    });
    const selected = await createEnsemble({ members, method: { name: "agent-forest", samples: 3 } });
    const alone = await createEnsemble({ members: members.only("m2"), method: "single" });
    const order: string[] = [];
    await Promise.all([
      selected.generate(QUESTION, { seed: 1 }).then(() => order.push("selected")),
      alone.generate(QUESTION).then(() => order.push("alone")),
    ]);
    expect(order).toEqual(["selected", "alone"]);
  });

  it("leaves loaded members to their owner", async () => {
    await using members = await loadMembers({ members: [saying("m1", "cat")], schedule: "in-turn" });
    await (await createEnsemble({ members, method: { name: "mbr" } })).dispose();
    const again = await createEnsemble({ members, method: { name: "mbr" } });
    expect((await again.generate(QUESTION)).text).toBe("cat");
  });
});

it("shares answers with other selections where it is told to", async () => {
  // From the fourth prompt on the member fails.
  const members = await loadFailing([saying("m1", "cat")], [{ call: "begin", at: 3 }]);
  shareCandidates(members);
  const first = await createEnsemble({ members, method: { name: "mbr", samples: 3 } });
  const answer = await first.generate(QUESTION, { seed: 4 });
  for (const name of ["agent-forest", "smoothie", "best-of-n"] as const) {
    const other = await createEnsemble({ members, method: { name, samples: 3, temperature: 0.7 } });
    const { text, usage } = await other.generate(QUESTION, { seed: 4 });
    expect({ text, usage }).toEqual({ text: answer.text, usage: answer.usage });
    expect((await refusal(() => other.generate(QUESTION, { seed: 5 }))).code).toBe("member-failed");
  }
});

describe("a member that fails", () => {
  const make = (onMemberFailure: "fail" | "continue", method: SelectionOptions) =>
    loadFailing(
      [saying("m1", "cat"), saying("m2", "cat"), saying("m3", "dog")],
      [{ call: "begin", at: 0 }, undefined, undefined],
    ).then((members) => createEnsemble({ members, method, onMemberFailure }));

  it("ends the request, named", async () => {
    const ensemble = await make("fail", { name: "self-consistency", samples: 1 });
    const error = await refusal(() => ensemble.generate(QUESTION));
    expect(error).toMatchObject({ code: "member-failed", details: { member: "m1" } });
  });

  it("or leaves the answers of the others, and is named in the result", async () => {
    const ensemble = await make("continue", { name: "self-consistency", samples: 1 });
    const { text, dropped, selection } = await ensemble.generate(QUESTION);
    expect(text).toBe("cat");
    expect(dropped).toMatchObject([{ name: "m1", code: "member-failed" }]);
    expect(selection.candidates.map(({ member }) => member)).toEqual(["m2", "m3"]);
  });

  it("is no judge any more", async () => {
    const members = await loadFailing(
      [saying("m1", "cat"), saying("m2", "dog")],
      [{ call: "begin", at: 1 }, undefined],
    );
    const ensemble = await createEnsemble({ members, method: { name: "peer-review" }, onMemberFailure: "continue" });
    const { text, dropped, selection } = await ensemble.generate(QUESTION);
    expect(["cat", "dog"]).toContain(text);
    expect(dropped).toMatchObject([{ name: "m1" }]);
    expect(selection.candidates.every(({ score }) => score !== undefined)).toBe(true);
  });

  it("ends the request where it is the last", async () => {
    const members = await loadFailing([saying("m1", "cat")], [{ call: "begin", at: 0 }]);
    const ensemble = await createEnsemble({ members, method: { name: "mbr" }, onMemberFailure: "continue" });
    expect((await refusal(() => ensemble.generate(QUESTION))).code).toBe("member-failed");
  });
});

describe("what is wrong is said before anything is loaded", () => {
  it.each([
    [{ name: "agent-forest", samples: 0 }, /samples.*at least 1; found 0/],
    [{ name: "agent-forest", smaples: 5 }, /Unknown option of agent-forest "smaples"/],
    [{ name: "mbr", utility: "meteor" }, /utility.*one of chrf, bleu/],
    [{ name: "weighted-vote", weights: "optimal" }, /needs a table/],
    [{ name: "more" }, /"table" of more must be a table/],
    [{ name: "best-of-n", reward: 3 }, /reward/],
    [{ name: "agentforest" }, /Did you mean "agent-forest"/],
  ])("%o", async (method, message) => {
    const error = await refusal(() => createEnsemble({ members: ["none.gguf"], method: method as never }));
    expect(error.code).toBe("invalid-option");
    expect(error.message).toMatch(message);
  });

  it("and a judge that is no member when it is asked", async () => {
    await using ensemble = await over(["cat", "dog"], { name: "peer-review", judge: "m9" });
    expect((await refusal(() => ensemble.generate(QUESTION))).message).toMatch(/Unknown member "m9".*m1/);
  });

  it("and a reward that is no number", async () => {
    await using ensemble = await over(["cat", "dog"], { name: "best-of-n", samples: 1, reward: () => Number.NaN });
    expect((await refusal(() => ensemble.generate(QUESTION))).message).toMatch(/reward is NaN/);
  });
});
