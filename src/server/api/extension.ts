/**
 * What a request may ask beyond OpenAI's API, in its field `llamafuse`: what every member said at each step, and, where the
 * ensemble's file allows it (`serve`), another method or other weights over the same members.
 */
import { z } from "@hono/zod-openapi";
import type { RouteReport } from "../../before/live/routed-ensemble.js";
import type { GenerateResult } from "../../decoding/result.js";
import type { TraceStep } from "../../decoding/trace.js";
import type { MethodOptions } from "../../during/methods.js";
import type { Answerer } from "../../ensemble/answerer.js";
import { FILE_OPTIONS, NOT_OF_REQUESTS } from "../../ensemble-file/read.js";
import { LlamafuseError, unknownName } from "../../errors.js";
import { shown } from "../../read-options.js";
import type { LoadedModel } from "../models/loaded-model.js";
import { methodsOf } from "../models/model-spec.js";
import { badRequest } from "../refusals.js";

const MOST_CANDIDATES = 20;

export const extension = z
  .strictObject({
    trace: z
      .int()
      .min(1)
      .max(MOST_CANDIDATES)
      .nullish()
      .openapi({ description: "Tell what every member said at each step: so many candidates." }),
    method: z
      .union([z.string(), z.looseObject({ name: z.string() })])
      .nullish()
      .openapi({ description: "Another method over the same members, with its options." }),
    weights: z
      .record(z.string(), z.number().min(0))
      .nullish()
      .openapi({ description: "Members' shares of the vote, by name; those left out keep theirs." }),
  })
  .nullish();

export type Extension = z.infer<typeof extension>;

/** Who answers the request. Errors: invalid-option, with the parameter; incompatible-members. */
export async function answererOf(model: LoadedModel, asked: Extension): Promise<Answerer> {
  const method = asked?.method ?? undefined;
  const weights = asked?.weights ?? undefined;
  if (method === undefined && weights === undefined) return model.answerer;
  const chosen = method === undefined ? undefined : checkMethod(model, method);
  const shares = weights === undefined ? undefined : checkWeights(model, weights);
  try {
    return await model.under(chosen, shares);
  } catch (error) {
    if (!(error instanceof LlamafuseError)) throw error;
    const param = method === undefined ? "llamafuse.weights" : "llamafuse.method";
    throw new LlamafuseError(error.code, error.message, { ...error.details, param }, error.cause);
  }
}

function checkMethod({ spec }: LoadedModel, given: NonNullable<NonNullable<Extension>["method"]>): MethodOptions {
  const method = typeof given === "string" ? { name: given } : given;
  const allowed = methodsOf(spec);
  if (allowed.length <= 1) {
    const message = `The model ${spec.id} answers by its own method alone. Its ensemble file can allow others: "serve": { "methods": ["gac"] }.`;
    throw badRequest("llamafuse.method", message, { found: method.name, allowed });
  }
  if (!allowed.includes(method.name)) {
    const { message, details } = unknownName("method", method.name, allowed, NOT_OF_REQUESTS);
    throw badRequest("llamafuse.method", message, details);
  }
  const file = FILE_OPTIONS.find((option) => option in method);
  if (file !== undefined)
    throw badRequest(`llamafuse.method.${file}`, "Requests name no files of the server. Leave it out.");
  return method as MethodOptions;
}

function checkWeights({ spec, members }: LoadedModel, given: Readonly<Record<string, number>>): number[] {
  if (spec.serving.weights !== true || members === undefined) {
    const message = `The weights of the model ${spec.id} are fixed. Its ensemble file can allow others: "serve": { "weights": true }.`;
    throw badRequest("llamafuse.weights", message, { found: shown(given) });
  }
  for (const name of Object.keys(given)) {
    if (members.names.includes(name)) continue;
    const { message, details } = unknownName("member", name, members.names);
    throw badRequest(`llamafuse.weights.${name}`, message, details);
  }
  return members.names.map((name) => (Object.hasOwn(given, name) ? given[name] : members.weights[name]));
}

/** How much of the steps is recorded: what is told of them needs one candidate at least. */
export function tracing(top: number | undefined, asked: Extension): { trace?: number } {
  const candidates = Math.max(top === undefined ? 0 : Math.max(1, top), asked?.trace ?? 0);
  return candidates > 0 ? { trace: candidates } : {};
}

/** What is told of an answer where the request has the field. */
export interface Told {
  method: string;
  seed: number;
  prompt_ms: number;
  steps_per_second: number;
  /** With trace, of a whole answer: see TraceStep. */
  steps?: TraceStep[];
  dropped?: GenerateResult["dropped"];
  route?: Pick<RouteReport, "models" | "scores" | "reason">;
}

export function toldOf(result: GenerateResult, asked: NonNullable<Extension>): Told {
  const { method, seed, timings, trace, dropped } = result;
  const route = "route" in result ? (result.route as RouteReport) : undefined;
  return {
    method,
    seed,
    prompt_ms: timings.promptMs,
    steps_per_second: timings.stepsPerSecond,
    ...(asked.trace != null && { steps: trace }),
    ...(dropped !== undefined && { dropped }),
    ...(route !== undefined && { route: { models: route.models, scores: route.scores, reason: route.reason } }),
  };
}
