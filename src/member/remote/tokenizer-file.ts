/**
 * A tokenizer.json on this machine for a model on another: vLLM and OpenAI's API tell no vocabulary. What it lacks (which
 * tokens end an answer, the chat template) stands in the files beside it, as Hugging Face keeps them. Its tokens are compared
 * with the server's own before anything is asked.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { SpecialTokens } from "../../llama/special-tokens.js";
import type { EncodeOptions } from "../../llama/tokenizer.js";
import { readTokenizerJson } from "../../vocabulary/tokenizer-json.js";
import { TokenClass, Vocabulary } from "../../vocabulary/vocabulary.js";
import type { Encoder } from "../llama/piece-encoder.js";
import type { Connection } from "./connection.js";

/** How end tokens are written, whatever else a model's files say of them: llama.cpp's list. */
const END_TEXTS = new Set([
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<end_of_turn>",
  "<turn|>",
  "<|endoftext|>",
  "<|eom_id|>",
  "<EOT>",
  "_<EOT>",
  "<|end_of_text|>",
  "<end_of_utterance>",
  "<eos>",
  "</s>",
  "<|return|>",
  "<|call|>",
]);

/** Texts whose tokens a server and a file must agree on: words, cases, digits, white space, scripts, code. */
export const PROOF_TEXTS = [
  "The quick brown fox's 12345 jumps; over 3.14 LAZY dogs\n\n  don't\tthey?",
  "été à la mer, Привет мир, 今天天气很好。明日は 안녕 😀🎉",
  '{"a": [1, 2.5, "x_y"], "b": null}\nfor (let i = 0; i < 10; i++) { f(i); } // ok',
  " leading and trailing  spaces ",
];

const token = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]);
const tokenizerConfig = z.object({
  bos_token: token.nullish(),
  eos_token: token.nullish(),
  chat_template: z.string().nullish().catch(undefined),
});
const generationConfig = z.object({ eos_token_id: z.union([z.int(), z.array(z.int())]).nullish() });

export interface FileTokenizer extends Encoder {
  bosText: string;
  eosText: string;
  chatTemplate?: string;
}

/** Errors: file-unreadable, invalid-model, unsupported-model. */
export function openTokenizerFile(file: string): FileTokenizer {
  const { vocabulary: plain, encodeLetters, specials, literals, firstToken } = readTokenizerJson(file);
  const folder = path.dirname(file);
  const config = beside(folder, "tokenizer_config.json", tokenizerConfig) ?? {};
  const named = beside(folder, "generation_config.json", generationConfig)?.eos_token_id ?? [];
  const ends = new Set([named].flat());
  for (const { id, text } of specials) if (text === config.eos_token || END_TEXTS.has(text)) ends.add(id);
  const classes = plain.data.classes.slice();
  for (const id of ends) if (id < classes.length && classes[id] === TokenClass.control) classes[id] = TokenClass.end;
  const idOfText = (text: string | null | undefined) => specials.find((each) => each.text === text)?.id;
  const string = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
  const [letter] = encodeLetters("a");
  const vocabulary = new Vocabulary({
    ...plain.data,
    classes,
    bos: idOfText(config.bos_token) ?? firstToken,
    addsSpacePrefix: letter !== undefined && string(plain.bytesOf(letter)) === " a",
  });
  const written = new SpecialTokens(specials);
  return {
    vocabulary,
    literals,
    bosText: config.bos_token ?? "",
    eosText: config.eos_token ?? "",
    chatTemplate: config.chat_template ?? templateBeside(folder),
    encode(text: Uint8Array, { parseSpecial, addBos, letters = [] }: EncodeOptions): Int32Array {
      const pieces = parseSpecial ? written.split(text, letters) : [{ start: 0, end: text.length }];
      const ids = pieces.flatMap((piece) =>
        "id" in piece
          ? [piece.id]
          : piece.end > piece.start
            ? encodeLetters(string(text.subarray(piece.start, piece.end)))
            : [],
      );
      return Int32Array.from(addBos && firstToken >= 0 ? [firstToken, ...ids] : ids);
    },
  };
}

/** Error: member-failed where the server reads a text otherwise. */
export function checkSameTokens(
  connection: Connection,
  file: string,
  text: string,
  own: ArrayLike<number>,
  theirs: ArrayLike<number>,
): void {
  const own_ = Array.from(own);
  if (own_.length === theirs.length && own_.every((id, place) => id === theirs[place])) return;
  const found = Array.from(theirs).slice(0, 8).join(" ");
  throw connection.failed(
    `reads ${JSON.stringify(text.slice(0, 20))}… as ${theirs.length} tokens (${found} …), and ${file} as ${own_.length} (${own_.slice(0, 8).join(" ")} …). Give the tokenizer.json of the model that it serves`,
    { option: "tokenizer", found: file },
  );
}

function beside<Shape extends z.ZodType>(folder: string, name: string, shape: Shape): z.infer<Shape> | undefined {
  const file = path.join(folder, name);
  if (!existsSync(file)) return undefined;
  try {
    return shape.safeParse(JSON.parse(readFileSync(file, "utf8"))).data;
  } catch {
    return undefined;
  }
}

function templateBeside(folder: string): string | undefined {
  const file = path.join(folder, "chat_template.jinja");
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
