import { beforeAll, describe, expect, it } from "vitest";
import { createEnsemble, type Ensemble, nativeModels } from "../../src/index.js";
import { ENDLESS, eventsOf, type Json, NATIVE, type Served, serving } from "./support.js";

const QUESTION = [{ role: "user" as const, content: "What sound does a cow make?" }];
const PATH = "/v1/chat/completions";

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

async function ask(body: object): Promise<{ status: number; json: Json; headers: Headers }> {
  const response = await served.post(PATH, { model: NATIVE, messages: QUESTION, ...body });
  return { status: response.status, json: await response.json(), headers: response.headers };
}

async function events(body: object): Promise<Json[]> {
  return await eventsOf(await served.post(PATH, { model: NATIVE, messages: QUESTION, stream: true, ...body }));
}

describe("an answer", () => {
  it("is the library's, in OpenAI's shape", async () => {
    const { text, finishReason, usage } = await direct.generate(QUESTION);
    const { status, json, headers } = await ask({});
    expect(status).toBe(200);
    expect(headers.get("x-request-id")).toMatch(/^req_/);
    expect(json).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-/),
      object: "chat.completion",
      model: NATIVE,
      choices: [
        { index: 0, message: { role: "assistant", content: text }, logprobs: null, finish_reason: finishReason },
      ],
      usage: {
        prompt_tokens: Math.max(...Object.values(usage.memberPromptTokens)),
        completion_tokens: usage.steps,
        total_tokens: Math.max(...Object.values(usage.memberPromptTokens)) + usage.steps,
      },
    });
    expect(Math.abs(json.created - Date.now() / 1000)).toBeLessThan(600);
  });

  it("is the same piece by piece, with its tokens in a last event without choices", async () => {
    const { json } = await ask({});
    const all = await events({ stream_options: { include_usage: true } });
    expect(all.at(-1)).toBe("[DONE]");
    const chunks = all.slice(0, -1);
    expect(chunks[0].choices[0].delta).toEqual({ role: "assistant", content: "" });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: json.usage });
    const told = chunks.slice(0, -1);
    for (const chunk of told)
      expect(chunk).toMatchObject({ object: "chat.completion.chunk", usage: null, id: chunks[0].id });
    expect(told.map(({ choices: [{ delta }] }) => delta.content ?? "").join("")).toBe(json.choices[0].message.content);
    expect(told.map(({ choices: [{ finish_reason }] }) => finish_reason)).toEqual([
      ...told.slice(1).map(() => null),
      "stop",
    ]);
  });

  it("tells no usage in events unless asked", async () => {
    for (const chunk of (await events({ max_tokens: 2 })).slice(0, -1)) expect(chunk).not.toHaveProperty("usage");
  });

  it("draws as the library does with the same seed, and n answers with seeds of their own", async () => {
    const options = { temperature: 1, seed: 11 };
    const { json } = await ask({ ...options, n: 3, max_completion_tokens: 8 });
    const texts = json.choices.map(({ message }: Json) => message.content);
    for (const [index, text] of texts.entries()) {
      const own = await direct.generate(QUESTION, { temperature: 1, seed: 11 + index, maxTokens: 8 });
      expect(text).toBe(own.text);
    }
    expect(json.choices.map(({ index }: Json) => index)).toEqual([0, 1, 2]);
    const streamed = await events({ ...options, n: 3, max_tokens: 8 });
    const joined = [0, 1, 2].map((index) =>
      streamed
        .filter((chunk) => chunk !== "[DONE]" && chunk.choices[0].index === index)
        .map(({ choices: [{ delta }] }) => delta.content ?? "")
        .join(""),
    );
    expect(joined).toEqual(texts);
  });

  it("ends before a stop text and at max_tokens", async () => {
    const { json } = await ask({ stop: ["moo", "never"] });
    const { text } = await direct.generate(QUESTION);
    expect(text).toContain("moo");
    expect(json.choices[0]).toMatchObject({
      message: { content: text.slice(0, text.indexOf("moo")) },
      finish_reason: "stop",
    });
    const cut = await ask({ max_tokens: 2 });
    expect(cut.json).toMatchObject({ choices: [{ finish_reason: "length" }], usage: { completion_tokens: 2 } });
  });

  it("follows penalties, top_p 0, and every sampler option in snake_case", async () => {
    const body = { ...ENDLESS, max_tokens: 12 };
    const plain = (await ask(body)).json.choices[0].message.content;
    expect(
      (await ask({ ...body, frequency_penalty: 2, presence_penalty: 2 })).json.choices[0].message.content,
    ).not.toBe(plain);
    const greedy = (await ask({ max_tokens: 12 })).json.choices[0].message.content;
    expect((await ask({ ...body, top_p: 0 })).json.choices[0].message.content).toBe(greedy);
    expect((await ask({ ...body, top_k: 1 })).json.choices[0].message.content).toBe(greedy);
  });
});

