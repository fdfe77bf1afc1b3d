/** The addresses of the server: wiring only. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import packageJson from "../../package.json" with { type: "json" };
import { LlamafuseError } from "../errors.js";
import { shown } from "../read-options.js";
import { chatRoute } from "./api/chat.js";
import { completionRoute } from "./api/completions.js";
import type { Backend, Environment } from "./api/context.js";
import { healthRoute, modelsRoutes } from "./api/models-routes.js";
import { apiFailure } from "./http/api-error.js";
import { jsonBody } from "./http/body.js";
import { type GuardOptions, guard } from "./http/guard.js";
import { requestId } from "./http/request-id.js";

export type App = OpenAPIHono<Environment>;

const DOCUMENT = {
  openapi: "3.1.0",
  info: {
    title: "Llamafuse",
    version: packageJson.version,
    description: "Ensembles of local language models behind OpenAI's API.",
  },
};

export interface AppOptions extends Backend {
  guard: () => GuardOptions;
}

export function makeApp(options: AppOptions): App {
  const app: App = new OpenAPIHono<Environment>();
  app.use(requestId());
  app.use(guard(options.guard));
  app.use(jsonBody(options.limits));
  healthRoute(app);
  modelsRoutes(app, options);
  chatRoute(app, options);
  completionRoute(app, options);
  app.get("/openapi.json", (c) => c.json(app.getOpenAPI31Document(DOCUMENT)));
  app.notFound((c) => {
    const known = app.routes.filter(({ path, method }) => path === c.req.path && method !== "ALL");
    throw known.length > 0 ? otherMethod(c.req.method, known) : noAddress(c.req.path);
  });
  app.onError((error, c) => {
    const known = error instanceof HTTPException ? new LlamafuseError("invalid-text", error.message) : error;
    const { status, headers, body, isOurs } = apiFailure(known);
    if (isOurs) options.onFailure(error, c.get("requestId"));
    return c.json(body, status as 500, headers);
  });
  return app;
}

function noAddress(path: string): LlamafuseError {
  const message = `There is nothing at ${shown(path)}. GET /openapi.json lists the addresses.`;
  return new LlamafuseError("not-found", message, { found: path });
}

function otherMethod(method: string, known: readonly { method: string; path: string }[]): LlamafuseError {
  const allow = [...new Set(known.map((each) => each.method))].join(", ");
  const message = `${known[0].path} takes ${allow}; found ${method}.`;
  return new LlamafuseError("method-not-allowed", message, { found: method, allow });
}
