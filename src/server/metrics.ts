/** What the server counts, for Prometheus. No text of a request is in it. */
import type { MiddlewareHandler } from "hono";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Environment } from "./api/context.js";
import type { Usage } from "./api/usage.js";
import type { Entry, ModelPool } from "./models/model-pool.js";

/** From a health check to a long answer behind a full queue. */
const SECONDS = [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300];

export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<"path" | "status">;
  readonly #begins: Histogram<"path">;
  readonly #tokens: Counter<"model" | "kind">;

  constructor(models: ModelPool) {
    const registers = [this.registry];
    this.#requests = new Counter({
      name: "llamafuse_requests_total",
      help: "Requests by address and status.",
      labelNames: ["path", "status"],
      registers,
    });
    this.#begins = new Histogram({
      name: "llamafuse_answer_begins_seconds",
      help: "From a request to its answer's first byte: all of it, or the first event.",
      labelNames: ["path"],
      buckets: SECONDS,
      registers,
    });
    this.#tokens = new Counter({
      name: "llamafuse_tokens_total",
      help: "Tokens as usage says them: prompt, completion, and member (what all members evaluated).",
      labelNames: ["model", "kind"],
      registers,
    });
    const gauge = (name: string, help: string, read: (entry: Entry) => number) =>
      new Gauge({
        name,
        help,
        labelNames: ["model"],
        registers,
        collect() {
          this.reset();
          for (const entry of models.entries) this.set({ model: entry.spec.id }, read(entry));
        },
      });
    gauge("llamafuse_model_loaded", "Whether the model is loaded.", ({ loaded }) => (loaded === undefined ? 0 : 1));
    gauge("llamafuse_requests_running", "Requests at work on the model.", ({ line }) => line.running);
    gauge("llamafuse_requests_waiting", "Requests that wait for the model.", ({ line }) => line.waiting);
  }

  countUsage(model: string, { prompt_tokens, completion_tokens, llamafuse }: Usage): void {
    this.#tokens.inc({ model, kind: "prompt" }, prompt_tokens);
    this.#tokens.inc({ model, kind: "completion" }, completion_tokens);
    this.#tokens.inc({ model, kind: "member" }, llamafuse.member_tokens);
  }

  /** `paths`: the addresses that are told apart; all others are one, since anybody can make some up. */
  middleware(paths: ReadonlySet<string>): MiddlewareHandler<Environment> {
    return async (c, next) => {
      const started = performance.now();
      await next();
      const path = paths.has(c.req.path) ? c.req.path : "other";
      this.#requests.inc({ path, status: String(c.res.status) });
      this.#begins.observe({ path }, (performance.now() - started) / 1000);
    };
  }
}
