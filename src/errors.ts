/**
 * Every error that Llamafuse raises on purpose. A message says what was found, what was allowed, and how to cure it;
 * `code` is for programs, `details` carries the numbers and names that the message speaks of. Passwords in addresses are
 * masked in both.
 */

import { maskSecrets, maskSecretsIn } from "./secrets.js";

/** What each code means to a shell (`exit`) and to an HTTP client (`http`). */
export const ERROR_CODES = {
  /** An option, argument or method name that is not understood or out of range. */
  "invalid-option": { exit: 2, http: 400 },
  /** Text that cannot be used: empty where text is needed, or not UTF-8. */
  "invalid-text": { exit: 2, http: 400 },
  /** A file that is missing, a directory, or not readable. */
  "file-unreadable": { exit: 3, http: 404 },
  /** A file that cannot be written: a full or broken disk, a folder that is missing or read-only. */
  "file-unwritable": { exit: 3, http: 507 },
  /** A file that is not what its name promises: a damaged GGUF, a vocabulary without its byte tokens. */
  "invalid-model": { exit: 3, http: 422 },
  /** A sound file that this build cannot run: no text generation, an unknown architecture. */
  "unsupported-model": { exit: 3, http: 422 },
  /** A file of data that is not what its format promises: an outcome table, a data set, a saved router. */
  "invalid-data": { exit: 3, http: 422 },
  /** The llama.cpp library is missing, or is not the release that this version was written for. */
  library: { exit: 4, http: 500 },
  /** Not enough memory for the model or its context. */
  "out-of-memory": { exit: 4, http: 507 },
  /** A member's thread ended, or its model failed while running. */
  "member-failed": { exit: 5, http: 502 },
  /** A member did not answer within its time limit. */
  "member-hung": { exit: 5, http: 504 },
  /** A member produced NaN or infinite logits. */
  "invalid-logits": { exit: 5, http: 502 },
  /** The prompt does not fit a member's context. */
  "context-overflow": { exit: 6, http: 413 },
  /** Members whose vocabularies, embeddings or files cannot be combined by this method. */
  "incompatible-members": { exit: 6, http: 422 },
  /** A method, alignment or rule that does not keep a law of all of them (llamafuse/laws). */
  "broken-law": { exit: 1, http: 500 },
  /** The caller's AbortSignal fired before there was a result. */
  aborted: { exit: 130, http: 499 },
  /** Used after dispose(). */
  disposed: { exit: 7, http: 503 },
  // What a server says besides.
  /** No such address or model. */
  "not-found": { exit: 2, http: 404 },
  /** An address that does not take this kind of request. */
  "method-not-allowed": { exit: 2, http: 405 },
  /** No key, or a wrong one. */
  unauthorised: { exit: 2, http: 401 },
  /** A request for another host, or from a page of another origin. */
  forbidden: { exit: 2, http: 403 },
  /** A body that is larger or deeper than a server reads. */
  "too-large": { exit: 2, http: 413 },
  /** A body that is not JSON by its headers. */
  "unsupported-media": { exit: 2, http: 415 },
  /** More requests wait than may. */
  overloaded: { exit: 5, http: 429 },
  /** A request took longer than it may. */
  "timed-out": { exit: 5, http: 504 },
  /** A model that is configured and cannot be loaded now. */
  "model-unavailable": { exit: 5, http: 503 },
  /** The server ends, and takes no new requests. */
  "shutting-down": { exit: 7, http: 503 },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Of a message, of which the end says what to do. */
const LONGEST_BEGINNING = 1500;
const LONGEST_END = 400;

/** What a message quotes of a file or a reply may have several lines, and be of any length. */
function inOneLine(message: string): string {
  const line = message.replace(/\s*[\r\n\u2028\u2029]\s*/g, " ");
  if (line.length <= LONGEST_BEGINNING + LONGEST_END) return line;
  return `${line.slice(0, LONGEST_BEGINNING)} … ${line.slice(-LONGEST_END)}`;
}

export class LlamafuseError extends Error {
  declare readonly name: "LlamafuseError";
  readonly code: ErrorCode;
  /** The values that the message speaks of, for programs: `{ found: -1, allowed: "an integer >= 1", option: "k" }`. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}, cause?: unknown) {
    super(inOneLine(maskSecrets(message)), cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = Object.fromEntries(Object.entries(details).map(([key, value]) => [key, maskSecretsIn(value)]));
  }

  get exitCode(): number {
    return ERROR_CODES[this.code].exit;
  }

  get httpStatus(): number {
    return ERROR_CODES[this.code].http;
  }

  /** What crosses a thread or a wire; `LlamafuseError.from` restores it. */
  toJSON(): { code: ErrorCode; message: string; details: Record<string, unknown> } {
    return { code: this.code, message: this.message, details: this.details };
  }

  // Not a method: a class that names itself in its body is renamed by bundlers, and stacks would say so.
  static readonly from = restoreError;
}

// On the prototype, so that the stack, which is written while the error is made, begins with it.
Object.defineProperty(LlamafuseError.prototype, "name", {
  value: "LlamafuseError",
  configurable: true,
  writable: true,
});

function restoreError(data: { code: ErrorCode; message: string; details: Record<string, unknown> }): LlamafuseError {
  return new LlamafuseError(data.code, data.message, data.details);
}

/** The error itself, or what is none of ours as "member-failed"; `where`: what failed. */
export function toLlamafuseError(error: unknown, where: string, details: Record<string, unknown> = {}): LlamafuseError {
  if (error instanceof LlamafuseError) return error;
  const isError = error instanceof Error;
  const said = isError ? error.message : textOf(error);
  return new LlamafuseError("member-failed", `${where} failed: ${said}`, {
    ...details,
    ...(isError && { stack: error.stack }),
  });
}

/** Anything can be thrown, and not everything has a text. */
function textOf(thrown: unknown): string {
  try {
    return String((thrown as { message?: unknown } | undefined | null)?.message ?? thrown);
  } catch {
    return typeof thrown;
  }
}

/** The same error, whose message begins with the file that it came up in. */
export function errorIn(file: string, { code, message, details }: LlamafuseError): LlamafuseError {
  return new LlamafuseError(code, `${file}: ${message}`, { ...details, file });
}

/** Nobody mistypes longer ones, and no message needs all of them. */
const LONGEST_NAME = 100;

/** The known name nearest to a mistyped one (edit distance at most a third of its length), for "did you mean". */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `unknown method "unit": did you mean "unite"? Known: gac, single, unite.` */
export function unknownName(kind: string, name: string, known: readonly string[], more = ""): LlamafuseError {
  const near = nearestName(name, known);
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  const said = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
  const allowed = known.length === 0 ? "There are none" : `Known: ${known.join(", ")}`;
  return new LlamafuseError("invalid-option", `Unknown ${kind} "${said}".${hint} ${allowed}.${more}`, {
    found: name,
    allowed: known,
    nearest: near,
  });
}

/** Levenshtein distance: insertions, deletions and substitutions each cost 1. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
