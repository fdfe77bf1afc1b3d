/** What a prompt may be: what is refused, with what was found and where. */
import { describe, expect, it } from "vitest";
import { contentText, isContinued } from "../../../src/decoding/messages.js";
import { checkPrompt } from "../../../src/decoding/prompt.js";
import { formatDate } from "../../../src/decoding/template-date.js";
import { refusal } from "../../support/refusal.js";

const user = { role: "user", content: "hi" };
const said = (content: unknown) => [user, { role: "assistant", content: "ho" }, { role: "user", content }];
const KINDS = "string | Uint8Array | ChatMessage[]";
const PARTS = "string | { type: 'text', text: string }[]";

describe("a prompt is refused", () => {
  it.each<[string, unknown, RegExp, object]>([
    [
      "nothing",
      undefined,
      /string, bytes or a list of messages; found undefined/,
      { found: "undefined", allowed: KINDS },
    ],
    ["null", null, /; found null/, { found: "null", allowed: KINDS }],
    ["a number", 5, /; found number/, { found: "number", allowed: KINDS }],
    ["an empty text", "", /^The prompt is empty/, { found: "" }],
    ["no bytes", new Uint8Array(), /^The prompt is empty/, { found: "" }],
    [
      "half a pair at its start",
      "\ud800a",
      /index 0 .*\(U\+D800\)/,
      { found: "U+D800", at: 0, allowed: "well-formed Unicode" },
    ],
    ["half a pair at its end", "ab\udc01", /index 2 .*\(U\+DC01\)/, { found: "U+DC01", at: 2 }],
    [
      "bytes that begin no character",
      Uint8Array.of(0x80),
      /byte 0x80 at offset 0/,
      { found: "0x80", at: 0, allowed: "UTF-8" },
    ],
    ["a byte below 16 within a character", Uint8Array.of(0x61, 0xc3, 0x05), /at offset/, { allowed: "UTF-8" }],
    ["no messages", [], /no messages. Give at least one/, { found: 0, allowed: ">= 1" }],
    ["a role that does not exist", [{ role: "usr", content: "a" }], /usr.*user/, { found: "usr" }],
    ["a message that is none", [null], /undefined/, {}],
    [
      "a content of no kind",
      said(5),
      /content of message 3 must be text.*found number/,
      { found: "number", message: 3, allowed: PARTS },
    ],
    ["a content that is missing", said(undefined), /message 3.*found undefined/, { found: "undefined" }],
    [
      "a part that is an image",
      said([{ type: "text", text: "a" }, { type: "image_url" }]),
      /found a part of the type "image_url"/,
      { message: 3 },
    ],
    ["a part whose text is none", said([{ type: "text", text: 5 }]), /message 3.*found object/, { found: "object" }],
    ["a part without a type", said([{ text: "a" }]), /message 3.*found object/, { found: "object" }],
    ["a part that is none", said([null]), /message 3.*found object/, { found: "object" }],
    ["half a pair in a message", said("\udfff"), /^Message 3 is not UTF-8/, { found: "U+DFFF", at: 0 }],
    ["an empty question", said(" \n"), /user's last message is empty/, { found: " \n", message: 3 }],
    ["empty parts", said([{ type: "text", text: "" }]), /user's last message is empty/, { message: 3 }],
    [
      "a last instruction behind an empty question",
      [
        { role: "user", content: "" },
        { role: "system", content: "x" },
      ],
      /user's last message is empty/,
      { found: "", message: 1 },
    ],
    ["an empty instruction alone", [{ role: "system", content: "" }], /last message is empty/, { message: 1 }],
    [
      "an answer that is begun with nothing",
      [user, { role: "assistant", content: " " }],
      /assistant's and empty/,
      { found: " ", message: 2 },
    ],
  ])("%s", async (_, prompt, message, details) => {
    const error = await refusal(() => checkPrompt(prompt as never));
    expect(error.message).toMatch(message);
    expect(error.details).toMatchObject(details);
  });
});

it.each<[string, unknown]>([
  ["text", "a"],
  ["a whole pair", "\ud83d\ude00"],
  ["bytes", Buffer.from("é")],
  [
    "parts of text",
    said([
      { type: "text", text: "a" },
      { type: "text", text: "" },
    ]),
  ],
  ["an answer that is begun", [user, { role: "assistant", content: "b" }]],
  [
    "a tool's answer to an empty question",
    [
      { role: "user", content: "" },
      { role: "tool", content: "x" },
    ],
  ],
  ["an instruction alone", [{ role: "system", content: "x" }]],
  ["an empty answer before the last question", [user, { role: "assistant", content: "" }, user]],
])("a prompt may be %s", (_, prompt) => {
  expect(() => checkPrompt(prompt as never)).not.toThrow();
});

it("parts are one text, and an answer is begun where the assistant speaks last", () => {
  expect(
    contentText({
      content: [
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ],
    }),
  ).toBe("ab");
  expect([[], [user], [{ role: "assistant" }]].map((messages) => isContinued(messages as never))).toEqual([
    ...[false, false, true],
  ]);
});

it("dates in templates are Python's", () => {
  const at = (hours: number) => new Date(2026, 2, 1, hours, 5, 9);
  const format = "%a %A %b %B %d %F %H %I %j %m %M %p %S %T %y %Y %% %-d %-H %-j %q %-q";
  expect(formatDate(at(0), format)).toBe(
    "Sun Sunday Mar March 01 2026-03-01 00 12 060 03 05 AM 09 00:05:09 26 2026 % 1 0 60 %q %-q",
  );
  expect([11, 12, 13, 23].map((hours) => formatDate(at(hours), "%I%p %-I"))).toEqual([
    ...["11AM 11", "12PM 12", "01PM 1", "11PM 11"],
  ]);
  expect(formatDate(at(7), "%-F %-T")).toBe("2026-03-01 7:05:09");
  expect(formatDate(at(10), "%-H")).toBe("10");
  // Summer time and leap years move no day.
  expect(formatDate(new Date(2024, 11, 31), "%j")).toBe("366");
});
