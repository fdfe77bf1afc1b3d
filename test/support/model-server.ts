/**
 * A small HTTP server over a member on this machine, which speaks as llama-server, vLLM (its published OpenAI-compatible
 * interface; vLLM itself was never tried) or OpenAI's completions do. What a test changes in the middle stands in `faults`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import { promptOfTokens } from "../../src/member/prompt-of-tokens.js";
import type { ServerKind } from "../../src/member/remote/server.js";
import { TokenClass } from "../../src/vocabulary/vocabulary.js";

type Json = Record<string, unknown>;

export interface Faults {
  /** Called before each answer to a completion, counted from 1: it may throw away the connection, wait, or answer itself. */
  onCompletion?: (count: number, response: ServerResponse) => "answered" | undefined | Promise<"answered" | undefined>;
  /** What is changed of a completion's answer. */
  change?: (answer: Json, count: number) => unknown;
  model?: string;
}

export interface ModelServer {
  url: string;
  faults: Faults;
  /** Paths asked for, in their order. */
  asked: string[];
  close(): Promise<void>;
}

/** Log-probabilities and more that vLLM and OpenAI allow at most, unless told otherwise. */
const MOST_LISTED = 20;

export async function serveModel(
  file: string,
  kind: ServerKind,
  {
    contextSize = 256,
    most = MOST_LISTED,
    scores = true,
  }: { contextSize?: number; most?: number; scores?: boolean } = {},
): Promise<ModelServer> {
  const member = await LlamaMember.load({ model: file, contextSize, threads: 1 }, new SharedMemory());
  const { vocabulary } = member;
  const served: ModelServer = { url: "", faults: {}, asked: [], close };
  const name = () => served.faults.model ?? "served";
  const pieceOf = (id: number) =>
    vocabulary.classOf(id) === TokenClass.text ? Buffer.from(vocabulary.bytesOf(id)) : Buffer.alloc(0);
  let queue: Promise<unknown> = Promise.resolve();
  /** The member does one thing at a time. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = queue.then(work);
    queue = done.catch(() => {});
    return done;
  };
  let completions = 0;

  /** The likeliest tokens behind these, and behind what is chosen: whatever token is the most probable one. */
  const say = (tokens: readonly number[], count: number, depth: number) =>
    inTurn(async () => {
      await member.prepare({ top: 0 });
      const { promptTokens } = await member.begin({ ...promptOfTokens(tokens), reuse: true });
      const places: { id: number; top: { id: number; logprob: number }[] }[] = [];
      for (let at = 0; at < count && promptTokens + at <= contextSize; at++) {
        const { logits, logNormaliser } = member.output;
        const ids = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
        const top = ids.slice(0, depth).map((id) => ({ id, logprob: logits[id] - logNormaliser }));
        places.push({ id: ids[0], top });
        if (vocabulary.classOf(ids[0]) === TokenClass.end || at === count - 1) break;
        member.append({ kind: "tokens", ids: [ids[0]] });
        await member.advance();
      }
      return places;
    });
  const tokenize = (text: string, parseSpecial: boolean, addBos: boolean) =>
    inTurn(async () => Array.from(await member.tokenize(Buffer.from(text), { parseSpecial, addBos })));

  const llamaServer: Record<string, (body: Json) => Promise<unknown>> = {
    "/v1/models": async () => ({
      data: [{ id: name(), owned_by: "llamacpp", meta: { n_vocab: vocabulary.size, n_ctx_train: 512, n_embd: 128 } }],
    }),
    "/props": async () => ({
      default_generation_settings: { n_ctx: contextSize },
      bos_token: member.facts.bosText,
      eos_token: member.facts.eosText,
      chat_template: member.facts.chatTemplate ?? "",
    }),
    "/tokenize": async ({ content, add_special: addBos = false, parse_special: parse = true }) => {
      const lists = [content]
        .flat()
        .map((part, place) =>
          typeof part === "number"
            ? [part]
            : tokenize(part as string, parse as boolean, place === 0 && (addBos as boolean)),
        );
      return { tokens: (await Promise.all(lists)).flat() };
    },
    "/detokenize": async ({ tokens }) => {
      const texts = (tokens as number[]).map((id) =>
        pieceOf(id).length > 0 ? pieceOf(id) : Buffer.from(vocabulary.textOf(id)),
      );
      return { content: Buffer.concat(texts).toString("utf8") };
    },
    "/completion": async ({ prompt, n_predict: count, n_probs: depth = 0, ignore_eos: isEndless }) => {
      const places = await say(prompt as number[], count as number, depth as number);
      return {
        model: name(),
        tokens_evaluated: (prompt as number[]).length,
        completion_probabilities: places.map(({ id, top }) => ({
          ...written({ id, logprob: top[0]?.logprob ?? 0 }),
          top_logprobs: top.map(written),
        })),
        generation_settings: {
          logit_bias: isEndless ? vocabulary.endTokens.map((token) => ({ token, bias: null })) : [],
        },
      };
    },
  };
  function written({ id, logprob }: { id: number; logprob: number }): Json {
    return { id, token: pieceOf(id).toString("utf8"), bytes: Array.from(pieceOf(id)), logprob };
  }

  /** How vLLM names a token where it is asked for ids, and how OpenAI does. */
  const nameOf = (id: number, byIds: boolean) => {
    if (byIds) return `token_id:${id}`;
    const bytes = pieceOf(id);
    if (bytes.length === 0) return vocabulary.textOf(id);
    const text = bytes.toString("utf8");
    if (!text.includes("\ufffd")) return text;
    return `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}`;
  };
  const isVllm = kind === "vllm";
  const openai: Record<string, (body: Json) => Promise<unknown>> = {
    "/v1/models": async () => ({
      object: "list",
      data: [
        {
          id: name(),
          object: "model",
          owned_by: isVllm ? "vllm" : "someone",
          ...(isVllm && { max_model_len: contextSize }),
        },
      ],
    }),
    "/v1/completions": async (body) => {
      const { prompt, max_tokens: count = 16, logprobs = 0, prompt_logprobs: scored } = body;
      if ((logprobs as number) > most) throw new Refusal(`logprobs: ${logprobs} is greater than max ${most}`);
      if (scored !== undefined && !scores) throw new Refusal("prompt_logprobs is not supported");
      const tokens = Array.isArray(prompt) ? (prompt as number[]) : await tokenize(prompt as string, true, true);
      const places = await say(tokens, count as number, logprobs as number);
      const named = (id: number) => nameOf(id, body.return_tokens_as_token_ids === true);
      const lists = places.map(({ top }) => Object.fromEntries(top.map(({ id, logprob }) => [named(id), logprob])));
      return {
        model: name(),
        choices: [
          {
            index: 0,
            text: "",
            logprobs: { tokens: places.map(({ id }) => named(id)), top_logprobs: lists },
            ...(scored !== undefined && { prompt_logprobs: await scoresOf(tokens) }),
          },
        ],
        usage: { prompt_tokens: tokens.length, completion_tokens: places.length },
      };
    },
    ...(isVllm && {
      "/tokenize": async ({ prompt, add_special_tokens: addBos = true }: Json) => ({
        tokens: await tokenize(prompt as string, true, addBos as boolean),
        max_model_len: contextSize,
      }),
    }),
  };
  const scoresOf = (tokens: readonly number[]) =>
    inTurn(async () => {
      const { logProbs } = await member.scorePrompt(promptOfTokens(tokens));
      return tokens.map((id, place) => (place === 0 ? null : { [id]: { logprob: logProbs[place], rank: 1 } }));
    });

  const routes = kind === "llama-server" ? llamaServer : openai;
  const server: Server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url!, "http://host");
    served.asked.push(pathname);
    const body = await bodyOf(request);
    const route = routes[pathname];
    if (route === undefined) return reply(response, 404, { error: { message: "File Not Found" } });
    try {
      const isCompletion = pathname.endsWith("/completion") || pathname.endsWith("/completions");
      if (isCompletion) completions++;
      const count = completions;
      if (isCompletion && (await served.faults.onCompletion?.(count, response)) === "answered") return;
      const answer = (await route(body)) as Json;
      reply(response, 200, isCompletion ? (served.faults.change?.(answer, count) ?? answer) : answer);
    } catch (error) {
      reply(response, 400, { error: { message: (error as Error).message } });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return served;

  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await queue;
    await member.dispose();
  }
}

class Refusal extends Error {}

function reply(response: ServerResponse, status: number, answer: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
}

async function bodyOf(request: IncomingMessage): Promise<Json> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString("utf8");
  return text === "" ? {} : (JSON.parse(text) as Json);
}
