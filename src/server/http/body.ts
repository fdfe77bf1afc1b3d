/** A request's body as text that is JSON, within limits, before anything else looks at it. */
import type { Context, MiddlewareHandler } from "hono";
import { LlamafuseError } from "../../errors.js";
import type { Limits } from "../limits.js";

const JSON_TYPE = /^application\/([\w.-]+\+)?json\s*(;|$)/i;

/** Errors: unsupported-media, too-large, invalid-text. */
export function jsonBody({ bodyBytes, depth }: Pick<Limits, "bodyBytes" | "depth">): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.method !== "POST") return await next();
    const type = c.req.header("content-type") ?? "";
    if (!JSON_TYPE.test(type)) {
      const found = type === "" ? "none" : type.slice(0, 80);
      const message = `The body must be JSON, with the header "Content-Type: application/json"; found ${found}.`;
      throw new LlamafuseError("unsupported-media", message, { found, allowed: "application/json" });
    }
    const text = await readText(c, bodyBytes);
    checkDepth(text, depth);
    try {
      JSON.parse(text);
    } catch (error) {
      const message = `The body is not JSON: ${(error as Error).message}.`;
      throw new LlamafuseError("invalid-text", message, { apiCode: "invalid_json" }, error);
    }
    // Where the validators look for it.
    c.req.bodyCache.text = Promise.resolve(text) as never;
    await next();
  };
}

async function readText(c: Context, most: number): Promise<string> {
  const tooLarge = () =>
    new LlamafuseError("too-large", `The body is larger than ${most} bytes, the most that is read.`, { allowed: most });
  if (Number(c.req.header("content-length") ?? 0) > most) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of c.req.raw.body ?? []) {
      size += chunk.length;
      if (size > most) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof LlamafuseError) throw error;
    throw new LlamafuseError("aborted", "The client closed the connection inside of the body.", {}, error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (error) {
    throw new LlamafuseError("invalid-text", "The body is not UTF-8.", { allowed: "UTF-8" }, error);
  }
}

/** Brackets outside of texts, without parsing. Error: too-large. */
function checkDepth(text: string, most: number): void {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inText) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) inText = false;
    } else if (code === QUOTE) inText = true;
    else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++depth > most) {
        throw new LlamafuseError("too-large", `The body is nested deeper than ${most} levels.`, { allowed: most });
      }
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--;
  }
}

const [QUOTE, BACKSLASH, OPEN_LIST, OPEN_OBJECT, CLOSE_LIST, CLOSE_OBJECT] = Array.from('"\\[{]}', (character) =>
  character.charCodeAt(0),
);
