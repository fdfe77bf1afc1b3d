/** Every failure as OpenAI's clients read it: `{ error: { message, type, param, code } }`. */
import { type ErrorCode, LlamafuseError } from "../../errors.js";
import { parameterOf } from "../refusals.js";

export interface ApiError {
  error: {
    message: string;
    type: "invalid_request_error" | "authentication_error" | "permission_error" | "rate_limit_error" | "server_error";
    /** The field of the request that is wrong. */
    param: string | null;
    code: string;
  };
}

/** Errors whose messages speak of what the client sent. All others can name files of this machine, and stay in the log. */
const FOR_CLIENTS: ReadonlySet<ErrorCode> = new Set([
  "invalid-option",
  "invalid-text",
  "context-overflow",
  "incompatible-members",
  "aborted",
  "not-found",
  "method-not-allowed",
  "unauthorised",
  "forbidden",
  "too-large",
  "unsupported-media",
  "overloaded",
  "timed-out",
  "model-unavailable",
  "shutting-down",
]);

/** What a client is told in the place of a message that stays here. */
const INSTEAD: Partial<Record<ErrorCode, string>> = {
  "member-failed": "A member of this model failed. Try again; the server's log says what happened.",
  "member-hung": "A member of this model did not answer in time. The server's log says more.",
  "invalid-logits": "A member of this model computed NaN or infinite logits. The server's log names it.",
  "out-of-memory": "Not enough memory for this request. The server's log says more.",
  disposed: "The model was replaced while this request waited. Try again.",
};
const UNKNOWN = "The server failed. Its log says what happened.";

/** Codes that OpenAI's API calls otherwise. */
const CODES: Partial<Record<ErrorCode, string>> = {
  unauthorised: "invalid_api_key",
  overloaded: "queue_full",
  "context-overflow": "context_length_exceeded",
};

/** Seconds after which a client may try again. */
const RETRY_SECONDS: Partial<Record<ErrorCode, number>> = {
  overloaded: 1,
  disposed: 1,
  "model-unavailable": 5,
  "shutting-down": 5,
};

export interface ApiFailure {
  status: number;
  headers: Record<string, string>;
  body: ApiError;
  /** Whether the message stays in the log. */
  isOurs: boolean;
}

export function apiFailure(error: unknown): ApiFailure {
  if (!(error instanceof LlamafuseError)) {
    return failure(500, { message: UNKNOWN, type: "server_error", param: null, code: "internal_error" }, true);
  }
  const { code, httpStatus, details } = error;
  const isOurs = !FOR_CLIENTS.has(code);
  const status = isOurs ? Math.max(500, httpStatus) : httpStatus;
  const retry = RETRY_SECONDS[code];
  const body = {
    message: isOurs ? (INSTEAD[code] ?? UNKNOWN) : error.message,
    type: typeOf(code, status),
    param: isOurs ? null : parameterOf(error),
    code: typeof details.apiCode === "string" ? details.apiCode : (CODES[code] ?? code.replaceAll("-", "_")),
  };
  return failure(status, body, isOurs, {
    ...(retry !== undefined && { "retry-after": String(retry) }),
    ...(code === "unauthorised" && { "www-authenticate": "Bearer" }),
    ...(typeof details.allow === "string" && { allow: details.allow }),
  });
}

function failure(status: number, error: ApiError["error"], isOurs: boolean, headers: ApiFailure["headers"] = {}) {
  return { status, headers, body: { error }, isOurs };
}

function typeOf(code: ErrorCode, status: number): ApiError["error"]["type"] {
  if (code === "unauthorised") return "authentication_error";
  if (code === "forbidden") return "permission_error";
  if (code === "overloaded") return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}
