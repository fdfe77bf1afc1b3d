/** An id for every request, in the answer's headers and in the log: the client's own where it is one. */
import { randomUUID } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { Environment } from "../api/context.js";

const USABLE = /^[\w.-]{1,64}$/;

export function requestId(): MiddlewareHandler<Environment> {
  return async (c, next) => {
    const given = c.req.header("x-request-id") ?? "";
    const id = USABLE.test(given) ? given : `req_${randomUUID().replaceAll("-", "")}`;
    c.set("requestId", id);
    c.header("x-request-id", id);
    await next();
  };
}
