/** What regenerations make of answers, on members whose replies depend on what they are asked. */
import { describe, expect, it } from "vitest";
import type { RegenerationOptions } from "../../../../src/after/regenerate/registry.js";
import { asked, behind } from "../../../../src/after/regenerate/writing.js";
import type { GenerateOptions } from "../../../../src/decoding/request.js";
import type { Member } from "../../../../src/member/member.js";
import { createEnsemble } from "../../../../src/systems.js";
import { loadFailing } from "../../../support/failing.js";
import { unevenTable } from "../../../support/selections.js";
import { replying } from "../../../support/speaker.js";

const QUESTION = [{ role: "user" as const, content: "What is it?" }];
const WRITES = /^.*Answers of several assistants/s;

interface Behaviour {
  /** To the question alone. */
  says: string;
  /** Of two answers, by what the prompt shows. */
  prefers?(prompt: string): string;
  /** Of several answers. */
  writes?(prompt: string): string;
}

/** All prompts that members were asked, in order, once each. */
function cast(behaviours: readonly Behaviour[], contextSize = 4096) {
  const prompts: string[] = [];
  const members: Member[] = behaviours.map(({ says, prefers, writes }, index) =>
    replying(
      `m${index + 1}`,
      (prompt) => {
        if (prompts.at(-1) !== prompt) prompts.push(prompt);
        if (prompt.includes("Reply A or B")) return prefers?.(prompt) ?? "A";
        if (prompt.includes("First name the letters")) return prefers?.(prompt) ?? "";
        if (WRITES.test(prompt) || prompt.includes("Other assistants answered")) return writes?.(prompt) ?? says;
        return says;
      },
      { contextSize },
    ),
  );
  return { members, prompts };
}

async function regenerate(
  behaviours: readonly Behaviour[],
  method: RegenerationOptions,
  options: GenerateOptions = {},
  contextSize?: number,
) {
  const { members, prompts } = cast(behaviours, contextSize);
  await using ensemble = await createEnsemble({ members, method, schedule: "in-turn" });
  return { ...(await ensemble.generate(QUESTION, options)), prompts };
}

/** The answers that a writer read, in order. */
function listed(prompt: string): string[] {
  return Array.from(prompt.matchAll(/^\d+\. (.*)$/gm), ([, text]) => text);
}

describe("llm-blender", () => {
  /** Likes what is longer, in either place. */
  const prefers = (prompt: string) => {
    const [a, b] = Array.from(prompt.matchAll(/Answer [AB]:\n(.*)/g), ([, text]) => text.length);
    return a > b ? "A" : "B";
  };
  const members = ["cat", "a cat", "a black cat", "it is a grey cat"].map((says) => ({
    says,
    prefers,
    writes: (prompt: string) => listed(prompt).join(" + "),
  }));

  it("has one member write from the best, the best first", async () => {
    const { text, regeneration } = await regenerate(members, { name: "llm-blender", top: 2 });
    expect(text).toBe("it is a grey cat + a black cat");
    expect(regeneration).toMatchObject({ chosen: -1, writer: "m1", read: [3, 2] });
    const scores = regeneration.candidates.map(({ score }) => score!);
    expect(scores.toSorted((a, b) => a - b)).toEqual([scores[0], scores[1], scores[2], scores[3]]);
  });

  it("reads the top 3, by the writer and the words that are named", async () => {
    const prompt = "Answers of several assistants to {question}\n{answers}";
    const { prompts, regeneration } = await regenerate(members, { name: "llm-blender", writer: "m2", prompt });
    expect(regeneration.writer).toBe("m2");
    expect(prompts.at(-1)).toContain(
      "assistants to What is it?\n1. it is a grey cat\n\n2. a black cat\n\n3. a cat\n<|im_start|>",
    );
  });

  it("takes the answers as they came where the judges refuse", async () => {
    const refusing = members.map((each) => ({ ...each, prefers: () => "I cannot say." }));
    const { text } = await regenerate(refusing, { name: "llm-blender", top: 2 });
    expect(text).toBe("cat + a cat");
  });

  it("gives the best answer where the writer says nothing", async () => {
    const silent = members.map((each) => ({ ...each, writes: () => " " }));
    const { text, regeneration } = await regenerate(silent, { name: "llm-blender" });
    expect(text).toBe("it is a grey cat");
    expect(regeneration).toMatchObject({ chosen: 3, reason: "m1 wrote nothing, so the best answer is given." });
  });

  it("leaves out the lowest answers where the writer's context does not hold all", async () => {
    const long = [200, 201, 202].map((length) => "x".repeat(length));
    const wide = long.map((says) => ({ says, prefers, writes: (prompt: string) => String(listed(prompt).length) }));
    const { text, regeneration } = await regenerate(wide, { name: "llm-blender" }, {}, 780);
    expect(text).toBe("2");
    expect(regeneration.read).toEqual([2, 1]);
  });
});

