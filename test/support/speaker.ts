/**
 * Models that say fixed things: the next token depends on the last one alone. As a scripted member, and as a GGUF file for
 * llama.cpp (a llama whose layers add nothing, so that the output matrix reads the last token's own dimension).
 */
import { type Field, field, type TensorToWrite, writeGguf } from "../../scripts/lib/gguf-writer.js";
import { byteLetter } from "../../scripts/lib/tiny-model.js";
import type { ScriptedMemberOptions } from "../../src/member/scripted/options.js";
import { ScriptedMember } from "../../src/member/scripted/scripted-member.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../src/vocabulary/vocabulary.js";

export interface Speech {
  name: string;
  /** Whole texts that are tokens, beside the 256 bytes. */
  pieces: readonly string[];
  /** Control tokens. */
  controls?: readonly string[];
  /** The end token. */
  end?: string;
  /** Token → what follows it, or several with their logits. Default: the end. */
  next: Readonly<Record<string, string | Readonly<Record<string, number>>>>;
  template?: string;
}

export const CHATML =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** The logit of what follows. */
const STRENGTH = 12;

interface Token {
  text: string;
  kind: "byte" | "piece" | "control" | "end";
}

function tokensOf({ pieces, controls = [], end = "<|im_end|>" }: Speech): Token[] {
  return [
    ...Array.from({ length: 256 }, (_, byte): Token => ({ text: String.fromCharCode(byte), kind: "byte" })),
    ...pieces.map((text): Token => ({ text, kind: "piece" })),
    ...controls.map((text): Token => ({ text, kind: "control" })),
    { text: end, kind: "end" },
  ];
}

/** Token id → the logits of what follows. */
function followers(speech: Speech, tokens: readonly Token[]): Map<number, number>[] {
  const idOf = (text: string) => {
    const id = tokens.findLastIndex((token) => token.text === text);
    if (id < 0) throw new Error(`${speech.name} has no token ${JSON.stringify(text)}`);
    return id;
  };
  const rows = tokens.map(() => new Map([[tokens.length - 1, STRENGTH]]));
  for (const [text, follows] of Object.entries(speech.next)) {
    const logits = typeof follows === "string" ? { [follows]: STRENGTH } : follows;
    rows[idOf(text)] = new Map(Object.entries(logits).map(([next, logit]) => [idOf(next), logit]));
  }
  return rows;
}

export function scriptedSpeaker(speech: Speech, options: Partial<ScriptedMemberOptions> = {}): ScriptedMember {
  const tokens = tokensOf(speech);
  const rows = followers(speech, tokens);
  return new ScriptedMember({
    name: speech.name,
    vocabulary: vocabularyOf(tokens),
    script: ({ tokens: held }) => {
      const logits = new Float32Array(tokens.length);
      for (const [id, logit] of rows[held.at(-1)!]) logits[id] = logit;
      return logits;
    },
    ...options,
    facts: { chatTemplate: speech.template ?? CHATML, ...options.facts },
  });
}

function vocabularyOf(tokens: readonly Token[]): Vocabulary {
  return makeVocabulary(
    tokens.map(({ text, kind }) => {
      const isSpecial = kind === "control" || kind === "end";
      const bytes = isSpecial ? new Uint8Array() : Buffer.from(text, kind === "byte" ? "latin1" : "utf8");
      return { bytes, text, class: isSpecial ? TokenClass[kind] : TokenClass.text };
    }),
  );
}

/** Replies to each conversation with what a function makes of its prompt; a reply that has begun is gone on with. */
export function replying(
  name: string,
  reply: (prompt: string) => string,
  options: Partial<ScriptedMemberOptions> = {},
): ScriptedMember {
  const first = "<|im_start|>assistant\n";
  const tokens = tokensOf({ name, pieces: [], controls: [first], next: {} });
  const end = tokens.length - 1;
  const textOf = (ids: readonly number[]) => ids.map((id) => (id === end ? "" : tokens[id].text)).join("");
  return new ScriptedMember({
    name,
    vocabulary: vocabularyOf(tokens),
    script: ({ tokens: held }) => {
      const start = held.lastIndexOf(end - 1);
      const said = textOf(held.slice(start + 1));
      const whole = Buffer.from(reply(textOf(held.slice(0, start + 1)))).toString("latin1");
      const logits = new Float32Array(tokens.length);
      const goesOn = whole.startsWith(said) && said.length < whole.length;
      logits[goesOn ? whole.charCodeAt(said.length) : end] = STRENGTH;
      return logits;
    },
    contextSize: 4096,
    ...options,
    facts: { chatTemplate: CHATML, ...options.facts },
  });
}

