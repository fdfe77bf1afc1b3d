/** One member's thought by itself: the tokens that its answer begins behind, and how many are the thought's. */
import { describe, expect, it } from "vitest";
import { Sampler } from "../../../src/decoding/sampler.js";
import { marksOf } from "../../../src/decoding/thinking/marks.js";
import { mayThink, type ThinkingPlan } from "../../../src/decoding/thinking/plan.js";
import { Soliloquy } from "../../../src/decoding/thinking/soliloquy.js";
import type { BeginResult } from "../../../src/member/member.js";
import { type Speech, scriptedSpeaker } from "../../support/speaker.js";

const PROMPT = "?\n";
const ENDLESS: Speech = {
  name: "endless",
  pieces: ["<think>", "plan ", "more ", "</think>", "\n\n"],
  next: { "\n": "<think>", "<think>": "plan ", "plan ": "more ", "more ": "plan ", "\n\n": "plan " },
};
const CHANNELS: Speech = {
  name: "channels",
  pieces: ["analysis", "final", "Hm.", "7", "\n\n"],
  controls: ["<|start|>", "<|message|>", "<|channel|>", "<|end|>"],
  end: "<|return|>",
  next: {
    "\n": "<|channel|>",
    "\n\n": "<|channel|>",
    "<|channel|>": "analysis",
    analysis: "<|message|>",
    "<|message|>": "Hm.",
    "Hm.": "<|end|>",
    "<|end|>": "7",
  },
};

interface Asked {
  contextSize?: number;
  maxTokens?: number;
  budget?: number;
  opened?: boolean;
}

async function think(speech: Speech, { contextSize, maxTokens = 10, budget = Infinity, opened = false }: Asked = {}) {
  const member = scriptedSpeaker(speech, contextSize === undefined ? {} : { contextSize });
  const begun: BeginResult[] = [];
  const begin = member.begin.bind(member);
  member.begin = async (...given) => {
    const result = await begin(...given);
    begun.push(result);
    return result;
  };
  const marks = marksOf(member);
  const plan: ThinkingPlan = { budget, marks, ...(opened ? { opened: marks[0] } : {}) };
  const prompt = { text: Buffer.from(PROMPT), parseSpecial: true, addBos: false };
  await member.prepare({ top: 1 });
  await member.begin(prompt);
  const { signal } = new AbortController();
  const soliloquy = new Soliloquy({
    ...{ member, prompt, plan, maxTokens, signal },
    sampler: new Sampler({ temperature: 0 }),
    advance: () => member.advance(),
  });
  let said = "";
  const pieces = soliloquy.pieces();
  let next = await pieces.next();
  for (; !next.done; next = await pieces.next()) said += next.value;
  const written = (next.value?.prompt.tokens ?? []).slice(PROMPT.length).map((id) => member.vocabulary.textOf(id));
  return { thought: next.value, said, written, begun };
}

describe("a thought", () => {
  it("is what its tokens say behind the prompt, which is not read again", async () => {
    const brief = { ...ENDLESS, next: { ...ENDLESS.next, "more ": "</think>", "</think>": "\n\n", "\n\n": "7" } };
    const { thought, said, written, begun } = await think(brief);
    expect(said).toBe("plan more");
    expect(written).toEqual(["<think>", "plan ", "more ", "</think>", "\n\n"]);
    expect(thought!.tokens).toBe(written.length);
    expect(begun.map(({ reusedTokens }) => reusedTokens)).toEqual([0, PROMPT.length - 1]);
  });

  it.each([
    // What the prompt leaves of 100, less 16 for the marks, and the answer's steps or half of it.
    [10, 100 - 2 - 16 - 10],
    [1000, 100 - 2 - 16 - 49],
  ])("leaves the answer %d steps, or half of what there is", async (maxTokens, tokens) => {
    const { written } = await think(ENDLESS, { contextSize: 100, maxTokens });
    expect(written.filter((text) => text === "plan " || text === "more ")).toHaveLength(tokens);
  });

  it("is closed at once where there is no room at all", async () => {
    const { written, said } = await think(ENDLESS, { contextSize: 20, maxTokens: 9 });
    expect(written.join("")).toBe("<think>\n</think>\n\n");
    expect(said).toBe("");
  });

  it("that the template has begun is not begun again", async () => {
    const { written } = await think({ ...ENDLESS, next: { "\n": "plan " } }, { opened: true, budget: 3 });
    expect(written.join("")).toBe("plan \n</think>\n\n");
  });

  it("ends where its mark does, though the token goes on with the answer", async () => {
    const glued: Speech = {
      name: "glued",
      pieces: ["<think>", "Hm. ", "</thi", "nk>Par"],
      next: { "\n": "<think>", "<think>": "Hm. ", "Hm. ": "</thi", "</thi": "nk>Par" },
    };
    const { written, said } = await think(glued);
    expect([written.join(""), said]).toEqual(["<think>Hm. </think>", "Hm."]);
  });
});

