/** Members that think before they answer, written by hand. */
import { describe, expect, it, test } from "vitest";
import type { ChatMessage } from "../../../src/decoding/prompt.js";
import type { GenerateOptions } from "../../../src/decoding/request.js";
import type { StreamChunk } from "../../../src/decoding/result.js";
import { mainReasoning } from "../../../src/decoding/result.js";
import { methods } from "../../../src/during/methods.js";
import { LlamafuseError } from "../../../src/errors.js";
import type { Member } from "../../../src/member/member.js";
import { createEnsemble, type FusionChoice } from "../../../src/systems.js";
import { refusal } from "../../support/refusal.js";
import { CHATML, type Speech, scriptedSpeaker } from "../../support/speaker.js";

const QUESTION: ChatMessage[] = [{ role: "user", content: "3+4?" }];

/** Qwen3's way: `<think>` is a text, and the template has a switch. */
const SWITCHED = `${CHATML.replace("assistant\\n' }}", "assistant\\n' }}{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}")}`;
const qwen: Speech = {
  name: "qwen",
  pieces: ["<think>", "plan ", "more ", "</think>", "\n\n", "7", "Seven"],
  controls: ["<|im_start|>"],
  next: {
    "\n": "<think>",
    "<think>": "plan ",
    "plan ": "more ",
    "more ": "</think>",
    "</think>": "\n\n",
    "\n\n": "7",
  },
  template: SWITCHED,
};
const magistral: Speech = {
  name: "magistral",
  pieces: ["plan.", "7"],
  controls: ["[INST]", "[/INST]", "[THINK]", "[/THINK]"],
  next: { "[/INST]": "[THINK]", "[THINK]": "plan.", "plan.": "[/THINK]", "[/THINK]": "7" },
  template: "{% for m in messages %}[INST]{{ m.content }}[/INST]{% endfor %}",
};
const harmony: Speech = {
  name: "harmony",
  pieces: ["assistant", "analysis", "final", "User asks.", "7"],
  controls: ["<|start|>", "<|message|>", "<|channel|>", "<|end|>"],
  end: "<|return|>",
  next: {
    assistant: "<|channel|>",
    "<|channel|>": "analysis",
    analysis: "<|message|>",
    "<|message|>": { "User asks.": 12, "7": 3 },
    "User asks.": "<|end|>",
    "<|end|>": "7",
  },
  template:
    "{% for m in messages %}{{ '<|start|>' + m.role + '<|message|>' + m.content + '<|end|>' }}{% endfor %}<|start|>assistant",
};
/** The template has begun the thought, and no variable turns it off. */
const opened: Speech = {
  ...qwen,
  name: "opened",
  next: { ...qwen.next, "\n": { "plan ": 12, Seven: 8 } },
  template: CHATML.replace("assistant\\n'", "assistant\\n<think>\\n'"),
};
const plain: Speech = {
  name: "plain",
  pieces: ["7"],
  controls: ["<|im_start|>"],
  next: { "\n": "7" },
};

interface Asked extends GenerateOptions {
  method?: FusionChoice;
  prompt?: ChatMessage[] | string;
}

async function ask(members: readonly Member[], { method = "unite", prompt = QUESTION, ...options }: Asked = {}) {
  await using ensemble = await createEnsemble({ members: [...members], method, schedule: "parallel" });
  const chunks: StreamChunk[] = [];
  const stream = ensemble.stream(prompt, { maxTokens: 20, ...options });
  let next = await stream.next();
  for (; !next.done; next = await stream.next()) chunks.push(next.value);
  return { ...next.value, chunks };
}

const speaker = (speech: Speech) => scriptedSpeaker(speech);

