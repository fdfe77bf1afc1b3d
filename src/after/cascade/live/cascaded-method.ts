/** A cascade where a fusion method is named. */
import type { Embedder } from "../../../before/embedders/embedder.js";
import type { Knob } from "../../../before/router.js";
import { LlamafuseError, unknownName } from "../../../errors.js";
import { checkArgument, shown } from "../../../read-options.js";
import type { Cascade, CascadeInfo } from "../cascade.js";
import type { TrainedCascade } from "../fitting/trained-cascade.js";
import { type CascadeOptions, cascadeInfos, cascadeNamed } from "../registry.js";
import { loadCascade, readCascade } from "../saved-cascade.js";

/** How sure a verifier is that an answer of a member is right, 0 to 1. */
export type VerifyAnswer = (
  question: { query: string; answer: string; member: string },
  signal: AbortSignal,
) => number | Promise<number>;

/**
 * A cascade in the place of a fusion method, with at most one knob. Those that need no training take their options here:
 * `{ name: "mot", samples: 5, threshold: 0.6 }`; members are asked in the order in which they are given.
 */
export type CascadedMethod = CascadeOptions & LiveOptions;

interface LiveOptions extends Pick<Knob, "threshold" | "lambda" | "budget"> {
  /** The file that `llamafuse cascade fit` wrote, or a fitted cascade with its embedder. */
  cascade?: string | { cascade: Cascade; embedder?: Embedder };
  /** Of the samples after the first, where the request has none. Default 0.7. */
  sampleTemperature?: number;
  /** For cascades that read a verifier. */
  verify?: VerifyAnswer;
  /** Bytes of weights and contexts that may be loaded at once. Default: half of the machine's memory. */
  memory?: number;
}

const KNOBS = ["threshold", "lambda", "budget"] as const;
const LIVE_OPTIONS = ["name", "cascade", "sampleTemperature", "verify", "memory", ...KNOBS];

export function knobOf(method: CascadedMethod): Knob {
  return Object.fromEntries(KNOBS.filter((knob) => method[knob] !== undefined).map((knob) => [knob, method[knob]]));
}

export function infoOf(name: string): CascadeInfo {
  return cascadeInfos.find((info) => info.name === name)!;
}

/** Whether the cascade is there and can be used. Errors: invalid-option, those of its file. */
export async function checkCascadedMethod(method: CascadedMethod): Promise<void> {
  const info = infoOf(method.name);
  checkLive(method, info);
  if (typeof method.cascade === "string") {
    const { cascade } = await readCascade(method.cascade);
    checkName(method, cascade);
  } else if (method.cascade === undefined) {
    if (!info.trainingFree) throw unfitted(method.name);
    cascadeNamed(method.name, ownOptions(method));
  }
}

/** The cascade and its embedder; without a fit, over these members in this order. */
export async function openCascade(
  method: CascadedMethod,
  members: readonly string[],
): Promise<{ cascade: TrainedCascade; embedder?: Embedder; ownsEmbedder: boolean }> {
  const { cascade: given, name } = method;
  if (typeof given === "string") {
    const loaded = await loadCascade(given);
    return { ...loaded, ownsEmbedder: true };
  }
  if (given !== undefined) {
    checkArgument("The cascade", given.cascade, "a fitted cascade, as createCascade gives it", () => {
      return given.cascade.models.length > 0 && typeof given.cascade.next === "function";
    });
    checkName(method, given.cascade);
    return { cascade: given.cascade as TrainedCascade, embedder: given.embedder, ownsEmbedder: false };
  }
  const cascade = cascadeNamed(name, ownOptions(method));
  cascade.begin(members);
  return { cascade, ownsEmbedder: false };
}

function checkLive(method: CascadedMethod, info: CascadeInfo): void {
  const { name, needs, options } = info;
  const known = method.cascade === undefined ? [...LIVE_OPTIONS, ...Object.keys(options)] : LIVE_OPTIONS;
  for (const key of Object.keys(method)) {
    if (known.includes(key)) continue;
    if (!(key in options)) throw unknownName(`option of ${name}`, key, known);
    const message = `The option ${key} of ${name} belongs to its fit. Fit the cascade again with it: llamafuse cascade fit -c ${name}:${key}=….`;
    throw new LlamafuseError("invalid-option", message, { option: key });
  }
  if (needs.includes("classProbabilities")) {
    const message = `${name} reads probabilities of choices, and a written answer has none. Use it on tables, or quantile-deferral here.`;
    throw new LlamafuseError("invalid-option", message, { option: "method", found: name });
  }
  if (needs.includes("verifier") && typeof method.verify !== "function") {
    const message = `${name} reads a verifier's confidence. Give one: verify: async ({ query, answer, member }) => 0.8, in the library.`;
    throw new LlamafuseError("invalid-option", message, { option: "verify", found: shown(method.verify) });
  }
  const { sampleTemperature: temperature = 1 } = method;
  if (typeof temperature !== "number" || !(temperature > 0)) {
    const message = `sampleTemperature is ${shown(temperature)}; it must be a number above 0, or all samples are the same.`;
    throw new LlamafuseError("invalid-option", message, { option: "sampleTemperature", found: shown(temperature) });
  }
}

function ownOptions(method: CascadedMethod): Record<string, unknown> {
  return Object.fromEntries(Object.entries(method).filter(([key]) => !LIVE_OPTIONS.includes(key)));
}

function checkName({ name, cascade: given }: CascadedMethod, cascade: Cascade): void {
  if (cascade.info.name === name) return;
  const file = typeof given === "string" ? given : "the cascade";
  throw new LlamafuseError(
    "invalid-option",
    `${file} is a ${cascade.info.name} cascade; use the method ${cascade.info.name} instead of ${name}.`,
    { found: name, allowed: cascade.info.name, option: "method" },
  );
}

function unfitted(name: string): LlamafuseError {
  const free = cascadeInfos.filter(({ trainingFree }) => trainingFree).map((info) => info.name);
  return new LlamafuseError(
    "invalid-option",
    `${name} is a cascade and needs a fitted file: cascade: "cascade.json", as "llamafuse cascade fit -c ${name} -o cascade.json" writes it. Without a fit: ${free.join(", ")}.`,
    { option: "cascade", allowed: "a cascade's file" },
  );
}