describe("without a budget", () => {
  const header = ["<|channel|>", "final", "<|message|>"];

  it("the header of the answer takes the place of that of a thought", async () => {
    expect((await think(CHANNELS, { budget: 0 })).written).toEqual(header);
    expect((await think(CHANNELS)).written.slice(0, 4)).toEqual(["<|channel|>", "analysis", "<|message|>", "Hm."]);
  });

  it("it does so behind blanks, which are the member's own", async () => {
    const blank: Speech = { ...CHANNELS, next: { ...CHANNELS.next, "\n": "\n\n" } };
    expect((await think(blank, { budget: 0 })).written).toEqual(["\n\n", ...header]);
  });

  it("a thought without such a header is closed", async () => {
    expect((await think(ENDLESS, { budget: 0 })).written.join("")).toBe("<think>\n</think>\n\n");
  });
});

describe("no thought", () => {
  it.each([
    ["an answer", { "\n": "plan " }],
    ["the end", { "\n": "<|im_end|>" }],
    ["nothing but blanks", { "\n": "\n\n", "\n\n": "\n\n" }],
    ["a beginning that goes on otherwise", { "\n": "<", "<": "plan " }],
  ])("is begun by %s", async (_, next) => {
    expect(await think({ ...ENDLESS, next })).toMatchObject({ thought: undefined, said: "" });
  });
});

describe("whether a member may think", () => {
  const asked = async (speech: Speech, plan: Partial<ThinkingPlan> = {}) => {
    const member = scriptedSpeaker(speech);
    await member.prepare({ top: 1 });
    await member.begin({ text: Buffer.from(PROMPT), parseSpecial: true, addBos: false });
    return mayThink(member, { budget: 9, marks: marksOf(member), ...plan });
  };
  const pieces = ["\n<think>", "\n\n", "<th", "Yes"];
  const saying = (first: string, others: Partial<Speech> = {}): Speech => {
    return { name: "owl", pieces, next: { "\n": first }, ...others };
  };

  it.each([
    ["begins a mark", "<th", true],
    ["begins one behind a blank line", "\n<think>", true],
    ["answers", "Yes", false],
    ["ends", "<|im_end|>", false],
    ["says a blank line and knows no mark", "\n\n", false],
  ])("that %s: %j", async (_, first, may) => {
    expect(await asked(saying(first))).toBe(may);
  });

  it("that says a blank line and knows a mark, as a token or from its template", async () => {
    expect(await asked(saying("\n\n", { pieces: [...pieces, "<think>"] }))).toBe(true);
    expect(await asked(saying("\n\n", { template: "{{ messages[0].content.split('</think>') | last }}" }))).toBe(true);
  });

  it("for which the template has begun the thought", async () => {
    const [opened] = marksOf(scriptedSpeaker(saying("Yes")));
    expect(await asked(saying("Yes"), { opened })).toBe(true);
  });
});
