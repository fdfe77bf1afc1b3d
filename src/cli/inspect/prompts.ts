/** What each model reads where a question is put to it: text with its control tokens visible, and ids. */
import { type ChatMessage, type PromptOptions, renderPrompt } from "../../decoding/prompt.js";
import type { MemberFacts, MemberPrompt } from "../../member/member.js";
import { TokenClass, type Vocabulary } from "../../vocabulary/vocabulary.js";
import { oneLine } from "../terminal.js";

/** What is needed of a model to read a prompt as it does. */
export interface PromptReader {
  name: string;
  facts: MemberFacts;
  vocabulary: Vocabulary;
  templateVariables?: Readonly<Record<string, unknown>>;
  encode(prompt: MemberPrompt): Int32Array;
}

export interface ReadPrompt {
  name: string;
  /** Whether it has a chat template; without one it reads plain "User:" and "Assistant:" lines. */
  chatTemplate: boolean;
  /** With control tokens in ⟨ ⟩. */
  text: string;
  ids: number[];
  /** What its template says before the question in words of its own, if anything. */
  ownSystem?: string;
}

export function readPrompts(
  readers: readonly PromptReader[],
  question: string,
  system: string | undefined,
  options: PromptOptions,
): { prompts: ReadPrompt[]; warnings: string[] } {
  const told = system === undefined ? [] : [{ role: "system", content: system } as const];
  const messages: ChatMessage[] = [...told, { role: "user", content: question }];
  const prompts = readers.map((reader) => readPrompt(reader, messages, question, options));
  return { prompts, warnings: warningsOf(prompts) };
}

function readPrompt(
  reader: PromptReader,
  messages: readonly ChatMessage[],
  question: string,
  options: PromptOptions,
): ReadPrompt {
  const { name, facts } = reader;
  const { prompt } = renderPrompt(messages, reader, options);
  const ids = reader.encode(prompt);
  const ownSystem = ownWords(reader, prompt, question);
  return {
    name,
    chatTemplate: (facts.chatTemplate ?? "").trim() !== "",
    text: shownTokens(ids, reader.vocabulary),
    ids: Array.from(ids),
    ...(ownSystem === "" ? {} : { ownSystem }),
  };
}

function shownTokens(ids: Int32Array, vocabulary: Vocabulary): string {
  const parts = Array.from(ids, (id) =>
    vocabulary.classOf(id) === TokenClass.text ? vocabulary.bytesOf(id) : Buffer.from(`⟨${vocabulary.textOf(id)}⟩`),
  );
  return Buffer.concat(parts).toString("utf8");
}

/** Lines that only say whose turn it is. */
const ROLE = /^[\W_]*(system|user|human|assistant|developer|model|instruction)?[\W_]*$/i;
/** Fewer words than this are the format's. */
const LEAST_WORDS = 3;

/** What the template writes before the question, without control tokens and the names of roles. */
function ownWords(reader: PromptReader, { text, letters = [] }: MemberPrompt, question: string): string {
  const end = Buffer.from(text).indexOf(question.trim(), letters[0] ?? 0);
  const written: Uint8Array[] = [];
  for (let index = 0, at = 0; index <= letters.length; index += 2) {
    const until = Math.min(letters[index] ?? text.length, end < 0 ? text.length : end);
    if (until > at) written.push(text.subarray(at, until));
    at = letters[index + 1] ?? text.length;
  }
  const ids = written.flatMap((part) => Array.from(reader.encode({ text: part, parseSpecial: true, addBos: false })));
  const { vocabulary } = reader;
  const parts = ids.map((id) =>
    vocabulary.classOf(id) === TokenClass.text ? vocabulary.bytesOf(id) : Buffer.from("\n"),
  );
  const lines = Buffer.concat(parts).toString("utf8").split("\n");
  const words = oneLine(
    lines
      .filter((line) => !ROLE.test(line))
      .join(" ")
      .replace(/\s+/g, " "),
  );
  return words.split(" ").length < LEAST_WORDS ? "" : words;
}

function warningsOf(prompts: readonly ReadPrompt[]): string[] {
  if (new Set(prompts.map(({ ownSystem }) => ownSystem)).size <= 1) return [];
  const told = prompts.map(({ name, ownSystem }) => {
    return `${oneLine(name)}: ${ownSystem === undefined ? "none" : JSON.stringify(ownSystem)}`;
  });
  return [
    `The members' templates have different system prompts of their own (${told.join("; ")}). Most templates leave theirs out where a system message is given: --system TEXT.`,
  ];
}
