/**
 * What holds for whatever answers: every fusion method of the registry, a router, cascades and selections, on scripted members. Bad requests are
 * refused with one typed error and leave no trace; cancelled ones end, wherever they are; nobody waits for ever.
 */
import { afterEach, describe, expect, it } from "vitest";
import type { SelectionOptions } from "../../src/after/select/registry.js";
import { trainingData } from "../../src/before/fitting/training-data.js";
import { createRouter } from "../../src/before/registry.js";
import { OutcomeTable } from "../../src/before/table/outcome-table.js";
import type { PromptInput } from "../../src/decoding/prompt.js";
import type { GenerateOptions } from "../../src/decoding/request.js";
import { type MethodOptions, methodInfos } from "../../src/during/methods.js";
import type { SwitchingModel } from "../../src/during/token/switch/switching-model.js";
import type { Answerer } from "../../src/ensemble/answerer.js";
import { LlamafuseError } from "../../src/errors.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../src/laws/scripted-members.js";
import { matrixOf } from "../../src/learning/matrix.js";
import { createEnsemble } from "../../src/systems.js";
import { refusal } from "../support/refusal.js";

const PROMPT = "the cat";
const GOOD: GenerateOptions = { maxTokens: 6, seed: 3 };
const vocabularies = [bytePairVocabulary(), sentencePieceVocabulary(), bytePairVocabulary(1)];

/** How many members a method takes, where it is not two. */
const MEMBERS: Partial<Record<string, number>> = { single: 1, proxy: 3 };
const judge: SwitchingModel = { needs: {}, score: () => 1 };
/** What a method needs beside its name. */
const NEEDED: Partial<Record<string, object>> = { citer: { router: judge } };

/** Published for models of one vocabulary, and refused for others. */
const ONE_VOCABULARY = ["purify"];

function scripted(count: number, isOneVocabulary = false, contextSize = 64) {
  return Array.from({ length: count }, (_, index) =>
    randomMember(index + 1, vocabularies[isOneVocabulary ? 0 : index], { contextSize, name: `m${index + 1}` }),
  );
}

async function routed(): Promise<Answerer> {
  const queries = ["the cat", "hello world", "the dog", "12 x1", "cats", "un do"];
  const rows = queries.map((_, row) => [row % 2, 1 - (row % 2)]);
  const quality = matrixOf(rows);
  const table = new OutcomeTable({
    name: "t",
    models: ["m1", "m2"],
    queries,
    quality,
    cost: matrixOf(rows.map(() => [1, 1])),
  });
  const { data, embedder } = await trainingData(table);
  const router = createRouter({ name: "knn", k: 1 });
  await router.fit(data);
  return createEnsemble({ members: scripted(2), method: { name: "knn", router: { router, embedder } } });
}

const ANSWERERS: Record<string, () => Promise<Answerer>> = {
  ...Object.fromEntries(
    methodInfos.map(({ name }) => [
      name,
      () => {
        const method = { name, ...NEEDED[name] } as MethodOptions;
        return createEnsemble({
          members: scripted(MEMBERS[name] ?? 2, ONE_VOCABULARY.includes(name)),
          method,
          schedule: "in-turn",
        });
      },
    ]),
  ),
  "a router": routed,
  // All selections are one answerer; what their rules keep is in selections.test.ts.
  ...Object.fromEntries(
    (["self-consistency", "smoothie", "peer-review"] as const).map((name) => [
      `the selection ${name}`,
      () => {
        const method: SelectionOptions = { name, samples: 2 };
        // Questions about answers are longer than the answers.
        return createEnsemble({ members: scripted(2, false, 1200), method, schedule: "in-turn" });
      },
    ]),
  ),
  "a cascade": () => createEnsemble({ members: scripted(2), method: { name: "log-probability" } }),
  "a sampling cascade": () => createEnsemble({ members: scripted(2), method: { name: "mot", samples: 2 } }),
};

const throwing = (name: string) =>
  Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      throw new TypeError("no");
    },
  });
