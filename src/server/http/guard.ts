/**
 * Who may ask. A page that a browser shows can send requests to this machine too, under a name of its own that leads here (DNS
 * rebinding), so the names are checked: without keys, only this machine's own names are answered; a page of another
 * origin is refused unless it is allowed by name. Keys are compared by digests in constant time.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { LlamafuseError } from "../../errors.js";
import { shown } from "../../read-options.js";
import { PAGE_PATHS } from "../pages.js";

export interface GuardOptions {
  /** Empty: nobody needs a key. */
  keys: readonly string[];
  /** Names besides this machine's own, as in `Host`. */
  hosts: readonly string[];
  /** Origins of pages that may ask besides the server's own, such as `https://chat.example`. */
  origins: readonly string[];
}

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host) || host === "::1";
}

/** Open to everybody who may ask at all: what holds nothing of the models. */
const WITHOUT_KEY = new Set(["/health", "/openapi.json", ...PAGE_PATHS]);
const MINUTES_OF_PREFLIGHT = 10;

/** Read anew for each request, so that keys can change. Errors: forbidden, unauthorised. */
export function guard(options: () => GuardOptions): MiddlewareHandler {
  return async (c, next) => {
    const { keys, hosts, origins } = options();
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    if (keys.length === 0) checkHost(host, hosts);
    const origin = c.req.header("origin");
    if (origin !== undefined) {
      if (!isOwn(origin, host) && !origins.includes(origin)) {
        const message = `Pages of the origin ${shown(origin)} may not ask here. Start the server with --allow-origin ORIGIN to allow them.`;
        throw new LlamafuseError("forbidden", message, { found: origin });
      }
      c.header("access-control-allow-origin", origin);
      c.header("vary", "Origin");
      c.header("access-control-expose-headers", "x-request-id, retry-after");
      if (c.req.method === "OPTIONS") {
        c.header("access-control-allow-methods", "GET, POST");
        c.header("access-control-allow-headers", c.req.header("access-control-request-headers") ?? "");
        c.header("access-control-max-age", String(60 * MINUTES_OF_PREFLIGHT));
        return c.body(null, 204);
      }
    }
    if (keys.length > 0 && !WITHOUT_KEY.has(c.req.path)) checkKey(c.req.header("authorization"), keys);
    await next();
  };
}

function checkHost(host: string, allowed: readonly string[]): void {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  if (LOOPBACK.test(name) || allowed.includes(name)) return;
  const message = `Requests for the host ${shown(name)} are not answered. Start the server with --allow-host NAME to allow it.`;
  throw new LlamafuseError("forbidden", message, { found: name });
}

function isOwn(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

function checkKey(authorization: string | undefined, keys: readonly string[]): void {
  const [, key] = /^Bearer\s+(\S+)\s*$/i.exec(authorization ?? "") ?? [];
  if (key === undefined) {
    throw new LlamafuseError("unauthorised", 'This server needs a key: send the header "Authorization: Bearer KEY".');
  }
  const given = digest(key);
  // All of them are compared, so that the time says nothing about which one came close.
  const matches = keys.map((known) => timingSafeEqual(digest(known), given));
  if (!matches.includes(true)) throw new LlamafuseError("unauthorised", "The API key is not one of this server's.");
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