describe("urg", () => {
  const members = ["cat", "dog", "cow"].map((says) => ({
    says,
    prefers: () => "Best answers: B\n\nFinal answer: a dog of sorts",
  }));

  it("ranks by the letters' probabilities and writes on behind the ranking", async () => {
    const { text, regeneration } = await regenerate(members, { name: "urg", keep: 1 });
    expect(regeneration).toMatchObject({ chosen: -1, writer: "m1", read: [1] });
    expect(regeneration.candidates[1].score).toBeGreaterThan(0.9);
    expect(regeneration.reason).toMatch(/^Written from the best 1 of 3; the writer gives the first 100 %\.$/);
    expect(text).toBe("a dog of sorts");
  });

  it("reads the answers once: writing takes the ranking besides", async () => {
    const { usage } = await regenerate(members, { name: "urg", keep: 1 });
    const { usage: others } = await regenerate(members, { name: "urg", keep: 1, writer: "m2" });
    const { m1, m2 } = usage.memberPromptTokens;
    // The question, the prompt with the answers, and one line.
    expect(m1 - m2).toBeLessThan(500);
    expect(others.memberPromptTokens).toMatchObject({ m1: m2, m2: m1 });
  });

  it("keeps all where the writer gives no letter", async () => {
    const refusing = members.map((each) => ({ ...each, prefers: () => "Best answers: none" }));
    const { regeneration } = await regenerate(refusing, { name: "urg" });
    expect(regeneration.read.length === 0 || regeneration.read.length === 3).toBe(true);
  });
});

describe("moa", () => {
  const members = ["one", "two"].map((says, index) => ({
    says,
    writes: (prompt: string) => `${index + 1}(${listed(prompt).join(" ")})`,
  }));

  it("has all members answer in layers, and one write from the last", async () => {
    const { text, regeneration } = await regenerate(members, { name: "moa" });
    expect(text).toBe("1(1(one two) 2(one two))");
    expect(regeneration.candidates.map(({ round }) => round)).toEqual([undefined, undefined, 1, 1]);
    expect(regeneration).toMatchObject({ planned: 4, read: [2, 3], writer: "m1" });
    const two = await regenerate(members, { name: "moa", layers: 2, writer: "m2" });
    expect(two.text).toBe("2(one two)");
  });

  it("ends where a layer agrees", async () => {
    const agreeing = members.map((each) => ({ ...each, writes: () => "three" }));
    const { text, regeneration } = await regenerate(agreeing, { name: "moa", layers: 4 });
    expect({ text, chosen: regeneration.chosen }).toEqual({ text: "three", chosen: 2 });
  });

  it("with itself asks the writer alone", async () => {
    const { regeneration, usage } = await regenerate(members, { name: "self-moa", samples: 2, writer: "m2" });
    expect(new Set(regeneration.candidates.map(({ member }) => member))).toEqual(new Set(["m2"]));
    expect(usage.memberTokens.m1 ?? 0).toBe(0);
  });
});

