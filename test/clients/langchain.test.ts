/** LangChain.js, by its class for OpenAI's API. */
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { ChatOpenAI, OpenAI } from "@langchain/openai";
import { describe, expect, it } from "vitest";
import { NATIVE, serving } from "../server/support.js";

const { server } = await serving();
const shared = {
  model: NATIVE,
  apiKey: "any",
  temperature: 0,
  maxRetries: 0,
  configuration: { baseURL: `${server.address}/v1` },
};
const chat = new ChatOpenAI({ ...shared, maxTokens: 40 });
const messages = [new SystemMessage("Answer in a sentence."), new HumanMessage("What sound does a cow make?")];

describe("LangChain.js", () => {
  it("asks a conversation, with usage and the reason of its end", async () => {
    const { content, usage_metadata, response_metadata } = await chat.invoke(messages);
    expect(content).toMatch(/moo/i);
    expect(usage_metadata).toMatchObject({ input_tokens: expect.any(Number), output_tokens: expect.any(Number) });
    expect(response_metadata).toMatchObject({ finish_reason: "stop" });
  });

  it("streams the same text", async () => {
    const { content } = await chat.invoke(messages);
    let text = "";
    let parts = 0;
    for await (const chunk of await chat.stream(messages)) {
      text += chunk.content;
      parts++;
    }
    expect(parts).toBeGreaterThan(2);
    expect(text).toBe(content);
  });

  it("runs chains in a batch", async () => {
    const chain = ChatPromptTemplate.fromMessages([["user", "What sound does a {animal} make?"]]).pipe(chat);
    const answers = await chain.batch([{ animal: "cow" }, { animal: "hen" }, { animal: "duck" }]);
    expect(answers.map(({ content }) => typeof content)).toEqual(["string", "string", "string"]);
  });

  it("continues a text", async () => {
    const llm = new OpenAI({ ...shared, maxTokens: 8 });
    expect((await llm.invoke("Question: What is a young deer?\nAnswer:")).length).toBeGreaterThan(0);
  });

  it("reads our errors", async () => {
    const other = new ChatOpenAI({ ...shared, model: "nobody" });
    await expect(other.invoke(messages)).rejects.toThrow(/Unknown model "nobody"/);
  });
});
