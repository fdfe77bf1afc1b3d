/** From a server's address to a member. */
import { readFileSync } from "node:fs";
import { LlamafuseError } from "../../errors.js";
import type { RemoteParameters } from "../member-options.js";
import { isVllm, openCompletions } from "./completions.js";
import { Connection } from "./connection.js";
import { isLlamaServer, openLlamaServer } from "./llama-server.js";
import { RemoteMember } from "./remote-member.js";
import type { Server, ServerKind } from "./server.js";

/** Tokens that a llama-server is asked for at every place: about 8 kB a step, and what is left out has little probability. */
const DEFAULT_DEPTH = 100;
const DEFAULT_TIMEOUT_MS = 600_000;

export interface RemoteMemberOptions extends RemoteParameters {
  url: string;
  name: string;
  contextSize?: number;
  templateVariables?: Readonly<Record<string, unknown>>;
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * Ask a server what it is and what it gives, and make a member of it.
 * Errors: member-failed, member-hung; invalid-option for a tokenizer that is missing; file-unreadable; aborted.
 */
export async function openRemoteMember(options: RemoteMemberOptions): Promise<RemoteMember> {
  const { url, name, apiKeyFile, timeoutMs = DEFAULT_TIMEOUT_MS, signal, templateVariables } = options;
  const apiKey = apiKeyFile === undefined ? undefined : readKey(apiKeyFile);
  const connection = new Connection({ name, url, apiKey, timeoutMs });
  try {
    const kind = options.kind ?? (await kindOf(connection, signal));
    const server = await openServer(connection, kind, options);
    return await RemoteMember.over(server, name, { templateVariables, signal });
  } catch (error) {
    connection.close();
    throw error;
  }
}

function openServer(connection: Connection, kind: ServerKind, options: RemoteMemberOptions): Promise<Server> {
  const { topDepth, tokenizer, servedModel, contextSize, signal } = options;
  if (kind === "llama-server")
    return openLlamaServer(connection, { topDepth: topDepth ?? DEFAULT_DEPTH, contextSize }, signal);
  if (topDepth === "all") {
    const words = `Member "${options.name}": only a llama-server reports all tokens; ${kind} takes a number as topDepth.`;
    throw new LlamafuseError("invalid-option", words, { member: options.name, option: "topDepth", found: topDepth });
  }
  return openCompletions(connection, { kind, tokenizer, servedModel, topDepth, contextSize }, signal);
}

async function kindOf(connection: Connection, signal: AbortSignal | undefined): Promise<ServerKind> {
  if (await isLlamaServer(connection, signal)) return "llama-server";
  if (await isVllm(connection, signal)) return "vllm";
  try {
    await connection.ask("/v1/models", undefined, { signal });
  } catch (error) {
    if ((error as LlamafuseError).details?.status !== 404) throw error;
    throw connection.failed(
      "has no /v1/models, so it is not a model server that Llamafuse knows. Give the address of a llama-server, of vLLM or of a server with OpenAI's interface",
      { status: 404 },
      error,
    );
  }
  return "openai";
}

/** Errors: file-unreadable, invalid-data. */
function readKey(file: string): string {
  let key: string;
  try {
    key = readFileSync(file, "utf8").trim();
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw new LlamafuseError(
      "file-unreadable",
      `Cannot read the API key in ${file}: ${why}.`,
      { found: file, option: "apiKeyFile" },
      cause,
    );
  }
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new LlamafuseError("invalid-data", `${file} holds no API key: one line of printable characters is needed.`, {
    file,
  });
}