describe("a thinker alone", () => {
  test.each([
    ["a text tag", qwen, "plan more"],
    ["control tokens", magistral, "plan."],
    ["channels", harmony, "User asks."],
    ["a tag that the template opens", opened, "plan more"],
  ])("%s: the thought is apart from the answer", async (_, speech, thought) => {
    const result = await ask([speaker(speech)], { thinking: "private" });
    expect(result).toMatchObject({ text: "7", reasoning: { [speech.name]: thought }, finishReason: "stop" });
    expect(result.chunks.map(({ text }) => text).join("")).toBe("7");
    expect(result.chunks.map(({ reasoning }) => reasoning?.text ?? "").join("")).toBe(thought);
    expect(mainReasoning(result)).toBe(thought);
    expect(result.usage.reasoningTokens![speech.name]).toBeGreaterThan(1);
    expect(result.usage.memberTokens[speech.name]).toBeGreaterThan(result.usage.reasoningTokens![speech.name]);
    expect(result.timings.thinkingMs).toBeGreaterThan(0);
  });

  it("does not think where its template can turn it off, unless asked to", async () => {
    const result = await ask([speaker(qwen)]);
    expect(result).toMatchObject({ text: "7" });
    expect(result).not.toHaveProperty("reasoning");
    expect(result.timings).not.toHaveProperty("thinkingMs");
  });

  it("thinks by default where its template cannot turn it off", async () => {
    for (const speech of [magistral, harmony, opened])
      expect(await ask([speaker(speech)])).toMatchObject({
        text: "7",
        reasoning: { [speech.name]: expect.any(String) },
      });
  });

  it("thinks by default where the caller turned the template's switch on", async () => {
    const variables = { templateVariables: { enable_thinking: true } };
    expect(await ask([speaker(qwen)], variables)).toMatchObject({ text: "7", reasoning: { qwen: "plan more" } });
  });

  test.each([
    ["control tokens", magistral, "7"],
    ["channels", harmony, "User asks."],
    ["a tag that the template opens", opened, "7"],
  ])("off, %s: the thought is closed before it begins", async (_, speech, text) => {
    const result = await ask([speaker(speech)], { thinking: "off" });
    expect(result).not.toHaveProperty("reasoning");
    // The channel of the answer is written for it; what it says there is its own affair.
    expect(result.text.startsWith(text)).toBe(true);
  });

  it("has its thought closed at its budget, and goes on to the answer", async () => {
    const endless: Speech = { ...qwen, next: { ...qwen.next, "more ": "plan " } };
    const result = await ask([speaker(endless)], { thinking: { budget: 5 } });
    expect(result).toMatchObject({ text: "7", reasoning: { qwen: "plan more plan more plan" }, finishReason: "stop" });
  });

  it("leaves the answer its steps, or half of what the context has", async () => {
    const endless: Speech = { ...qwen, next: { ...qwen.next, "more ": "plan " } };
    const member = scriptedSpeaker(endless, { contextSize: 120 });
    const result = await ask([member], { thinking: "private", maxTokens: 20 });
    expect(result).toMatchObject({ text: "7", finishReason: "stop" });
    const { memberPromptTokens, reasoningTokens } = result.usage;
    expect(memberPromptTokens.qwen + reasoningTokens!.qwen).toBeLessThanOrEqual(120 - 20);
  });

  it("that ends its turn within a thought has it closed", async () => {
    const cut: Speech = { ...qwen, next: { ...qwen.next, "more ": "<|im_end|>" } };
    expect(await ask([speaker(cut)], { thinking: "private" })).toMatchObject({
      text: "7",
      reasoning: { qwen: "plan more" },
    });
  });

  it("whose mark comes in a token with other text is understood", async () => {
    const glued: Speech = {
      name: "glued",
      pieces: ["<think>\n", "easy\n</think>\n\n", "</think>Par", "Par", "is"],
      controls: ["<|im_start|>"],
      next: { "\n": "<think>\n", "<think>\n": "easy\n</think>\n\n", "easy\n</think>\n\n": "Par", Par: "is" },
    };
    expect(await ask([speaker(glued)])).toMatchObject({ text: "Paris", reasoning: { glued: "easy" } });
    const next = { ...glued.next, "<think>\n": "</think>Par", ">": "Par" };
    const result = await ask([speaker({ ...glued, next })]);
    expect(result).toMatchObject({ text: "Paris" });
    expect(result).not.toHaveProperty("reasoning");
  });

  it("that begins like a thought and is none answers as if nobody had asked", async () => {
    const html: Speech = {
      name: "html",
      pieces: ["<", "div>"],
      controls: ["<|im_start|>"],
      next: { "\n": "<", "<": "div>" },
    };
    expect(await ask([speaker(html)])).toMatchObject({ text: "<div>" });
  });

  it("thinks several times where its format has it, and the header of the answer is no text", async () => {
    const turn = (channel: string, text: string) => ["<|channel|>", channel, "<|message|>", text, "<|end|>"];
    const said = [...turn("analysis", "One."), ...turn("analysis", "Two."), ...turn("final", "7")];
    // What comes behind each message but the last.
    for (const at of [10, 5]) said.splice(at, 0, "<|start|>", "assistant");
    const pieces = [...harmony.pieces, "One.", "Two."];
    const tokens = [...pieces, ...harmony.controls!, harmony.end!].map((text, index) => [text, 256 + index] as const);
    const ids = new Map(tokens);
    let prompt = 0;
    const member = scriptedSpeaker(
      { ...harmony, pieces, next: {} },
      {
        script: ({ tokens: held }) => {
          prompt ||= held.length;
          const next = ids.get(
            said[held.length - prompt] === "<|end|>" && held.length - prompt > 15
              ? harmony.end!
              : said[held.length - prompt],
          )!;
          return Array.from({ length: 256 + tokens.length }, (_, id) => (id === next ? 12 : 0));
        },
      },
    );
    const result = await ask([member]);
    expect(result).toMatchObject({ text: "7", reasoning: { harmony: "One.\n\nTwo." }, finishReason: "stop" });
  });

  it("draws its thoughts by the request's seed", async () => {
    const wavering: Speech = { ...qwen, next: { ...qwen.next, "plan ": { "more ": 1, "plan ": 1.5 } } };
    const options = { thinking: "private", temperature: 1, topK: 2 } as const;
    const thoughts = [];
    for (const seed of [1, 1, 2, 3, 4])
      thoughts.push((await ask([speaker(wavering)], { ...options, seed })).reasoning?.qwen);
    expect(thoughts[0]).toBe(thoughts[1]);
    expect(new Set(thoughts).size).toBeGreaterThan(1);
  });

  it("does not think before a text that is continued, and not where there are no steps", async () => {
    for (const asked of [{ prompt: "<|im_start|>\n" }, { maxTokens: 0 }])
      expect(await ask([speaker(qwen)], { thinking: "private", ...asked })).not.toHaveProperty("reasoning");
  });

  it("goes on with an answer that has begun without thinking", async () => {
    const begun: ChatMessage[] = [...QUESTION, { role: "assistant", content: "It is\n\n" }];
    const result = await ask([speaker(qwen)], { thinking: "private", prompt: begun });
    expect(result).toMatchObject({ text: "7" });
    expect(result).not.toHaveProperty("reasoning");
  });
});

