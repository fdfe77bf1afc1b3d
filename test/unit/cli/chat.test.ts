/** What a chat reads, keeps and saves. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Conversation } from "../../../src/cli/chat/conversation.js";
import { MessageReader } from "../../../src/cli/chat/message-reader.js";
import { PasteFilter, withoutMarks } from "../../../src/cli/chat/paste-filter.js";
import { loadConversation, saveConversation } from "../../../src/cli/chat/saved-conversation.js";
import { ChatSession } from "../../../src/cli/chat/session.js";
import { refusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();

describe("/set", () => {
  const session = () => new ChatSession({ members: undefined, answering: {} as never }, new Conversation(), {});

  it("takes stop, thinking and speculation beside the sampler's flags, and says what is set", () => {
    const chat = session();
    chat.set("stop", "\nEnd");
    chat.set("thinking", "200");
    chat.set("speculation", "auto");
    chat.set("temperature", "0.5");
    expect(chat.requestOptions).toEqual({
      stop: ["\nEnd"],
      thinking: { budget: 200 },
      speculation: "auto",
      temperature: 0.5,
    });
    expect(chat.settings).toBe('temperature 0.5\nstop "\\nEnd"\nthinking 200\nspeculation auto');
    chat.set("stop", "default");
    chat.set("speculation", "off");
    expect(chat.requestOptions).toMatchObject({ stop: undefined, speculation: false });
  });

  it("names all options where there is none of a name", async () => {
    const { details } = await refusal(() => session().set("nothing", "1"));
    expect(details.allowed).toEqual(expect.arrayContaining(["max-tokens", "stop", "thinking", "speculation", "seed"]));
    expect((await refusal(() => session().set("speculation", "on"))).message).toContain("auto, off or default");
  });

  it("says what an option does not go with", async () => {
    const chat = session();
    chat.set("temperature", "0.8");
    chat.set("mirostat", "2");
    const { message } = await refusal(() => chat.set("temperature", "0"));
    expect(message).toMatch(/^temperature 0 does not go with mirostat 2.*\/set mirostat default/);
    expect((await refusal(() => chat.set("healing", "true"))).message).toMatch(/^healing continues a prompt/);
  });
});

describe("messages of a chat", () => {
  const read = (...lines: string[]) => {
    const reader = new MessageReader();
    const messages = lines.flatMap((line) => reader.push(line) ?? []);
    return { messages, reader };
  };

  it("are lines", () => {
    expect(read("a", " /b").messages).toEqual([
      { text: "a", isBlock: false },
      { text: " /b", isBlock: false },
    ]);
  });

  it('are what stands between """ and """', () => {
    const block = (text: string) => [{ text, isBlock: true }];
    expect(read('"""', "a", "", " b", '"""').messages).toEqual(block("a\n\n b"));
    expect(read('"""a', 'b"""').messages).toEqual(block("a\nb"));
    expect(read('"""a"""').messages).toEqual(block("a"));
    expect(read('"""a\nb"""').messages).toEqual(block("a\nb"));
    expect(read('say """').messages).toEqual([{ text: 'say """', isBlock: false }]);
  });

  it("without an end are an error where the lines end", async () => {
    const { reader, messages } = read('"""', "a");
    expect(messages).toEqual([]);
    expect(reader.isOpen).toBe(true);
    expect((await refusal(() => reader.end())).code).toBe("invalid-text");
    reader.clear();
    reader.end();
  });
});

describe("a paste", () => {
  /** What readline sees of these chunks. */
  async function seen(...chunks: string[]): Promise<string> {
    const filter = new PasteFilter({} as NodeJS.ReadStream);
    let text = "";
    filter.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
    });
    for (const chunk of chunks) filter.write(chunk);
    filter.end();
    await new Promise((resolve) => filter.once("end", resolve));
    return text;
  }

  it("has its line breaks as marks that turn back into line breaks", async () => {
    const line = await seen("\x1b[200~a\r\nb\n\tc ⏎\x1b[201~");
    expect(line).not.toMatch(/[\r\n]/);
    expect(withoutMarks(line)).toBe("a\nb\n\tc ⏎");
  });

  it("presses no keys", async () => {
    expect(await seen("\x1b[200~\x03a\x1b[A\x04\x7f\x1b[201~\r")).toBe("a[A\r");
  });

  it("may come in pieces of any size, among keys that pass as they are", async () => {
    const typed = "é\x1b[A\x1b[2~\x1b";
    const whole = `${typed}x\x1b[200~ä\nb\x1b[201~\r`;
    for (const size of [1, 2, 3, 5, 100]) {
      const chunks = whole.match(new RegExp(`[\\s\\S]{1,${size}}`, "g"))!;
      expect(withoutMarks(await seen(...chunks))).toBe(`${typed}xä\nb\r`);
    }
  });
});

describe("a saved conversation", () => {
  const talk = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "a\nb" },
    { role: "assistant", content: "c" },
  ] as const;

  it("continues where it was", async () => {
    const conversation = new Conversation();
    conversation.restore(talk);
    const file = at("talk.json");
    await saveConversation(file, conversation.messages);
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(talk);
    expect(await loadConversation(file)).toEqual(talk);
    expect(conversation.system).toBe("Be brief.");
    conversation.ask("d");
    expect(conversation.messages).toHaveLength(4);
  });

  it.each([
    ["no JSON", "hello", /is not JSON/],
    ["no messages", '{"a": 1}', /no array of messages/],
    ["another role", '[{"role": "tool", "content": "x"}]', /message 1 has the role "tool"/],
    ["no text", '[{"role": "user", "content": 3}]', /message 1 has no text/],
    ["two questions on end", JSON.stringify([...talk, talk[1], talk[1]]), /message 5 is the user's/],
    ["no last answer", JSON.stringify(talk.slice(0, 2)), /last question has no answer/],
  ])("is refused with %s", async (_, text, message) => {
    const error = await refusal(() => loadConversation(at("bad.json", text)));
    expect(error.code).toBe("invalid-data");
    expect(error.message).toMatch(message);
  });
});