describe("response_format", () => {
  const schema = {
    type: "object",
    properties: { animal: { enum: ["cow", "hen"] }, legs: { enum: [2, 4] } },
    required: ["animal", "legs"],
  };

  it("gives JSON of a schema, whole and piece by piece", async () => {
    const response_format = { type: "json_schema", json_schema: { name: "animal", strict: true, schema } };
    const { json } = await ask({ response_format, max_tokens: 60 });
    expect(json.choices[0].finish_reason).toBe("stop");
    const said = JSON.parse(json.choices[0].message.content);
    expect(Object.keys(said)).toEqual(["animal", "legs"]);
    expect(["cow", "hen"]).toContain(said.animal);
    const chunks = (await events({ response_format, max_tokens: 60 })).slice(0, -1);
    expect(chunks.map(({ choices: [{ delta }] }) => delta.content ?? "").join("")).toBe(
      json.choices[0].message.content,
    );
  });

  it("gives an object where no schema is given", async () => {
    const { json } = await ask({ response_format: { type: "json_object" }, max_tokens: 30 });
    expect(json.choices[0].message.content).toMatch(/^\s*\{/);
  });
});

describe("logprobs", () => {
  it("tell each token with its bytes and the candidates, whole and piece by piece", async () => {
    const { json } = await ask({ logprobs: true, top_logprobs: 3 });
    const [{ message, logprobs }] = json.choices;
    expect(logprobs.content.map(({ token }: Json) => token).join("")).toBe(message.content);
    for (const { token, logprob, bytes, top_logprobs } of logprobs.content) {
      expect(Buffer.from(bytes).toString()).toBe(token);
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top_logprobs.length).toBeGreaterThan(0);
      expect(top_logprobs.length).toBeLessThanOrEqual(3);
      // A greedy answer takes the first candidate.
      expect(top_logprobs[0]).toEqual({ token, logprob, bytes });
    }
    const streamed = (await events({ logprobs: true, top_logprobs: 3 })).slice(0, -1);
    expect(streamed.flatMap(({ choices: [choice] }) => choice.logprobs?.content ?? [])).toEqual(logprobs.content);
  });

  it("come without candidates where none are asked for, and as the library says them", async () => {
    const { json } = await ask({ logprobs: true, max_tokens: 4 });
    const { pieces } = await direct.generate(QUESTION, { maxTokens: 4, logProbs: true });
    const told = json.choices[0].logprobs.content;
    expect(told.map(({ top_logprobs }: Json) => top_logprobs)).toEqual([[], [], [], []]);
    expect(told.map(({ logprob }: Json) => logprob)).toEqual(pieces!.map(({ logProb }) => logProb));
  });
});

describe("tools", () => {
  const parameters = { type: "object", properties: { city: { enum: ["Bonn", "Rome"] } }, required: ["city"] };
  const tools = [{ type: "function", function: { name: "weather", parameters, strict: true } }];
  const forced = { tools, tool_choice: "required", parallel_tool_calls: false, max_tokens: 80 };

  it("are called as OpenAI's API has it, whole and piece by piece", async () => {
    const { json } = await ask(forced);
    const [{ message, finish_reason }] = json.choices;
    expect([message.content, finish_reason]).toEqual([null, "tool_calls"]);
    const [call] = message.tool_calls;
    expect([call.type, call.function.name]).toEqual(["function", "weather"]);
    expect(call.id).toMatch(/^call_\w{24}$/);
    expect(["Bonn", "Rome"]).toContain(JSON.parse(call.function.arguments).city);
    const deltas = (await events(forced))
      .slice(0, -1)
      .flatMap(({ choices }) => choices)
      .map(({ delta }) => delta);
    expect(deltas.map(({ content = "" }) => content).join("")).toBe("");
    const streamed = deltas.flatMap(({ tool_calls = [] }) => tool_calls);
    expect(streamed).toEqual([{ index: 0, id: expect.any(String), type: "function", function: call.function }]);
    // The conversation goes on with what the function says.
    const messages = [...QUESTION, message, { role: "tool", tool_call_id: call.id, content: "Rain." }];
    const next = await ask({ messages, tools, max_tokens: 4 });
    expect([next.status, next.json.choices[0].message.role]).toEqual([200, "assistant"]);
  });

  it("leave an answer alone that calls none", async () => {
    const { json } = await ask({ tools, tool_choice: "none", max_tokens: 4 });
    expect(json.choices[0].message.tool_calls).toBeUndefined();
  });
});