describe("a thinker beside others", () => {
  it("keeps its thoughts to itself", async () => {
    const other = speaker(plain);
    await using ensemble = await createEnsemble({ members: [other, speaker(magistral)] });
    const result = await ensemble.generate(QUESTION, { maxTokens: 9 });
    expect(result).toMatchObject({ text: "7", reasoning: { magistral: "plan." }, finishReason: "stop" });
    const held = Buffer.concat(Array.from(await other.cachedTokens(), (id) => other.vocabulary.bytesOf(id)));
    expect(held.toString()).not.toContain("plan");
    expect(held.toString()).toMatch(/7$/);
  });

  it("thinks beside other thinkers, in the ensemble's order whoever is done first", async () => {
    const slow: Speech = { ...magistral, next: { ...magistral.next, "[THINK]": " ", " ": { "plan.": 12 } } };
    for (const schedule of ["parallel", "in-turn"] as const) {
      await using ensemble = await createEnsemble({
        members: [speaker(slow), speaker(opened), speaker(harmony)],
        schedule,
      });
      const result = await ensemble.generate(QUESTION, { maxTokens: 9, trace: true });
      expect(result.text).toBe("7");
      expect(Object.entries(result.reasoning!)).toEqual([
        ["magistral", "plan."],
        ["opened", "plan more"],
        ["harmony", "User asks."],
      ]);
      expect(result.trace!.map(({ chosen }) => chosen.text)).toEqual(["7", ""]);
      expect(result.cost.tokens).toBe(
        result.usage.promptTokens + Object.values(result.usage.memberTokens).reduce((a, b) => a + b),
      );
    }
  });

  it("gives every method the answer that it gives without thoughts", async () => {
    for (const { info } of methods as unknown as { info: { name: string } }[]) {
      const members = () => [speaker({ ...magistral, name: "a" }), speaker({ ...magistral, name: "b" })];
      const method = { name: info.name } as FusionChoice;
      let result: Awaited<ReturnType<typeof ask>>;
      try {
        result = await ask(members(), { method, seed: 1 });
      } catch (error) {
        // What needs two vocabularies, embeddings, a file or roles is tested where it has them.
        expect(error, info.name).toMatchObject({ code: expect.stringMatching(/invalid-option|incompatible-members/) });
        continue;
      }
      expect(result, info.name).toMatchObject({ text: "7", reasoning: { a: "plan.", b: "plan." } });
    }
  });
});

