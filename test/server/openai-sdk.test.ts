/** OpenAI's own package against our server. */
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";
import { ENDLESS, NATIVE, serving } from "./support.js";

const KEY = "a-key-of-this-server";
const at = temporaryFolder();
const { server } = await serving({ apiKeyFile: at("keys", KEY) });
const client = new OpenAI({ baseURL: `${server.address}/v1`, apiKey: KEY, maxRetries: 0 });
const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "What sound does a cow make?" }];

describe("the openai package", () => {
  it("lists and finds models", async () => {
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toEqual([NATIVE]);
    expect(await client.models.retrieve(NATIVE)).toMatchObject({ id: NATIVE, object: "model" });
  });

  it("has answers whole and as a stream, with logprobs and usage", async () => {
    const { choices, usage, _request_id } = await client.chat.completions.create({
      model: NATIVE,
      messages,
      logprobs: true,
      top_logprobs: 2,
    });
    expect(choices[0].message.content).toMatch(/moo/);
    expect(choices[0].logprobs?.content?.map(({ token }) => token).join("")).toBe(choices[0].message.content);
    expect(_request_id).toMatch(/^req_/);
    const stream = await client.chat.completions.create({
      model: NATIVE,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let told: OpenAI.CompletionUsage | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      told = chunk.usage ?? told;
    }
    expect(text).toBe(choices[0].message.content);
    expect(told).toEqual(usage);
  });

  it("collects a stream by its helper", async () => {
    const runner = client.chat.completions.stream({ model: NATIVE, messages, logprobs: true });
    const deltas: string[] = [];
    runner.on("content.delta", ({ delta }) => deltas.push(delta));
    const final = await runner.finalChatCompletion();
    expect(deltas.join("")).toBe(final.choices[0].message.content);
    expect(final.choices[0].finish_reason).toBe("stop");
  });

  it("reads calls of tools, whole and by its helper", async () => {
    const parameters = { type: "object", properties: { city: { enum: ["Bonn", "Rome"] } }, required: ["city"] };
    const asked = {
      model: NATIVE,
      messages,
      tools: [{ type: "function" as const, function: { name: "weather", parameters } }],
      tool_choice: { type: "function" as const, function: { name: "weather" } },
      parallel_tool_calls: false,
      max_tokens: 80,
    };
    const { choices } = await client.chat.completions.create(asked);
    expect(choices[0].finish_reason).toBe("tool_calls");
    const [called] = choices[0].message.tool_calls!;
    const final = await client.chat.completions.stream(asked).finalChatCompletion();
    expect(final.choices[0].message.tool_calls).toMatchObject([{ type: "function", function: { name: "weather" } }]);
    expect(called).toMatchObject({ function: final.choices[0].message.tool_calls![0].function });
  });

  it("leaves a stream, and is answered next", async () => {
    const stream = await client.chat.completions.create({ model: NATIVE, messages, stream: true, ...ENDLESS });
    for await (const _ of stream) break;
    const { choices } = await client.chat.completions.create({ model: NATIVE, messages, max_tokens: 1 });
    expect(choices[0].finish_reason).toBe("length");
  });

  it("continues texts", async () => {
    const { choices } = await client.completions.create({
      model: NATIVE,
      prompt: ["Question: What is a young deer?\nAnswer:", "Once"],
      max_tokens: 3,
      logprobs: 1,
    });
    expect(choices.map(({ logprobs }) => logprobs?.tokens?.length)).toEqual([3, 3]);
  });

  it("answers by the Responses API, whole and by its events", async () => {
    const asked = { model: NATIVE, input: "What sound does a cow make?", instructions: "Answer in a sentence." };
    const response = await client.responses.create(asked);
    expect(response).toMatchObject({ status: "completed", output: [{ type: "message", status: "completed" }] });
    expect(response.output_text).toMatch(/moo/);
    expect(response.usage!.total_tokens).toBe(response.usage!.input_tokens + response.usage!.output_tokens);
    const runner = client.responses.stream(asked);
    const types: string[] = [];
    let text = "";
    for await (const event of runner) {
      types.push(event.type);
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    expect(text).toBe(response.output_text);
    expect((await runner.finalResponse()).output).toMatchObject([{ type: "message", content: [{ text }] }]);
    expect([types[0], types.at(-1)]).toEqual(["response.created", "response.completed"]);
    const parts = [{ role: "user" as const, content: [{ type: "input_text" as const, text: asked.input }] }];
    const cut = await client.responses.create({ ...asked, input: parts, max_output_tokens: 2 });
    expect(cut).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
    for (const [more, param] of [
      [{ previous_response_id: "resp_1" }, "previous_response_id"],
      [{ tools: [{ type: "web_search" }] }, "tools"],
      [{ text: { format: { type: "json_schema" } } }, "text.format.schema"],
      [{ input: [{ type: "function_call_output" }] }, "input.0"],
      [{ input: [{ role: "user", content: [{ type: "input_image" }] }] }, "input.0.content.0"],
    ] as const) {
      await expect(client.responses.create({ ...asked, ...(more as object) } as never)).rejects.toMatchObject({
        status: 400,
        param,
      });
    }
  });

  it("throws its own errors, with our words", async () => {
    const create = (body: object, with_ = client) =>
      with_.chat.completions.create({ model: NATIVE, messages, ...body } as OpenAI.ChatCompletionCreateParams);
    await expect(create({ model: "x" })).rejects.toMatchObject({
      constructor: OpenAI.NotFoundError,
      code: "model_not_found",
      param: "model",
      requestID: expect.stringMatching(/^req_/),
    });
    await expect(create({ temperature: -1 })).rejects.toMatchObject({
      constructor: OpenAI.BadRequestError,
      param: "temperature",
    });
    const stranger = new OpenAI({ baseURL: `${server.address}/v1`, apiKey: "sk-another-key-of-ours", maxRetries: 0 });
    await expect(create({}, stranger)).rejects.toMatchObject({ constructor: OpenAI.AuthenticationError });
  });
});
