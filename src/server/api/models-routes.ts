/** /health and /v1/models. */
import { createRoute, z } from "@hono/zod-openapi";
import { chooseNames } from "../../ensemble/load-options.js";
import type { App } from "../app.js";
import type { Entry } from "../models/model-pool.js";
import { isFused, methodNameOf, methodsOf } from "../models/model-spec.js";
import type { Backend } from "./context.js";
import { failures, jsonContent } from "./responses-of.js";

const card = z
  .object({
    id: z.string(),
    object: z.literal("model"),
    created: z.int(),
    owned_by: z.string(),
    llamafuse: z.object({
      method: z.string(),
      kind: z.enum(["fusion", "router"]),
      /** Those that a request may name. */
      methods: z.array(z.string()),
      members: z.array(z.string()),
      /** Whether a request may give other weights. */
      weights: z.boolean(),
      loaded: z.boolean(),
      running: z.int(),
      waiting: z.int(),
    }),
  })
  .openapi("Model");

const list = z.object({ object: z.literal("list"), data: z.array(card) }).openapi("ModelList");

export function healthRoute(app: App): void {
  const route = createRoute({
    method: "get",
    path: "/health",
    summary: "Whether the server answers",
    responses: { 200: { description: "It does.", content: jsonContent(z.object({ status: z.literal("ok") })) } },
  });
  app.openapi(route, (c) => c.json({ status: "ok" as const }, 200));
}

export function modelsRoutes(app: App, { models }: Backend): void {
  const all = createRoute({
    method: "get",
    path: "/v1/models",
    summary: "The models that can be asked",
    responses: { 200: { description: "All of them.", content: jsonContent(list) }, 401: failures[401] },
  });
  app.openapi(all, (c) => c.json({ object: "list" as const, data: models.entries.map(cardOf) }, 200));
  // An id may have slashes in it.
  app.get("/v1/models/:id{.+}", (c) => c.json(cardOf(models.find(c.req.param("id")))));
}

function cardOf({ spec, created, loaded, line }: Entry): z.infer<typeof card> {
  const { members } = spec.options;
  return {
    id: spec.id,
    object: "model",
    created,
    owned_by: "llamafuse",
    llamafuse: {
      method: methodNameOf(spec.options),
      kind: isFused(spec.options) ? "fusion" : "router",
      methods: methodsOf(spec),
      weights: spec.serving.weights ?? false,
      members: loaded?.answerer.members.map((member) => member.name) ?? chooseNames(members),
      loaded: loaded !== undefined,
      running: line.running,
      waiting: line.waiting,
    },
  };
}