const hostile = new Proxy({}, { ownKeys: () => ["maxTokens"], get: () => Symbol("never") });
const closed = new Proxy(
  {},
  {
    ownKeys() {
      throw new RangeError("closed");
    },
  },
);
const revoked = Proxy.revocable({}, {});
revoked.revoke();

const BAD_OPTIONS: unknown[] = [
  null,
  7,
  "fast",
  [],
  () => {},
  { signal: null },
  { signal: {} },
  { signal: "now" },
  { signal: new AbortController() },
  { signal: { aborted: false } },
  { temprature: 1 },
  { max_tokens: 4 },
  { maxTokens: null },
  { maxTokens: "4" },
  { maxTokens: -1 },
  { maxTokens: 1.5 },
  { maxTokens: Number.NaN },
  { maxTokens: 10n },
  { maxTokens: Symbol("four") },
  { temperature: "hot" },
  { temperature: -1 },
  { temperature: null },
  { topK: 0.5 },
  { topP: 0 },
  { minP: 1 },
  { repetitionPenalty: 0 },
  { repetitionWindow: -1 },
  { seed: -3 },
  { seed: "1" },
  { stop: "" },
  { stop: [""] },
  { stop: [3] },
  { stop: {} },
  { stop: "\ud800" },
  { trace: -1 },
  { trace: "all" },
  { trace: 1e9 },
  { logProbs: "yes" },
  { reusePrompt: 1 },
  throwing("maxTokens"),
  throwing("signal"),
  throwing("anything"),
  { stop: throwing("length") },
  { stop: new Proxy([], { get: () => Symbol("x") }) },
  hostile,
  closed,
  revoked.proxy,
];

const BAD_PROMPTS: unknown[] = [
  undefined,
  null,
  "",
  7,
  Symbol("prompt"),
  {},
  [],
  "\udfff",
  new Uint8Array(),
  Uint8Array.of(0xff, 0x41),
  new Proxy(new Uint8Array([65]), {}),
  [null],
  ["text"],
  [{}],
  [{ role: "robot", content: "x" }],
  [{ role: "user", content: 7 }],
  [{ role: "user", content: "" }],
  [throwing("role")],
  [{ role: Symbol("user"), content: "x" }],
  throwing("length"),
  closed,
  revoked.proxy,
];

const BAD: [prompt: unknown, options: unknown][] = [
  ...BAD_OPTIONS.map((options): [unknown, unknown] => [PROMPT, options]),
  ...BAD_PROMPTS.map((prompt): [unknown, unknown] => [prompt, GOOD]),
  // One that no member has room for.
  ["the cat ".repeat(1000), GOOD],
];

const made: Answerer[] = [];
afterEach(async () => {
  await Promise.all(made.splice(0).map((answerer) => answerer.dispose()));
});

async function drained(answerer: Answerer, prompt: PromptInput, options?: GenerateOptions) {
  const stream = answerer.stream(prompt, options);
  let text = "";
  for (let next = await stream.next(); ; next = await stream.next()) {
    if (next.done) return { ...next.value, streamed: text };
    text += next.value.text;
  }
}