describe("a request is refused, and its parameter named", () => {
  it.each([
    [{ tools: [{ type: "function" }] }, "tools.0.function", "invalid_option"],
    [{ tools: [{ type: "function", function: { name: "a b" } }] }, "tools[0].name", "invalid_option"],
    [{ tool_choice: "required" }, "tool_choice", "invalid_option"],
    [{ response_format: { type: "yaml" } }, "response_format.type", "invalid_option"],
    [{ response_format: { type: "json_schema" } }, "response_format.json_schema.schema", "invalid_option"],
    [{ logit_bias: { 5: 1 } }, "logit_bias", "unsupported_parameter"],
    [
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "data:" } }] }] },
      "messages.0.content.0",
      "unsupported_parameter",
    ],
    [{ messages: [{ role: "function", content: "4" }] }, "messages.0", "unsupported_parameter"],
    [{ messages: [{ role: "bard", content: "x" }] }, "messages.0.role", "invalid_option"],
    [{ messages: [] }, "messages", "invalid_option"],
    [{ messages: [{ role: "user", content: "" }] }, null, "invalid_text"],
    [{ temperature: -1 }, "temperature", "invalid_option"],
    [{ temperature: "hot" }, "temperature", "invalid_option"],
    [{ min_p: 3 }, "min_p", "invalid_option"],
    [{ xtc_threshold: 0.2 }, "xtc_threshold", "invalid_option"],
    [{ top_logprobs: 2 }, "top_logprobs", "invalid_option"],
    [{ logprobs: true, top_logprobs: 21 }, "top_logprobs", "invalid_option"],
    [{ n: 0 }, "n", "invalid_option"],
    [{ stop: [""] }, "stop.0", "invalid_option"],
    [{ seed: -1 }, "seed", "invalid_option"],
    [{ temprature: 1 }, "temprature", "unknown_parameter"],
    [{ stream_options: { usage: true } }, "stream_options.usage", "unknown_parameter"],
    [{ model: 3 }, "model", "invalid_option"],
  ])("%j", async (body, param, code) => {
    for (const stream of [false, true]) {
      const { status, json } = await ask({ ...body, stream });
      expect(json).toEqual({ error: { message: expect.any(String), type: "invalid_request_error", param, code } });
      expect(status).toBe(400);
      expect(json.error.message).toMatch(/^[^\n]+\.$|\?$/);
    }
  });

  it("where the model is not there, with those that are", async () => {
    for (const model of ["gpt-4", "../x", "llamafuse/nativ", "__proto__", "constructor"]) {
      const { status, json } = await ask({ model });
      expect(status).toBe(404);
      expect(json.error).toMatchObject({ param: "model", code: "model_not_found" });
      expect(json.error.message).toContain(NATIVE);
    }
  });

  it("where no model is named, or something else than a name, with the models", async () => {
    for (const model of [undefined, null, 3, "", {}]) {
      const { status, json } = await ask({ model });
      expect([status, json.error.param, json.error.code]).toEqual([400, "model", "invalid_option"]);
      expect(json.error.message).toContain(`Models: ${NATIVE}.`);
    }
  });

  it("where the prompt does not fit, as its own status", async () => {
    const content = "one two three ".repeat(4000);
    for (const stream of [false, true]) {
      const { status, json } = await ask({ messages: [{ role: "user", content }], stream });
      expect(status).toBe(413);
      expect(json.error.code).toBe("context_length_exceeded");
    }
  });

  it("but not for what asks for nothing", async () => {
    const nothing = {
      user: "u",
      metadata: { a: "b" },
      store: false,
      tools: [],
      tool_choice: "auto",
      response_format: { type: "text" },
      logit_bias: {},
      modalities: ["text"],
      parallel_tool_calls: true,
      stop: null,
      temperature: null,
      n: null,
      seed: null,
      max_tokens: 1,
    };
    expect((await ask(nothing)).status).toBe(200);
  });
});
