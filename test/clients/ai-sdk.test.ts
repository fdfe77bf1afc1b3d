/** Vercel's AI SDK, by its provider for whatever speaks OpenAI's API. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, jsonSchema, streamText, tool } from "ai";
import { describe, expect, it } from "vitest";
import { NATIVE, serving } from "../server/support.js";

const { server } = await serving();
const provider = createOpenAICompatible({ name: "llamafuse", baseURL: `${server.address}/v1`, includeUsage: true });
const model = provider(NATIVE);
const completion = provider.completionModel(NATIVE);
const system = "Answer in a sentence.";
const messages = [{ role: "user" as const, content: "What sound does a cow make?" }];

describe("the AI SDK", () => {
  it("generates a text, with its usage and the reason of its end", async () => {
    const { text, finishReason, usage } = await generateText({
      model,
      system,
      messages,
      maxOutputTokens: 40,
      temperature: 0,
    });
    expect(text).toMatch(/moo/i);
    expect(finishReason).toBe("stop");
    expect(usage.inputTokens).toBeGreaterThan(0);
    expect(usage.outputTokens).toBeGreaterThan(0);
  });

  it("streams the same text", async () => {
    const { text } = await generateText({ model, system, messages, maxOutputTokens: 40, temperature: 0 });
    const result = streamText({ model, system, messages, maxOutputTokens: 40, temperature: 0 });
    const parts: string[] = [];
    for await (const part of result.textStream) parts.push(part);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.join("")).toBe(text);
    expect(await result.finishReason).toBe("stop");
    expect((await result.usage).outputTokens).toBe(parts.length + 1);
  });

  it("calls a tool and runs it, whole and as a stream", async () => {
    const cities: string[] = [];
    const weather = tool({
      description: "The weather in a city.",
      inputSchema: jsonSchema<{ city: string }>({
        type: "object",
        properties: { city: { type: "string", enum: ["Bonn", "Rome"] } },
        required: ["city"],
        additionalProperties: false,
      }),
      execute: async ({ city }) => {
        cities.push(city);
        return "Rain.";
      },
    });
    const providerOptions = { llamafuse: { parallel_tool_calls: false } };
    const asked = { model, messages, tools: { weather }, maxOutputTokens: 120, temperature: 0, providerOptions };
    const { finishReason, toolCalls, toolResults } = await generateText({ ...asked, toolChoice: "required" });
    expect(finishReason).toBe("tool-calls");
    expect(toolCalls.length).toBe(1);
    expect(toolResults.map(({ output }) => output)).toEqual(cities.map(() => "Rain."));
    for (const city of cities) expect(["Bonn", "Rome"]).toContain(city);
    const streamed = streamText({ ...asked, toolChoice: "required" });
    expect(await streamed.finishReason).toBe("tool-calls");
    expect((await streamed.toolCalls).map(({ input }) => input)).toEqual(toolCalls.map(({ input }) => input));
  });

  it("continues a text", async () => {
    const prompt = "Question: What is a young deer?\nAnswer:";
    const { text } = await generateText({
      model: completion,
      prompt,
      maxOutputTokens: 20,
      temperature: 0,
      maxRetries: 0,
    });
    expect(text.length).toBeGreaterThan(0);
  });

  it("can be stopped by its signal", async () => {
    const stop = new AbortController();
    const result = streamText({
      model,
      messages,
      maxOutputTokens: 400,
      temperature: 2,
      seed: 7,
      abortSignal: stop.signal,
      onError: () => {},
    });
    let seen = 0;
    for await (const _ of result.textStream) if (++seen === 2) stop.abort();
    expect(seen).toBeLessThan(400);
    const { data } = (await (await fetch(`${server.address}/v1/models`)).json()) as { data: { llamafuse: object }[] };
    expect(data[0].llamafuse).toMatchObject({ waiting: 0 });
  });

  it("reads our errors", async () => {
    const unknown = generateText({ model: provider("nobody"), messages, maxRetries: 0 });
    const error = await unknown.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ statusCode: 404, message: expect.stringContaining(NATIVE), isRetryable: false });
  });
});
