/** An address that takes a JSON body: validated by its schema, and described by it in the OpenAPI document. */
import { createRoute, z } from "@hono/zod-openapi";
import type { App } from "../app.js";
import { checkedBy } from "../refusals.js";
import type { AppContext, Backend } from "./context.js";
import { failures, jsonContent } from "./responses-of.js";

export interface PostRoute {
  path: string;
  summary: string;
  body: z.ZodType;
  /** What comes back. */
  answer: z.ZodType;
  /** Whether it may come as events. */
  streams?: boolean;
}

export function postJson<Body>(
  app: App,
  { models }: Pick<Backend, "models">,
  { path, summary, body, answer, streams = false }: PostRoute,
  handle: (c: AppContext, body: Body) => Promise<Response>,
): void {
  const events = streams ? { "text/event-stream": { schema: z.string() } } : {};
  const route = createRoute({
    method: "post",
    path,
    summary,
    request: { body: { required: true, content: jsonContent(body) } },
    responses: { 200: { description: "The answer.", content: { ...jsonContent(answer), ...events } }, ...failures },
  });
  const cureOf = (field: string) =>
    field === "model" ? ` Models: ${models.entries.map(({ spec }) => spec.id).join(", ")}.` : "";
  const handler = (c: AppContext) => handle(c, c.req.valid("json" as never));
  app.openapi(route, handler as never, checkedBy(body, cureOf) as never);
}
