import { beforeAll, describe, expect, it } from "vitest";
import { createEnsemble, type Ensemble, type Member, nativeModels } from "../../src/index.js";
import { eventsOf, type Json, NATIVE, type Served, serving } from "./support.js";

const PROMPT = "Question: What is a young deer?\nAnswer:";
const PATH = "/v1/completions";

let served: Served;
let direct: Ensemble;
beforeAll(async () => {
  served = await serving();
  direct = await createEnsemble({
    members: nativeModels().map(({ name, path }) => ({ name, model: path })),
    gpu: false,
  });
  return () => direct.dispose();
});

async function ask(body: object): Promise<{ status: number; json: Json }> {
  const response = await served.post(PATH, { model: NATIVE, prompt: PROMPT, ...body });
  return { status: response.status, json: await response.json() };
}

async function idsOf(text: string): Promise<number[]> {
  return Array.from(
    await (direct.members[0] as Member).tokenize(Buffer.from(text), { addBos: true, parseSpecial: true }),
  );
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe("a completion", () => {
  it("continues the text as the library does, with 16 steps where nobody says another number", async () => {
    const { text, usage } = await direct.generate(PROMPT, { maxTokens: 16 });
    const { status, json } = await ask({});
    expect(status).toBe(200);
    expect(json).toMatchObject({
      id: expect.stringMatching(/^cmpl-/),
      object: "text_completion",
      model: NATIVE,
      choices: [{ text, index: 0, logprobs: null }],
      usage: { completion_tokens: usage.steps },
    });
  });

  it("takes several prompts, each n times, and token ids", async () => {
    const prompts = [PROMPT, "Question: What sound does a cow make?\nAnswer:"];
    const { json } = await ask({ prompt: prompts, n: 2, max_tokens: 6 });
    const [first, second] = await Promise.all(prompts.map((prompt) => direct.generate(prompt, { maxTokens: 6 })));
    expect(json.choices.map(({ text }: Json) => text)).toEqual([first.text, first.text, second.text, second.text]);
    expect(json.choices.map(({ index }: Json) => index)).toEqual([0, 1, 2, 3]);
    const ids = await idsOf(PROMPT);
    const one = await ask({ prompt: ids, max_tokens: 6 });
    expect(one.json.choices.map(({ text }: Json) => text)).toEqual([first.text]);
    const many = await ask({ prompt: [ids, ids], max_tokens: 6 });
    expect(many.json.choices.map(({ text }: Json) => text)).toEqual([first.text, first.text]);
  });

  it("comes piece by piece, behind its prompt with echo", async () => {
    const { json } = await ask({ echo: true, max_tokens: 6, logprobs: 0 });
    const events: Json[] = await eventsOf(
      await served.post(PATH, {
        model: NATIVE,
        prompt: PROMPT,
        echo: true,
        max_tokens: 6,
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    expect(events.at(-1)).toBe("[DONE]");
    expect(events.at(-2)).toMatchObject({ choices: [], usage: { completion_tokens: json.usage.completion_tokens } });
    const told = events.slice(0, -2).map(({ choices: [choice] }) => choice);
    expect(told.map(({ text }) => text).join("")).toBe(json.choices[0].text);
    expect(json.choices[0].text.startsWith(PROMPT)).toBe(true);
    expect(told.at(-1).finish_reason).toBe(json.choices[0].finish_reason);
  });

  it("tells its steps with logprobs, the end among them", async () => {
    const { json } = await ask({ logprobs: 2, max_tokens: 40 });
    const [{ logprobs, text, finish_reason }] = json.choices;
    const { pieces } = await direct.generate(PROMPT, { maxTokens: 40, logProbs: true });
    expect(finish_reason).toBe("stop");
    expect(logprobs.tokens.at(-1)).toBe("<|end|>");
    expect(logprobs.tokens.slice(0, -1).join("")).toBe(text);
    expect(logprobs.token_logprobs).toEqual(pieces!.map(({ logProb }) => logProb));
    for (const [index, token] of logprobs.tokens.entries()) {
      if (token !== "<|end|>") expect(text.startsWith(token, logprobs.text_offset[index])).toBe(true);
      expect(logprobs.top_logprobs[index]).toHaveProperty([token], logprobs.token_logprobs[index]);
    }
  });
});

describe("echo with logprobs says how probable a prompt is", () => {
  const CHOICES = [" The name is fawn.", " It is"];

  it("as score does, with nothing said of the first token and max_tokens 0", async () => {
    for (const choice of CHOICES) {
      const { logProb, pieces } = await direct.score(PROMPT, choice);
      const { json } = await ask({ prompt: PROMPT + choice, echo: true, logprobs: 1, max_tokens: 0 });
      const [{ text, logprobs }] = json.choices;
      expect(text).toBe(PROMPT + choice);
      expect(logprobs.tokens.join("")).toBe(text);
      expect(logprobs.token_logprobs[0]).toBe(null);
      const said = logprobs.token_logprobs.slice(-pieces.length);
      expect(logprobs.tokens.slice(-pieces.length)).toEqual(pieces.map((piece) => piece.text));
      const { pieces: exactly } = await direct.score(PROMPT.slice(0, 8), PROMPT.slice(8) + choice);
      expect(logprobs.token_logprobs.slice(1)).toEqual(exactly.map((piece) => piece.logProb));
      // The prompt decoded token by token rounds otherwise than in one batch.
      expect(sum(said)).toBeCloseTo(logProb, 1);
      for (const [index, token] of logprobs.tokens.entries())
        expect(text.startsWith(token, logprobs.text_offset[index])).toBe(true);
    }
  });

  it("in the prompt's own token ids, as harnesses count them: sums behind the question are score's", async () => {
    const question = await idsOf(PROMPT);
    for (const choice of CHOICES) {
      const ids = await idsOf(PROMPT + choice);
      expect(ids.slice(0, question.length)).toEqual(question);
      const { logProb } = await direct.score(PROMPT, choice);
      const { json } = await ask({ prompt: ids, echo: true, logprobs: 1, max_tokens: 1 });
      const { token_logprobs, tokens, top_logprobs } = json.choices[0].logprobs;
      expect(tokens).toHaveLength(ids.length + 1);
      expect(sum(token_logprobs.slice(question.length, -1))).toBeCloseTo(logProb, 1);
      for (const [index, top] of top_logprobs.entries())
        if (top !== null) expect(top).toHaveProperty([tokens[index]], token_logprobs[index]);
    }
  });
});

it("says -9999 where the method cannot say a text, and goes on behind it", async () => {
  const text = " zzz 中";
  expect((await direct.score(PROMPT, text)).logProb).toBe(Number.NEGATIVE_INFINITY);
  const { json } = await ask({ prompt: PROMPT + text, echo: true, logprobs: 1, max_tokens: 0 });
  expect(json.choices[0].logprobs.token_logprobs.at(-1)).toBe(-9999);
  expect(json.choices[0].logprobs.tokens.join("")).toBe(PROMPT + text);
  const [strange, choice] = [`Zzz 中! ${PROMPT}`, " The name is fawn."];
  const { logProb } = await direct.score(strange, choice);
  const { pieces } = await direct.score("Zzz", strange.slice(3));
  expect(logProb).toBeGreaterThan(Number.NEGATIVE_INFINITY);
  expect(pieces.length).toBeLessThan(5);
  const ids = await idsOf(strange + choice);
  const told = (await ask({ prompt: ids, echo: true, logprobs: 1, max_tokens: 0 })).json.choices[0].logprobs;
  const { token_logprobs, top_logprobs }: { token_logprobs: number[]; top_logprobs: Record<string, number>[] } = told;
  // The greedy choice there is another.
  for (const [index, logprob] of token_logprobs.entries())
    if (logprob === -9999) expect(Math.max(...Object.values(top_logprobs[index]))).toBeGreaterThan(-9999);
  const behind = ids.length - (await idsOf(strange)).length;
  expect(token_logprobs).toHaveLength(ids.length);
  expect(token_logprobs).toContain(-9999);
  expect(sum(token_logprobs.slice(-behind))).toBeCloseTo(logProb, 1);
});

describe("a request is refused, and its parameter named", () => {
  it.each([
    [{ prompt: "" }, "prompt"],
    [{ prompt: [] }, "prompt"],
    [{ prompt: ["a", ""] }, "prompt"],
    [{ prompt: [1e9] }, "prompt"],
    [{ prompt: [[1.5]] }, "prompt"],
    [{ prompt: { a: 1 } }, "prompt"],
    [{ prompt: "\ud800" }, "prompt"],
    [{ suffix: "x" }, "suffix"],
    [{ best_of: 3 }, "best_of"],
    [{ logprobs: true }, "logprobs"],
    [{ echo: true, logprobs: 1, stream: true }, "echo"],
    [{ max_tokens: -1 }, "max_tokens"],
    [{ messages: [] }, "messages"],
  ])("%j", async (body, param) => {
    const { status, json } = await ask(body);
    expect(json.error).toMatchObject({ type: "invalid_request_error", param });
    expect(status).toBe(400);
  });
});

describe("token ids", () => {
  const get = async (path: string) => (await fetch(`${served.server.address}${path}`)) as Response;
  const post = async (path: string, body: object) => (await served.post(path, body)).json() as Promise<Json>;

  it("are those of the first member, there and back", async () => {
    const text = "Once upon a time, 日本 <s> naïve";
    const told = await post("/tokenize", { model: NATIVE, prompt: text, return_token_strs: true });
    const ids = await idsOf(text);
    expect(told).toEqual({
      count: ids.length,
      max_model_len: (direct.members[0] as Member).contextSize,
      tokens: ids,
      token_strs: expect.any(Array),
    });
    expect(told.token_strs.join("")).toContain("Once upon");
    const bare = await post("/tokenize", { prompt: text, add_special_tokens: false });
    expect(bare.tokens).toEqual(ids.slice(ids.length - bare.count));
    expect(await post("/detokenize", { model: NATIVE, tokens: bare.tokens })).toEqual({ prompt: text });
  });

  it("of a conversation are those of its template", async () => {
    const messages = [{ role: "user", content: "Hello" }];
    const { tokens, count } = await post("/tokenize", { messages });
    const { usage } = await post("/v1/chat/completions", { model: NATIVE, messages, max_tokens: 1 });
    expect(count).toBe(tokens.length);
    expect(count).toBeLessThanOrEqual(usage.prompt_tokens);
    expect(count).toBeGreaterThan(1);
  });

  it("are described, and wrong ones are refused", async () => {
    const { vocabulary, facts } = direct.members[0] as Member;
    expect(await (await get(`/tokenizer_info?model=${NATIVE}`)).json()).toMatchObject({
      vocab_size: vocabulary.size,
      eos_token: facts.eosText,
      llamafuse: { member: "robin" },
    });
    expect((await post("/detokenize", { tokens: [vocabulary.size] })).error.param).toBe("tokens");
    expect((await post("/tokenize", { prompt: "a", messages: [{ role: "user", content: "b" }] })).error.param).toBe(
      "prompt",
    );
    expect((await get("/tokenizer_info?model=none")).status).toBe(404);
  });
});

it("counts what it does, without any text", async () => {
  const metrics = async () => (await fetch(`${served.server.address}/metrics`)).text();
  const figure = (text: string, line: string) =>
    Number(
      text
        .split("\n")
        .find((each) => each.startsWith(`${line} `))
        ?.slice(line.length) ?? Number.NaN,
    );
  const before = await metrics();
  const { json } = await ask({ prompt: "Secret words", max_tokens: 3 });
  await fetch(`${served.server.address}/made-up-${Math.random()}`);
  const after = await metrics();
  for (const [line, more] of [
    ['llamafuse_requests_total{path="/v1/completions",status="200"}', 1],
    [`llamafuse_tokens_total{model="${NATIVE}",kind="prompt"}`, json.usage.prompt_tokens],
    [`llamafuse_tokens_total{model="${NATIVE}",kind="completion"}`, json.usage.completion_tokens],
    [`llamafuse_tokens_total{model="${NATIVE}",kind="member"}`, json.usage.llamafuse.member_tokens],
  ] as const) {
    expect(figure(after, line) - figure(before, line), line).toBe(more);
  }
  expect(figure(after, `llamafuse_model_loaded{model="${NATIVE}"}`)).toBe(1);
  expect(after).not.toMatch(/Secret|made-up/);
  expect(after).toMatch(/path="other",status="404"/);
});

it("describes itself for programs", async () => {
  const document = (await (await fetch(`${served.server.address}/openapi.json`)).json()) as Json;
  expect(document.openapi).toBe("3.1.0");
  for (const path of ["/v1/chat/completions", "/v1/completions", "/v1/models", "/health", "/tokenize", "/detokenize"])
    expect(document.paths).toHaveProperty([path]);
  const { properties, required } = document.components.schemas.ChatCompletionRequest;
  expect(required.sort()).toEqual(["messages", "model"]);
  for (const name of ["temperature", "top_p", "min_p", "logprobs", "stop"]) {
    expect(properties[name], name).toMatchObject({ description: expect.any(String) });
  }
});
