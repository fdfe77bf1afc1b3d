/**
 * HTTP to one server: JSON out, JSON in, over connections that stay open. A request only asks for probabilities, so that asking
 * twice says nothing twice: one that found no server, a broken connection or a busy server is repeated, a few times.
 */
import http from "node:http";
import https from "node:https";
import { LlamafuseError } from "../../errors.js";
import { onAbort } from "../../on-abort.js";

/** Milliseconds before the second and the third try. */
const PAUSES_MS = [100, 500];
/** A whole vocabulary of 256k tokens with its bytes is about 40 MB of JSON. */
const MAX_REPLY_BYTES = 256 * 1024 * 1024;
/** Of a reply that a message quotes. */
const QUOTED = 200;
/** Requests at a time; more wait. */
const MAX_SOCKETS = 8;
/** What a server says that could answer later: it is busy, or loads its model. */
const LATER = new Set([429, 502, 503]);

export interface ConnectionOptions {
  /** The member's name, for errors. */
  name: string;
  url: string;
  apiKey?: string;
  /** Milliseconds until a reply is there. */
  timeoutMs: number;
}

interface Reply {
  status: number;
  json: unknown;
}

/** A try that failed in a way that another one may not. */
class Unreached extends Error {}

export class Connection {
  readonly #base: URL;
  readonly #agent: http.Agent;
  readonly #closed = new AbortController();

