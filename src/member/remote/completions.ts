/**
 * vLLM, and what else has OpenAI's /v1/completions: token ids in, the likeliest tokens out. Neither tells its vocabulary, so a
 * tokenizer.json says it. vLLM names tokens by their ids and scores prompts; others name them by their text, so that of two
 * tokens with one text only one is told.
 */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import type { Vocabulary } from "../../vocabulary/vocabulary.js";
import { byteKey, TokenClass } from "../../vocabulary/vocabulary.js";
import type { Connection } from "./connection.js";
import { checked, checkedPlace, modelList } from "./replies.js";
import type { Ask, Place, Server } from "./server.js";
import { checkSameTokens, openTokenizerFile, PROOF_TEXTS } from "./tokenizer-file.js";

/** Depths to try, the deepest first: vLLM and most gateways allow 20 unless told otherwise, OpenAI's own servers 5. */
const DEPTHS = [20, 5];
const DEFAULT_CONTEXT = 4096;
const TOKEN_ID = /^token_id:(\d+)$/;
/** How OpenAI writes a token that is no whole characters: bytes:\xe4\xb8 */
const TOKEN_BYTES = /^bytes:((?:\\x[0-9a-f]{2})+)$/i;
/** A log-probability in a prompt may differ by so much from the same one asked for as a text: another batch. */
const SAME_WITHIN = 0.05;