describe("debate", () => {
  it("lets members change their minds, then votes", async () => {
    const giving = (says: string) => ({ says, writes: (prompt: string) => (prompt.includes("dog") ? "dog" : says) });
    const { text, regeneration, prompts } = await regenerate([giving("cat"), giving("dog"), giving("cow")], {
      name: "debate",
    });
    expect(text).toBe("dog");
    expect(regeneration).toMatchObject({ chosen: 3, reason: "3 of 3 give this answer after 2 rounds." });
    // Each reads its own answer as its own, and the others'.
    const [own] = prompts.filter((prompt) => prompt.includes("Other assistants"));
    expect(own).toMatch(/<\|im_start\|>assistant\ncat\n.*1\. dog\n\n2\. cow/s);
  });

  it("ends as soon as all agree", async () => {
    const members = ["18", "so 18", "18 dollars"].map((says) => ({ says }));
    const { regeneration } = await regenerate(members, { name: "debate", rounds: 5, answer: "number" });
    expect(regeneration.candidates).toHaveLength(3);
  });
});

describe("llm-topla", () => {
  const table = unevenTable(["m1", "m2", "m3"]);
  const members = ["yes", "no", "no"].map((says) => ({
    says,
    writes: (prompt: string) => listed(prompt).join(" and "),
  }));

  it("lets only the team vote", async () => {
    const { text, regeneration } = await regenerate(members, { name: "llm-topla", table, size: 1, diversityWeight: 0 });
    expect(text).toBe("yes");
    expect(regeneration).toMatchObject({ chosen: 0, reason: expect.stringContaining("m1") });
  });

  it("or has one answer written from the ends of the team's", async () => {
    const long = members.map((each, index) => ({ ...each, says: `${index}. B. C. D. E. F. G.` }));
    const { text } = await regenerate(long, {
      name: "llm-topla",
      table,
      size: 2,
      combine: "summary",
      diversityWeight: 0,
    });
    expect(text.split(" and ")).toHaveLength(2);
    expect(text).not.toContain("0.");
  });

  it("refuses a table of other members", async () => {
    const other = unevenTable(["x", "y", "z"]);
    await expect(regenerate(members, { name: "llm-topla", table: other })).rejects.toMatchObject({
      code: "incompatible-members",
    });
  });
});

describe("a writer that fails", () => {
  it("is followed by the next, behind its text", async () => {
    const writes = () => "a cat on a mat";
    const { members } = cast([
      { says: "cat", writes },
      { says: "dog", writes },
    ]);
    // Its own answer takes 3 advances at most, the written one breaks off.
    const loaded = await loadFailing(members, [{ call: "advance", at: 7 }, undefined]);
    const ensemble = await createEnsemble({
      members: loaded,
      method: { name: "moa", layers: 2 },
      onMemberFailure: "continue",
    });
    const { text, dropped, regeneration } = await ensemble.generate(QUESTION);
    expect(text).toBe("a cat on a mat");
    expect(dropped).toMatchObject([{ name: "m1" }]);
    expect(regeneration.writer).toBe("m2");
  });
});

describe("a conversation", () => {
  const conversation = [
    { role: "system" as const, content: "Be brief." },
    { role: "user" as const, content: "Hello" },
    { role: "assistant" as const, content: "Hi." },
    { role: "user" as const, content: "What is it?" },
  ];
  const context = { prompt: conversation, question: "What is it?" };

  it("keeps what was said before the question", () => {
    const messages = asked("{question} {answers}", context, "1. cat");
    expect(messages).toEqual([...conversation.slice(0, 3), { role: "user", content: "What is it? 1. cat" }]);
  });

  it("keeps an answer that has begun, behind what it is to begin with", () => {
    const prompt = [...conversation, { role: "assistant" as const, content: "It" }];
    const messages = asked("{question}", { ...context, prompt }, "", "Best:");
    expect(messages.at(-1)).toEqual({ role: "assistant", content: "Best: It" });
    expect(behind(messages, " is").at(-1)).toEqual({ role: "assistant", content: "Best: It is" });
  });
});