  constructor(readonly options: ConnectionOptions) {
    this.#base = new URL(options.url.replace(/\/+(v1\/*)?$/, ""));
    const { Agent } = this.#base.protocol === "https:" ? https : http;
    this.#agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  /**
   * What the server says at this path: to a GET, or to a POST of the body. `onRepeat`: called before each try but the first.
   * Errors: member-failed, member-hung, aborted, disposed; `status` in their details where the server gave one.
   */
  async ask(
    path: string,
    body?: unknown,
    { signal, onRepeat }: { signal?: AbortSignal; onRepeat?: () => Promise<void> } = {},
  ): Promise<unknown> {
    for (let attempt = 0; ; attempt++) {
      try {
        if (attempt > 0) await onRepeat?.();
        const { status, json } = await this.#once(path, body, signal);
        if (status >= 200 && status < 300) return json;
        const said = reasonIn(json);
        if (!LATER.has(status)) throw this.failed(`answers ${path} with status ${status}: ${said}`, { status });
        throw new Unreached(`answers ${path} with status ${status}: ${said}`);
      } catch (error) {
        if (!(error instanceof Unreached)) throw error;
        if (attempt === PAUSES_MS.length) throw this.failed(`${error.message} (${attempt + 1} tries)`, {}, error.cause);
        await pause(PAUSES_MS[attempt], signal, this.#closed.signal);
      }
    }
  }

  /** The same, or undefined where the server has no such address or does not allow it. */
  async askIfThere(path: string, body?: unknown, signal?: AbortSignal): Promise<unknown> {
    try {
      return await this.ask(path, body, { signal });
    } catch (error) {
      const { status } = (error as LlamafuseError).details ?? {};
      if (typeof status === "number" && status >= 400) return undefined;
      throw error;
    }
  }

  failed(what: string, details: Record<string, unknown> = {}, cause?: unknown): LlamafuseError {
    const { name, url } = this.options;
    return new LlamafuseError(
      "member-failed",
      `Member "${name}": the server at ${url} ${what}.`,
      { member: name, url, ...details },
      cause,
    );
  }

  close(): void {
    this.#closed.abort();
    this.#agent.destroy();
  }

  #once(path: string, body: unknown, signal: AbortSignal | undefined): Promise<Reply> {
    const { name, url, apiKey, timeoutMs } = this.options;
    const { request } = this.#base.protocol === "https:" ? https : http;
    const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    return new Promise<Reply>((resolve, reject) => {
      const forget: (() => void)[] = [];
      const settle = (act: () => void) => {
        for (const each of forget) each();
        act();
      };
      const fail = (error: unknown) => settle(() => reject(error));
      const target = new URL(`${this.#base.pathname.replace(/\/$/, "")}${path}`, this.#base);
      const asked = request(target, {
        method: text === undefined ? "GET" : "POST",
        agent: this.#agent,
        headers: {
          accept: "application/json",
          ...(text !== undefined && { "content-type": "application/json", "content-length": text.length }),
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        },
      });
      const stop = (error: LlamafuseError) => {
        fail(error);
        asked.destroy();
      };
      if (signal !== undefined)
        forget.push(
          onAbort(signal, () => stop(new LlamafuseError("aborted", "The request was aborted.", {}, signal.reason))),
        );
      forget.push(
        onAbort(this.#closed.signal, () =>
          stop(new LlamafuseError("disposed", `Member "${name}" was disposed.`, { member: name })),
        ),
      );
      const timer = setTimeout(() => {
        const words = `Member "${name}": the server at ${url} did not answer ${path} within ${timeoutMs} ms. See whether it is at work, or raise timeoutMs.`;
        stop(new LlamafuseError("member-hung", words, { member: name, url, allowed: timeoutMs, option: "timeoutMs" }));
      }, timeoutMs);
      forget.push(() => clearTimeout(timer));
      asked.on("error", (cause) => fail(new Unreached(`cannot be reached: ${reasonOf(cause)}`, { cause })));
      asked.on("response", (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on("data", (part: Buffer) => {
          bytes += part.length;
          if (bytes > MAX_REPLY_BYTES) stop(this.failed(`sends more than ${MAX_REPLY_BYTES} bytes for ${path}`));
          else parts.push(part);
        });
        response.on("error", (cause) =>
          fail(new Unreached(`broke off its answer to ${path}: ${reasonOf(cause)}`, { cause })),
        );
        response.on("end", () => {
          if (!response.complete) return fail(new Unreached(`broke off its answer to ${path}`));
          settle(() => this.#resolve(path, response.statusCode ?? 0, Buffer.concat(parts), resolve, reject));
        });
      });
      asked.end(text);
    });
  }

  #resolve(
    path: string,
    status: number,
    body: Buffer,
    resolve: (reply: Reply) => void,
    reject: (error: unknown) => void,
  ): void {
    const text = body.toString("utf8");
    try {
      resolve({ status, json: JSON.parse(text) });
    } catch (cause) {
      // A refusal may come from something before the server, which speaks in pages.
      if (status < 200 || status >= 300) resolve({ status, json: text });
      else
        reject(
          this.failed(`answers ${path} with what is not JSON: ${JSON.stringify(text.slice(0, QUOTED))}`, {}, cause),
        );
    }
  }
}

/** What an error's JSON says: { error: { message } } of OpenAI's API, { error: "…" }, { message }, { detail } of FastAPI. */
function reasonIn(json: unknown): string {
  if (typeof json !== "object" || json === null) return String(json).slice(0, QUOTED);
  const { error, message, detail } = json as Record<string, unknown>;
  const inner = typeof error === "object" && error !== null ? (error as Record<string, unknown>).message : error;
  const found = [inner, message, detail].find((each) => each !== undefined) ?? json;
  return (typeof found === "string" ? found : JSON.stringify(found)).replace(/\.$/, "").slice(0, QUOTED);
}

function reasonOf(cause: Error): string {
  const { code } = cause as NodeJS.ErrnoException;
  return cause.message || code || "unknown reason";
}

/** Wait so long, or until a signal fires. */
function pause(ms: number, ...signals: (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve) => {
    const forget = signals.flatMap((signal) => (signal === undefined ? [] : [onAbort(signal, () => done())]));
    const timer = setTimeout(() => done(), ms);
    function done(): void {
      clearTimeout(timer);
      for (const each of forget ?? []) each();
      resolve();
    }
  });
}