describe.each(Object.entries(ANSWERERS))("%s", (_, make) => {
  const open = async () => {
    const answerer = await make();
    made.push(answerer);
    return answerer;
  };

  it("answers after any bad request as before it, and refuses each with one typed error", async () => {
    const answerer = await open();
    const { text } = await answerer.generate(PROMPT, GOOD);
    for (const [prompt, options] of BAD) {
      const error = await refusal(() => answerer.generate(prompt as PromptInput, options as GenerateOptions));
      expect(error.code).toMatch(/invalid-option|invalid-text|context-overflow/);
      expect(error.message).not.toContain("\n");
    }
    for (const [prompt, options] of BAD.slice(0, 8)) {
      await refusal(() => drained(answerer, prompt as PromptInput, options as GenerateOptions));
      if (answerer.score === undefined) continue;
      await refusal(() => answerer.score!(prompt as PromptInput, "x", { signal: null } as never));
    }
    for (const bad of answerer.score === undefined ? [] : [undefined, null, "", 7, Symbol("text"), "\ud800"]) {
      await refusal(() => answerer.score!(PROMPT, bad as string));
    }
    expect((await answerer.generate(PROMPT, GOOD)).text).toBe(text);
    expect((await drained(answerer, PROMPT, GOOD)).streamed).toBe(text);
  });

  it("answers good requests between bad ones that come at the same time", async () => {
    const answerer = await open();
    const { text } = await answerer.generate(PROMPT, GOOD);
    const work = BAD.slice(0, 20).flatMap(([prompt, options]) => [
      answerer.generate(prompt as PromptInput, options as GenerateOptions).catch((error) => error as LlamafuseError),
      answerer.generate(PROMPT, GOOD),
    ]);
    const results = await Promise.all(work);
    for (const [index, result] of results.entries()) {
      if (index % 2 === 0) expect(result).toBeInstanceOf(LlamafuseError);
      else expect(result).toMatchObject({ text });
    }
  });

  it("says who answered and what it cost", async () => {
    const answerer = await open();
    const result = await answerer.generate(PROMPT, GOOD);
    expect(result.method).toBe(answerer.methodName);
    const { memberPromptTokens, memberTokens } = result.usage;
    const sum = (tokens: Record<string, number>) => Object.values(tokens).reduce((total, each) => total + each, 0);
    expect(result.cost).toEqual({ tokens: sum(memberPromptTokens) + sum(memberTokens), parameterTokens: 0 });
  });

  it("ends a cancelled request at once, before, while it waits and while it runs", async () => {
    const answerer = await open();
    const before = await answerer.generate(PROMPT, { ...GOOD, signal: AbortSignal.abort() });
    expect(before).toMatchObject({ text: "", finishReason: "aborted", method: answerer.methodName });

    const paused = answerer.stream(PROMPT, { maxTokens: 40, seed: 3 });
    await paused.next();
    const stop = new AbortController();
    const waiting = answerer.generate(PROMPT, { ...GOOD, signal: stop.signal });
    stop.abort();
    expect(await waiting).toMatchObject({ text: "", finishReason: "aborted" });
    await paused.return(undefined as never);

    const later = new AbortController();
    const running = answerer.stream(PROMPT, { maxTokens: 40, seed: 3, signal: later.signal });
    await running.next();
    later.abort();
    let next = await running.next();
    while (!next.done) next = await running.next();
    expect(["aborted", "stop"]).toContain(next.value.finishReason);
    if (answerer.score !== undefined) {
      const error = await refusal(() => answerer.score!(PROMPT, "x", { signal: AbortSignal.abort() }));
      expect(error.code).toBe("aborted");
    }
    expect((await answerer.generate(PROMPT, GOOD)).finishReason).not.toBe("aborted");
  });

  it("lets a stream's reader await another request, and both are as they are alone", async () => {
    const answerer = await open();
    const alone = await answerer.generate(PROMPT, GOOD);
    const other = await answerer.generate("hello", GOOD);
    let streamed = "";
    for await (const { text } of answerer.stream(PROMPT, GOOD)) {
      streamed += text;
      expect((await answerer.generate("hello", GOOD)).text).toBe(other.text);
    }
    expect(streamed).toBe(alone.text);
    // A reader who never comes back keeps nobody waiting either.
    const forgotten = answerer.stream(PROMPT, GOOD);
    await forgotten.next();
    expect((await answerer.generate("hello", GOOD)).text).toBe(other.text);
  });

  it("refuses what waits when it is disposed of, and everything later", async () => {
    const answerer = await open();
    const paused = answerer.stream(PROMPT, { maxTokens: 40 });
    await paused.next();
    const waiting = answerer.generate(PROMPT, GOOD).then(
      ({ finishReason }) => finishReason,
      (error: LlamafuseError) => error.code,
    );
    await Promise.all([answerer.dispose(), answerer.dispose()]);
    expect(["disposed", "aborted"]).toContain(await waiting);
    expect((await refusal(() => answerer.generate(PROMPT, GOOD))).code).toBe("disposed");
    if (answerer.score !== undefined) {
      expect((await refusal(() => answerer.score!(PROMPT, "x"))).code).toBe("disposed");
    }
  });
});
