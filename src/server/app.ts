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
import { responsesRoute } from "./api/responses.js";
import { tokenizerRoutes } from "./api/tokenizer.js";
import { apiFailure } from "./http/api-error.js";
import { jsonBody } from "./http/body.js";
import { type GuardOptions, guard } from "./http/guard.js";
import { requestId } from "./http/request-id.js";
import { Metrics } from "./metrics.js";
import { pageRoutes } from "./pages.js";

export type App = OpenAPIHono<Environment>;

const DOCUMENT = {
  openapi: "3.1.0",
  info: {
    title: "Llamafuse",
    version: packageJson.version,
    description: "Ensembles of local language models behind OpenAI's API.",
  },
};

export interface AppOptions extends Omit<Backend, "onUsage"> {
  guard: () => GuardOptions;
  /** Whether the server takes no new requests. Default: never. */
  isClosing?: () => boolean;
}

export function makeApp(options: AppOptions): App {
  const app: App = new OpenAPIHono<Environment>();
  const metrics = new Metrics(options.models);
  const paths = new Set<string>();
  const backend: Backend = { ...options, onUsage: (model, usage) => metrics.countUsage(model, usage) };
  app.use(requestId());
  app.use(metrics.middleware(paths));
  app.use(async (_, next) => {
    if (options.isClosing?.()) throw new LlamafuseError("shutting-down", "The server ends, and takes no new requests.");
    await next();
  });
  app.use(guard(options.guard));
  app.use(jsonBody(options.limits));
  healthRoute(app);
  modelsRoutes(app, backend);
  chatRoute(app, backend);
  completionRoute(app, backend);
  responsesRoute(app, backend);
  tokenizerRoutes(app, backend);
  app.get("/metrics", async (c) =>
    c.body(await metrics.registry.metrics(), 200, { "content-type": metrics.registry.contentType }),
  );
  pageRoutes(app);
  app.get("/openapi.json", (c) => c.json(app.getOpenAPI31Document(DOCUMENT)));
  for (const { method, path } of app.routes) if (method !== "ALL") paths.add(path);
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