const logProbList = z.record(z.string(), z.number().nullable());
const completion = z.object({
  model: z.string().optional(),
  choices: z
    .array(
      z.object({
        logprobs: z
          .object({
            tokens: z.array(z.string()).default([]),
            top_logprobs: z.array(logProbList.nullable()).nullish(),
          })
          .nullish(),
        prompt_logprobs: z.array(z.record(z.string(), z.object({ logprob: z.number() })).nullable()).nullish(),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: z.int().optional() }).nullish(),
});
const tokenList = z.object({ tokens: z.array(z.int()) });

export interface CompletionsOptions {
  kind: "vllm" | "openai";
  tokenizer?: string;
  /** What the server calls the model. Default: the only one, or the first. */
  servedModel?: string;
  topDepth?: number;
  contextSize?: number;
}

/** Whether it is vLLM, by what it says of its models. */
export async function isVllm(connection: Connection, signal?: AbortSignal): Promise<boolean> {
  const reply = modelList.safeParse(await connection.askIfThere("/v1/models", undefined, signal));
  return reply.success && reply.data.data.some(({ owned_by }) => owned_by === "vllm");
}

export async function openCompletions(
  connection: Connection,
  { kind, tokenizer: file, servedModel, topDepth, contextSize }: CompletionsOptions,
  signal?: AbortSignal,
): Promise<Server> {
  if (file === undefined) throw needsTokenizer(connection, kind);
  const tokenizer = openTokenizerFile(file);
  const { vocabulary } = tokenizer;
  const { data } = checked(
    connection,
    "/v1/models",
    modelList,
    await connection.ask("/v1/models", undefined, { signal }),
  );
  const served = servedModel === undefined ? data[0] : data.find(({ id }) => id === servedModel);
  if (served === undefined) {
    const names = data.map(({ id }) => id);
    throw connection.failed(`serves no model ${JSON.stringify(servedModel)}. It serves: ${names.join(", ")}`, {
      option: "servedModel",
      allowed: names,
    });
  }
  const model = served.id;
  const reader = new TokenReader(vocabulary, kind);
  const onRepeat = async () => {
    const list = checked(connection, "/v1/models", modelList, await connection.ask("/v1/models"));
    if (!list.data.some(({ id }) => id === model))
      throw connection.failed(`no longer serves ${JSON.stringify(model)}. Load the ensemble again`);
  };
  const complete = async (body: Record<string, unknown>, stop?: AbortSignal) => {
    const whole = { model, temperature: 0, ...(kind === "vllm" && { return_tokens_as_token_ids: true }), ...body };
    const reply = await connection.ask("/v1/completions", whole, { signal: stop, onRepeat });
    const { choices, model: now, usage } = checked(connection, "/v1/completions", completion, reply);
    // OpenAI answers to a family's name with that of one of its models.
    if (kind === "vllm" && now !== undefined && now !== model) {
      throw connection.failed(
        `now answers as ${JSON.stringify(now)}; it had ${JSON.stringify(model)} at the start. Load the ensemble again`,
      );
    }
    return { ...choices[0], usage };
  };
  const placesOf = ({ logprobs }: Awaited<ReturnType<typeof complete>>): Place[] =>
    (logprobs?.top_logprobs ?? []).map((list, place) =>
      checkedPlace(connection, reader.read(list ?? {}, logprobs!.tokens[place] ?? "")),
    );

  await proveTokens();
  const depth = await findDepth();
  const say = async (tokens: readonly number[], { count, signal: stop }: Ask) =>
    placesOf(await complete({ prompt: tokens, max_tokens: count, logprobs: depth }, stop));
  // One token has to fit that it says.
  const limit = served.max_model_len == null ? (contextSize ?? DEFAULT_CONTEXT) : served.max_model_len - 1;
  return {
    kind,
    encoder: tokenizer,
    contextSize: Math.min(contextSize ?? limit, limit),
    facts: {
      trainedContext: limit,
      embeddingLength: 0,
      chatTemplate: tokenizer.chatTemplate,
      bosText: tokenizer.bosText,
      eosText: tokenizer.eosText,
    },
    description: {
      description: model,
      architecture: "remote",
      costs: { parameters: 0, weightBytes: 0, layers: 0 },
      embeddingLength: 0,
    },
    topDepth: depth,
    say,
    score: (await canScore()) ? score : undefined,
    // The tokenizer is here: nothing is ever missing.
    encoding: async <T>(works: readonly (() => T)[]) => works.map((work) => work()),
    close: () => connection.close(),
  };

  async function score(tokens: readonly number[], stop?: AbortSignal): Promise<Float64Array> {
    const { prompt_logprobs: lists } = await complete({ prompt: tokens, max_tokens: 1, prompt_logprobs: 0 }, stop);
    if (lists?.length !== tokens.length)
      throw connection.failed(`scores ${lists?.length ?? 0} tokens of a prompt of ${tokens.length}`);
    return Float64Array.from(tokens, (id, place) => {
      if (place === 0) return Number.NaN;
      const logProb = lists[place]?.[String(id)]?.logprob;
      if (logProb !== undefined) return logProb;
      throw connection.failed(`does not say how probable token ${id} of a prompt is`);
    });
  }

  async function canScore(): Promise<boolean> {
    if (kind !== "vllm") return false;
    const tokens = Array.from(encoded(PROOF_TEXTS[0]));
    try {
      await score(tokens, signal);
      return true;
    } catch (error) {
      // A server may refuse it; one that cannot be reached is an error.
      if (typeof (error as LlamafuseError).details?.status === "number") return false;
      throw error;
    }
  }

  function encoded(text: string): Int32Array {
    return tokenizer.encode(Buffer.from(text), { parseSpecial: false, addBos: false });
  }

  /** The file's tokens are the server's: by /tokenize, else by what it counts and says for the same prompt as a text and as ids. */
  async function proveTokens(): Promise<void> {
    for (const text of PROOF_TEXTS) {
      const own = encoded(text);
      const body = { model, prompt: text, add_special_tokens: false };
      const reply = kind === "vllm" ? await connection.askIfThere("/tokenize", body, signal) : undefined;
      const listed = tokenList.safeParse(reply);
      if (listed.success) checkSameTokens(connection, file!, text, own, listed.data.tokens);
      else await proveByAnswers(text, own);
    }
  }

  async function proveByAnswers(text: string, own: Int32Array): Promise<void> {
    const first = tokenizer.encode(Buffer.from(text), { parseSpecial: false, addBos: true });
    const ask = (prompt: unknown) => complete({ prompt, max_tokens: 1, logprobs: DEPTHS.at(-1) }, signal);
    const [asText, asIds] = await Promise.all([ask(text), ask(Array.from(first))]);
    const counted = asText.usage?.prompt_tokens;
    if (counted !== undefined && counted !== first.length) {
      throw connection.failed(
        `counts ${counted} tokens in ${JSON.stringify(text.slice(0, 20))}…, and ${file} ${first.length}. Give the tokenizer.json of the model that it serves`,
        { option: "tokenizer", found: counted, allowed: own.length },
      );
    }
    const [one, other] = [asText, asIds].map((each) => placesOf(each)[0]);
    const same = one?.ids.every((id, place) => {
      const at = other?.ids.indexOf(id) ?? -1;
      return at < 0 ? place > 0 : Math.abs(one.logProbs[place] - other.logProbs[at]) <= SAME_WITHIN;
    });
    if (!same) {
      throw connection.failed(
        `answers ${JSON.stringify(text.slice(0, 20))}… otherwise than its tokens by ${file}. Give the tokenizer.json of the model that it serves`,
        { option: "tokenizer", found: file },
      );
    }
  }

  /** How many tokens it reports: as many as asked for, else as it allows. */
  async function findDepth(): Promise<number> {
    const prompt = Array.from(encoded(PROOF_TEXTS[0]));
    const depths = topDepth === undefined ? DEPTHS : [topDepth];
    for (const [index, depth] of depths.entries()) {
      try {
        const [place] = placesOf(await complete({ prompt, max_tokens: 1, logprobs: depth }, signal));
        if (place === undefined || place.ids.length === 0)
          throw connection.failed("reports no log-probabilities. Use a server that does");
        // Some give fewer than they are asked for, and say nothing; vLLM adds the chosen token to the list.
        return Math.min(depth, place.ids.length, vocabulary.size);
      } catch (error) {
        const refused = (error as LlamafuseError).details?.status === 400;
        if (!refused || index === depths.length - 1) throw error;
      }
    }
    throw connection.failed("reports no log-probabilities");
  }
}

/** Reads what a server calls its tokens. */
class TokenReader {
  readonly #specials = new Map<string, number>();

  constructor(
    private readonly vocabulary: Vocabulary,
    private readonly kind: "vllm" | "openai",
  ) {
    for (let id = 0; id < vocabulary.size; id++) {
      const tokenClass = vocabulary.classOf(id);
      if (tokenClass === TokenClass.end || tokenClass === TokenClass.control)
        this.#specials.set(vocabulary.textOf(id), id);
    }
  }

  /** What is not a token of the vocabulary is left out: paddings, texts that several tokens share. */
  read(list: Readonly<Record<string, number | null>>, chosen: string): Place {
    const found = new Map<number, number>();
    for (const [name, logProb] of Object.entries(list)) {
      const id = this.idOf(name);
      if (id >= 0 && logProb !== null && !found.has(id)) found.set(id, logProb);
    }
    const ranked = [...found].sort(([a, p], [b, q]) => q - p || a - b);
    return { ids: ranked.map(([id]) => id), logProbs: ranked.map(([, logProb]) => logProb), chosen: this.idOf(chosen) };
  }

  idOf(name: string): number {
    const byId = TOKEN_ID.exec(name);
    if (byId !== null) {
      const id = Number(byId[1]);
      return id < this.vocabulary.size ? id : -1;
    }
    if (this.kind === "vllm") return -1;
    const bytes = TOKEN_BYTES.exec(name);
    const key =
      bytes === null
        ? byteKey(Buffer.from(name))
        : Buffer.from(bytes[1].replaceAll("\\x", ""), "hex").toString("latin1");
    return this.#specials.get(name) ?? this.vocabulary.idOf(key);
  }
}

function needsTokenizer(connection: Connection, kind: string): LlamafuseError {
  const { name, url } = connection.options;
  return new LlamafuseError(
    "invalid-option",
    `Member "${name}": a server of the kind ${kind} (${url}) does not tell its vocabulary. Give its model's tokenizer.json: tokenizer: "FILE".`,
    { member: name, option: "tokenizer" },
  );
}
