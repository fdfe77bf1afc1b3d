/** Vercel's AI SDK, by its provider for whatever speaks OpenAI's API. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, streamText } from "ai";
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
