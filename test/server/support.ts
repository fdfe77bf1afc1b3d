/** Servers of the tests: over the native models on a port of their own, and over scripted members without one. */
import { afterAll } from "vitest";
import type { ScriptedMember } from "../../src/index.js";
import { type App, makeApp } from "../../src/server/app.js";
import type { GuardOptions } from "../../src/server/http/guard.js";
import { type Limits, USUAL_LIMITS } from "../../src/server/limits.js";
import { ModelPool, type PoolEvent } from "../../src/server/models/model-pool.js";
import type { ModelSpec } from "../../src/server/models/model-spec.js";
import { type RunningServer, type ServeOptions, type ServerEvent, startServer } from "../../src/server/serve.js";

/** What a response holds, looked at by its fields. */
// biome-ignore lint/suspicious/noExplicitAny: a shape that is checked field by field
export type Json = any;

export const NATIVE = "llamafuse/native";
/** An answer of hundreds of steps: at this temperature the end seldom comes. */
export const ENDLESS = { temperature: 5, max_tokens: 400, seed: 7 };

export interface Served {
  server: RunningServer;
  events: ServerEvent[];
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
}

/** Ends with the tests of the file. */
export async function serving(options: ServeOptions = {}): Promise<Served> {
  const events: ServerEvent[] = [];
  const server = await startServer({ port: 0, gpu: false, onEvent: (event) => events.push(event), ...options });
  afterAll(() => server.close());
  const post: Served["post"] = (path, body, init) =>
    fetch(`${server.address}${path}`, { ...jsonRequest(body), ...init });
  return { server, events, post };
}

export function jsonRequest(body: unknown): RequestInit {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method: "POST", headers: { "content-type": "application/json" }, body: text };
}

/** The data of the events of an answer, the mark at the end included. */
export async function eventsOf(response: Response): Promise<Json[]> {
  const text = await response.text();
  return text
    .split("\n\n")
    .filter((event) => event.startsWith("data: "))
    .map((event) => event.slice("data: ".length))
    .map((data) => (data === "[DONE]" ? data : JSON.parse(data)));
}

export interface ScriptedApp {
  app: App;
  models: ModelPool;
  shutdown: AbortController;
  failures: unknown[];
  events: PoolEvent[];
  post(path: string, body: unknown, signal?: AbortSignal): Promise<Response>;
}

/** The app without a port. Model ids → the one member of each. */
export function scriptedApp(
  members: Readonly<Record<string, ScriptedMember>>,
  given: Partial<Limits> = {},
  guard: Partial<GuardOptions> = {},
): ScriptedApp {
  const limits = { ...USUAL_LIMITS, ...given };
  const events: PoolEvent[] = [];
  const specs = Object.entries(members).map(
    ([id, member]): ModelSpec => ({
      id,
      options: { members: [member], method: "single" },
      serving: {},
    }),
  );
  const models = new ModelPool(specs, { ...limits, onEvent: (event) => events.push(event) });
  const shutdown = new AbortController();
  const failures: unknown[] = [];
  const app = makeApp({
    models,
    limits,
    shutdown: shutdown.signal,
    guard: () => ({ keys: [], hosts: [], origins: [], ...guard }),
    onFailure: (error) => failures.push(error),
  });
  afterAll(() => models.dispose());
  const post: ScriptedApp["post"] = async (path, body, signal) =>
    await app.request(`http://localhost${path}`, { ...jsonRequest(body), signal });
  return { app, models, shutdown, failures, events, post };
}