describe("a thinker that fails", () => {
  /** Fails at its third token, in the middle of its thought. */
  const failing = () => {
    const member = speaker(magistral);
    let calls = 0;
    const advance = member.advance.bind(member);
    member.advance = async () => {
      if (++calls === 2) throw new LlamafuseError("member-failed", "It stopped.", { member: member.name });
      return advance();
    };
    return member;
  };

  it("is dropped while it thinks where the others may go on, and those keep their thoughts", async () => {
    const members = [speaker(opened), failing()];
    await using ensemble = await createEnsemble({
      members,
      method: "unite",
      schedule: "parallel",
      onMemberFailure: "continue",
    });
    const result = await ensemble.generate(QUESTION, { maxTokens: 20, thinking: "private" });
    expect(result).toMatchObject({ text: "7", dropped: [{ name: "magistral", step: 0, code: "member-failed" }] });
    expect(result.reasoning?.opened).toBe("plan more");
  });

  it("fails the request otherwise, and where nobody is left", async () => {
    const both = ask([speaker(opened), failing()], { thinking: "private" });
    await expect(both).rejects.toMatchObject({ code: "member-failed" });
    await using alone = await createEnsemble({
      members: [failing()],
      schedule: "parallel",
      onMemberFailure: "continue",
    });
    await expect(alone.generate(QUESTION, { thinking: "private" })).rejects.toMatchObject({ code: "member-failed" });
  });
});

describe("weights from the prompt", () => {
  it.each(["packllm", { name: "packllm", per: "byte" }, { name: "bytes", weights: "perplexity" }] as FusionChoice[])(
    "do not count what a member has thought by itself: %j",
    async (method) => {
      const weights = async (thinking: "off" | "private") => {
        const texts: string[][] = [];
        const members = [speaker(qwen), speaker(plain)].map((member, index) => {
          const score = member.scorePrompt.bind(member);
          member.scorePrompt = async (...given) => {
            const scored = await score(...given);
            (texts[index] ??= []).push(Array.from(scored.ids, (id) => member.vocabulary.textOf(id)).join(""));
            return scored;
          };
          return member;
        });
        await ask(members, { method, thinking, maxTokens: 1 });
        return texts.flat();
      };
      for (const text of await weights("private")) expect(text).not.toContain("plan ");
    },
  );
});

describe("a request of thinkers", () => {
  it("that is cancelled while they think has what was thought by then", async () => {
    const endless: Speech = { ...qwen, next: { ...qwen.next, "more ": "plan " } };
    const controller = new AbortController();
    await using ensemble = await createEnsemble({ members: [speaker(endless), speaker(plain)], schedule: "parallel" });
    const stream = ensemble.stream(QUESTION, { thinking: "private", signal: controller.signal });
    expect((await stream.next()).value).toEqual({ text: "", reasoning: { member: "qwen", text: "plan" } });
    controller.abort();
    let next = await stream.next();
    while (!next.done) next = await stream.next();
    expect(next.value).toMatchObject({
      text: "",
      finishReason: "aborted",
      reasoning: { qwen: expect.stringMatching(/^plan/) },
    });
    // The members are free for the next one.
    expect(await ensemble.generate(QUESTION, { maxTokens: 9 })).toMatchObject({ text: "7" });
  });

  it("that is left while they think ends", async () => {
    const endless: Speech = { ...qwen, next: { ...qwen.next, "more ": "plan " } };
    await using ensemble = await createEnsemble({ members: [speaker(endless), speaker({ ...endless, name: "b" })] });
    for await (const { reasoning } of ensemble.stream(QUESTION, { thinking: "private" })) if (reasoning) break;
    expect(await ensemble.generate(QUESTION, { thinking: { budget: 2 } })).toMatchObject({ text: "7" });
  });

  it("scores the answer, not a thought", async () => {
    for (const speech of [qwen, magistral, opened]) {
      await using ensemble = await createEnsemble({ members: [speaker(speech)] });
      const { logProb } = await ensemble.score(QUESTION, "7");
      expect(Math.exp(logProb), speech.name).toBeGreaterThan(0.9);
    }
    await using ensemble = await createEnsemble({ members: [speaker(qwen), speaker(plain)] });
    const { logProb, usage } = await ensemble.score(QUESTION, "7", { thinking: "private" });
    expect(Math.exp(logProb)).toBeGreaterThan(0.9);
    expect(usage.memberTokens.qwen).toBeGreaterThan(usage.memberTokens.plain);
  });

  test.each([["on"], [-5], [0.5], [{ budget: -1 }], [{ budget: 1.5 }], [{ budget: 1, more: 2 }], [null]])(
    "refuses thinking: %j",
    async (thinking) => {
      const error = await refusal(() => ask([speaker(qwen)], { thinking: thinking as never }));
      expect(error).toMatchObject({ code: "invalid-option", details: { option: "thinking" } });
      expect(error.message).toMatch(/"off", "private" or a number of tokens/);
    },
  );
});
