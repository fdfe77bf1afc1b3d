/**
 * llama-server of llama.cpp. Its vocabulary comes over the wire: the log-probabilities of all tokens bring their bytes,
 * /detokenize what special tokens are written as, and a request that may not end lists the end tokens.
 */
import { z } from "zod";
import { byteLevelText } from "../../vocabulary/byte-level.js";
import { byteKey, makeVocabulary, TokenClass, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { Connection } from "./connection.js";
import { type Asked, type EncodingOptions, FetchedEncoder } from "./fetched-encoder.js";
import { checked, checkedPlace, modelList } from "./replies.js";
import type { Ask, Place, Server } from "./server.js";

/** Where a list of texts is cut: /tokenize passes numbers on, and this one is no token's. */
const CUT = -1;
/** What a server writes for ln 0: the lowest number that float32 has. */
const LOWEST = -3.4e38;
const NEWLINE = Buffer.from("\n");

const probability = z.object({
  id: z.int().min(0),
  bytes: z.array(z.int().min(0).max(255)),
  logprob: z.number(),
});
const completion = z.object({
  model: z.string().optional(),
  tokens_evaluated: z.int().optional(),
  completion_probabilities: z.array(probability.extend({ top_logprobs: z.array(probability) })).default([]),
});
const settings = z.object({
  generation_settings: z.object({ logit_bias: z.array(z.object({ token: z.int().min(0) })).default([]) }),
});
const tokenList = z.object({ tokens: z.array(z.int()) });
const props = z.object({
  default_generation_settings: z.object({ n_ctx: z.int().min(1) }),
  model_path: z.string().optional(),
  chat_template: z.string().optional(),
  bos_token: z.string().default(""),
  eos_token: z.string().default(""),
});

/** Only the fields that we read: the prompt would come back as well. */
const FIELDS = ["completion_probabilities", "model", "tokens_evaluated"];
/** The likeliest token, whatever it is, and no sampler that could change which. */
const GREEDY = { samplers: ["top_k"], top_k: 1, temperature: 0, "speculative.n_max": 0, stream: false } as const;

export interface LlamaServerOptions {
  /** Most probable tokens to ask for at every place. */
  topDepth: number | "all";
  contextSize?: number;
}

/** Whether it is one: no other server has this address. */
export async function isLlamaServer(connection: Connection, signal?: AbortSignal): Promise<boolean> {
  return props.safeParse(await connection.askIfThere("/props", undefined, signal)).success;
}

export async function openLlamaServer(
  connection: Connection,
  { topDepth, contextSize }: LlamaServerOptions,
  signal?: AbortSignal,
): Promise<Server> {
  const ask = async <Shape extends z.ZodType>(path: string, shape: Shape, body?: unknown) =>
    checked(connection, path, shape, await connection.ask(path, body, { signal }));
  const { data } = await ask("/v1/models", modelList);
  const said = await ask("/props", props);
  const { id: model, meta } = data[0];
  if (meta == null) throw connection.failed("names no model in /v1/models. Load one in it");
  const size = meta.n_vocab;
  const depth = topDepth === "all" ? size : Math.min(topDepth, size);

  const whatItIs = async () => {
    const list = checked(connection, "/v1/models", modelList, await connection.ask("/v1/models"));
    return JSON.stringify([list.data[0].id, list.data[0].meta]);
  };
  const identity = JSON.stringify([model, meta]);
  /** After a broken connection the server may be another one. */
  const onRepeat = async () => {
    if ((await whatItIs()) !== identity) throw changed(connection, model);
  };

  const say = async (tokens: readonly number[], { count, cache, signal: stop }: Ask): Promise<Place[]> => {
    const body = {
      prompt: tokens,
      n_predict: count,
      n_probs: depth,
      cache_prompt: cache,
      ...GREEDY,
      response_fields: FIELDS,
    };
    const reply = await connection.ask("/completion", body, { signal: stop, onRepeat });
    const {
      completion_probabilities: places,
      model: now,
      tokens_evaluated: read,
    } = checked(connection, "/completion", completion, reply);
    if (now !== undefined && now !== model) throw changed(connection, model, now);
    if (read !== undefined && read !== tokens.length)
      throw connection.failed(
        `has read ${read} of ${tokens.length} tokens. Give the member a contextSize that fits one slot of the server`,
      );
    return places.map(({ id, top_logprobs: top }) => {
      for (const { id: token, bytes } of top) checkBytes(connection, vocabulary, token, bytes);
      return checkedPlace(connection, {
        ids: top.map((each) => each.id),
        logProbs: top.map(({ logprob }) => (logprob <= LOWEST ? Number.NEGATIVE_INFINITY : logprob)),
        chosen: id,
      });
    });
  };
  const fetchTokens = async (asked: readonly Asked[], stop = signal) => {
    const found = asked.map((): readonly number[] => []);
    for (const parseSpecial of [false, true]) {
      const places = asked.flatMap((each, place) => (each.parseSpecial === parseSpecial ? [place] : []));
      if (places.length === 0) continue;
      const content = places.flatMap((place) => [...asked[place].parts, CUT]);
      const body = { content, add_special: false, parse_special: parseSpecial };
      const reply = await connection.ask("/tokenize", body, { signal: stop, onRepeat });
      const lists = cutApart(checked(connection, "/tokenize", tokenList, reply).tokens);
      if (lists.length !== places.length)
        throw connection.failed("answers /tokenize with other texts than it was asked for");
      for (const [index, place] of places.entries()) found[place] = lists[index];
    }
    return found;
  };

  const vocabulary = await readVocabulary();
  const firstToken = await readFirstToken();
  const written = [...vocabulary.data.classes.keys()].filter(
    (id) => vocabulary.classOf(id) !== TokenClass.text && vocabulary.textOf(id) !== "",
  );
  const specials = written.map((id) => {
    const text = Buffer.from(vocabulary.textOf(id)).toString("latin1");
    return { id, text, stripsLeft: false, stripsRight: false };
  });
  const encoder = new FetchedEncoder(vocabulary, firstToken, specials, fetchTokens);
  // A slot has to hold a token that it says as well.
  const slot = said.default_generation_settings.n_ctx - 1;
  return {
    kind: "llama-server",
    encoder,
    contextSize: Math.min(contextSize ?? slot, slot),
    facts: {
      trainedContext: meta.n_ctx_train ?? slot,
      embeddingLength: meta.n_embd ?? 0,
      chatTemplate: said.chat_template || undefined,
      bosText: said.bos_token,
      eosText: said.eos_token,
    },
    description: {
      description: model.replace(/^.*[\\/]/, ""),
      architecture: "remote",
      costs: { parameters: meta.n_params ?? 0, weightBytes: meta.size ?? 0, layers: 0 },
      embeddingLength: meta.n_embd ?? 0,
    },
    topDepth: depth,
    say,
    encoding: <T>(works: readonly (() => T)[], options?: EncodingOptions) => encoder.settle(works, options),
    close: () => connection.close(),
  };

  async function readVocabulary(): Promise<Vocabulary> {
    const body = { prompt: [0], n_predict: 1, n_probs: size, cache_prompt: false, ...GREEDY, response_fields: FIELDS };
    const { completion_probabilities: places } = await ask("/completion", completion, body);
    const top = places[0]?.top_logprobs ?? [];
    if (top.length !== size || new Set(top.map(({ id }) => id)).size !== size) {
      throw connection.failed(
        `lists ${top.length} of its ${size} tokens. Use a llama-server that reports them all (n_probs, without --backend-sampling)`,
      );
    }
    const bytes: Uint8Array[] = [];
    for (const each of top) bytes[each.id] = Uint8Array.from(each.bytes);
    const ending = { prompt: [0], n_predict: 1, ignore_eos: true, ...GREEDY };
    const ends = (await ask("/completion", settings, ending)).generation_settings.logit_bias.map(({ token }) => token);
    const [[line], letter] = await fetchTokens([
      { parts: ["\n"], parseSpecial: false },
      { parts: ["a"], parseSpecial: false },
    ]);
    const silent = bytes.flatMap((each, id) => (each.length === 0 ? [id] : []));
    const texts = await writtenAs(
      silent,
      bytes.findIndex((each) => byteKey(each) === byteKey(NEWLINE)),
      line,
    );
    const byteTokens = runOfBytes(bytes);
    // SentencePiece has byte tokens beside letters with the same bytes; vocab_type is true for every type.
    const isSentencePiece = byteTokens >= 0 && bytes.some((each, id) => each.length === 1 && !isIn(byteTokens, id));
    const tokens = bytes.map((each, id) => {
      if (ends.includes(id)) return { bytes: new Uint8Array(), class: TokenClass.end, text: texts.get(id) ?? "" };
      if (each.length > 0)
        return { bytes: each, text: isSentencePiece ? spelling(each, id, byteTokens) : byteLevelText(each) };
      const text = texts.get(id) ?? "";
      return { bytes: each, class: text === "" ? TokenClass.unused : TokenClass.control, text };
    });
    const spaced = Buffer.concat(letter.map((id) => bytes[id])).toString("latin1") === " a";
    return makeVocabulary(tokens, {
      kind: isSentencePiece ? "spm" : "bpe",
      addsSpacePrefix: spaced,
      bos: idOfText(said.bos_token, texts),
    });
  }

  /** What tokens without bytes are written as, one line each; `separators`: tokens that are a line break. */
  async function writtenAs(silent: readonly number[], ...separators: readonly number[]): Promise<Map<number, string>> {
    const line = separators.find((id) => id >= 0);
    const detokenized = z.object({ content: z.string() });
    const text = async (tokens: readonly number[]) => (await ask("/detokenize", detokenized, { tokens })).content;
    if (silent.length === 0 || line === undefined) return new Map();
    const lines = (await text(silent.flatMap((id) => [id, line]))).split("\n").slice(0, -1);
    if (lines.length === silent.length) return new Map(silent.map((id, place) => [id, lines[place]]));
    if (silent.length === 1) return new Map([[silent[0], await text(silent)]]);
    const half = silent.length >> 1;
    const parts = await Promise.all([silent.slice(0, half), silent.slice(half)].map((part) => writtenAs(part, line)));
    return new Map(parts.flatMap((part) => [...part]));
  }

  /** The token that is put before a text, or -1. */
  async function readFirstToken(): Promise<number> {
    const both = [false, true].map((add_special) => ask("/tokenize", tokenList, { content: "a", add_special }));
    const [plain, whole] = (await Promise.all(both)).map(({ tokens }) => tokens);
    return whole.length > plain.length && whole[0] !== plain[0] ? whole[0] : -1;
  }
}

function idOfText(text: string, texts: ReadonlyMap<number, string>): number {
  for (const [id, each] of texts) if (each === text && text !== "") return id;
  return -1;
}

function cutApart(tokens: readonly number[]): number[][] {
  const lists: number[][] = [[]];
  for (const id of tokens) {
    if (id === CUT) lists.push([]);
    else lists[lists.length - 1].push(id);
  }
  return lists.slice(0, -1);
}

/** The first of 256 tokens in a row that are the bytes 0 … 255, as SentencePiece has them; -1 without. */
function runOfBytes(bytes: readonly Uint8Array[]): number {
  return bytes.findIndex((_, first) => {
    for (let byte = 0; byte < 256; byte++) {
      const each = bytes[first + byte];
      if (each?.length !== 1 || each[0] !== byte) return false;
    }
    return true;
  });
}

function isIn(byteTokens: number, id: number): boolean {
  return id >= byteTokens && id < byteTokens + 256;
}

/** How SentencePiece writes a text token. */
function spelling(bytes: Uint8Array, id: number, byteTokens: number): string {
  if (isIn(byteTokens, id)) return `<0x${bytes[0].toString(16).toUpperCase().padStart(2, "0")}>`;
  return Buffer.from(bytes).toString("utf8").replaceAll(" ", "▁");
}

function checkBytes(connection: Connection, vocabulary: Vocabulary, id: number, bytes: readonly number[]): void {
  const known = id < vocabulary.size ? vocabulary.bytesOf(id) : undefined;
  // Special tokens have bytes where the server was started with --special.
  if (
    known !== undefined &&
    (known.length === 0 || (known.length === bytes.length && known.every((byte, at) => byte === bytes[at])))
  )
    return;
  throw connection.failed(
    `now has other tokens than at the start (token ${id}). Was it restarted with another model? Load the ensemble again`,
  );
}

function changed(connection: Connection, before: string, now?: string) {
  const words = now === undefined ? "has another model" : `now answers as ${JSON.stringify(now)}`;
  return connection.failed(`${words}; it had ${JSON.stringify(before)} at the start. Load the ensemble again`);
}