/** Says one thing to every conversation; "" ends at once. */
export function saying(name: string, text: string, options: Partial<ScriptedMemberOptions> = {}): ScriptedMember {
  const first = "<|im_start|>assistant\n";
  const next: Record<string, string> = text === "" ? {} : { [first]: text, "\n": text };
  const pieces = text === "" ? [] : [text];
  return scriptedSpeaker({ name, pieces, controls: [first], next }, { contextSize: 4096, ...options });
}

/** The same as a file. */
export function writeSpeaker(path: string, speech: Speech, metadata: Readonly<Record<string, Field>> = {}): string {
  const tokens = tokensOf(speech);
  const rows = followers(speech, tokens);
  const dim = 32 * Math.ceil(tokens.length / 32);
  const embeddings = new Float32Array(dim * tokens.length);
  const output = new Float32Array(dim * tokens.length);
  for (const [id, follows] of rows.entries()) {
    embeddings[id * dim + id] = 1;
    // The norm of a one-hot vector makes its one √dim.
    for (const [next, logit] of follows) output[next * dim + id] = logit / Math.sqrt(dim);
  }
  const tensor = (name: string, shape: number[], data?: Float32Array): TensorToWrite => ({
    name,
    type: "F32",
    shape,
    data: () => [new Uint8Array((data ?? new Float32Array(shape.reduce((a, b) => a * b))).buffer)],
  });
  const layer = (name: string, shape: number[], data?: Float32Array) => tensor(`blk.0.${name}.weight`, shape, data);
  const ones = new Float32Array(dim).fill(1);
  writeGguf(path, {
    metadata: {
      "general.architecture": field.string("llama"),
      "general.name": field.string(speech.name),
      "llama.context_length": field.uint32(1024),
      "llama.embedding_length": field.uint32(dim),
      "llama.block_count": field.uint32(1),
      "llama.feed_forward_length": field.uint32(32),
      "llama.attention.head_count": field.uint32(dim / 32),
      "llama.attention.head_count_kv": field.uint32(dim / 32),
      "llama.attention.layer_norm_rms_epsilon": field.float32(1e-5),
      "llama.rope.dimension_count": field.uint32(32),
      "tokenizer.ggml.model": field.string("gpt2"),
      "tokenizer.ggml.pre": field.string("gpt-2"),
      "tokenizer.ggml.tokens": field.array(
        "string",
        tokens.map(({ text, kind }) => (kind === "byte" ? byteLetter(text.charCodeAt(0)) : text)),
      ),
      // 1 normal, 3 control, 4 user-defined, which stands for its text wherever that occurs.
      "tokenizer.ggml.token_type": field.array(
        "int32",
        tokens.map(({ kind }) => ({ byte: 1, piece: 4, control: 3, end: 3 })[kind]),
      ),
      "tokenizer.ggml.merges": field.array("string", [`${byteLetter(1)} ${byteLetter(2)}`]),
      "tokenizer.ggml.bos_token_id": field.uint32(tokens.length - 1),
      "tokenizer.ggml.eos_token_id": field.uint32(tokens.length - 1),
      "tokenizer.ggml.add_bos_token": field.bool(false),
      "tokenizer.chat_template": field.string(speech.template ?? CHATML),
      ...metadata,
    },
    tensors: [
      tensor("token_embd.weight", [dim, tokens.length], embeddings),
      tensor("output_norm.weight", [dim], ones),
      tensor("output.weight", [dim, tokens.length], output),
      layer("attn_norm", [dim], ones),
      ...["attn_q", "attn_k", "attn_v", "attn_output"].map((name) => layer(name, [dim, dim])),
      layer("ffn_norm", [dim], ones),
      layer("ffn_gate", [dim, 32]),
      layer("ffn_up", [dim, 32]),
      layer("ffn_down", [32, dim]),
    ],
  });
  return path;
}
