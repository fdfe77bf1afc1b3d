/**
 * Trained switching models in files: one versioned JSON document that remembers the two models it was trained on and what of the
 * leader's hidden state it has learned. Such a file fits no other models, not even others of the same size.
 */
import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { LlamafuseError } from "../../../errors.js";
import { BatchNormMlp, savedBatchNormMlp } from "../../../learning/batch-norm-mlp.js";
import { LogisticRegression, savedLogistic } from "../../../learning/logistic-regression.js";
import type { Member } from "../../../member/member.js";
import { type ModelIdentity, modelIdentity, savedIdentity } from "../../../member/model-identity.js";
import { problemOf, sentenceOf } from "../../../zod-problem.js";
import { LEARNED } from "./learned.js";
import type { SwitchingModel } from "./switching-model.js";

export const SWITCHING_MODEL_FORMAT = "llamafuse-switching-model";
/** As files of the first releases say. */
const FORMER_FORMAT = "llamafuse-judge";
export const SWITCHING_MODEL_VERSION = 1;

const common = {
  format: z.enum([SWITCHING_MODEL_FORMAT, FORMER_FORMAT]),
  version: z.literal(SWITCHING_MODEL_VERSION),
  /** The member that is read, and the one that may speak in its place. */
  leader: modelIdentity,
  other: modelIdentity,
  /** Numbers of the leader's hidden state. */
  inputs: z.int().min(1),
  /** What it was trained on, for people. */
  training: z.record(z.string(), z.union([z.string(), z.number()])),
};

const savedSwitchingModel = z.discriminatedUnion("method", [
  z.strictObject({ ...common, method: z.literal("cds"), model: savedLogistic }),
  z.strictObject({ ...common, method: z.literal("citer"), model: savedBatchNormMlp }),
]);

export type SavedSwitchingModel = z.infer<typeof savedSwitchingModel>;
export type SwitchingMethod = SavedSwitchingModel["method"];

/** What a method's members are called in errors. */
const ROLES: Record<SwitchingMethod, { leader: string; other: string }> = {
  cds: { leader: "aligned", other: "knowledge" },
  citer: { leader: "small", other: "large" },
};

/** A score of a hidden state: P(the next token is critical) for cds, P(the small model will do) for citer. */
export class HiddenStateModel implements SwitchingModel {
  readonly needs = { hidden: true };
  readonly #probability: (hidden: Float32Array) => number;

  private constructor(
    private readonly saved: SavedSwitchingModel,
    private readonly source: string,
  ) {
    const model = saved.method === "cds" ? LogisticRegression.restore(saved.model) : BatchNormMlp.restore(saved.model);
    const inputs = model instanceof BatchNormMlp ? model.inputs : model.coefficients.length;
    if (inputs !== saved.inputs) {
      throw new LlamafuseError(
        "invalid-data",
        `${source} is damaged: a model of ${inputs} numbers for hidden states of ${saved.inputs}. Train it again.`,
        { file: source, found: inputs, allowed: saved.inputs },
      );
    }
    this.#probability = (hidden) => model.probability(hidden);
  }

  /** `source`: what errors call it. Errors: invalid-data, also for the model of another method. */
  static of(saved: unknown, method: SwitchingMethod, source = `the saved ${LEARNED[method]}`): HiddenStateModel {
    const { format, version } = (saved ?? {}) as Partial<SavedSwitchingModel>;
    if ((format === SWITCHING_MODEL_FORMAT || format === FORMER_FORMAT) && version !== SWITCHING_MODEL_VERSION) {
      throw new LlamafuseError(
        "invalid-data",
        `${source} was saved as version ${version}; this Llamafuse reads version ${SWITCHING_MODEL_VERSION}. Train it again.`,
        { found: version, allowed: SWITCHING_MODEL_VERSION, file: source },
      );
    }
    const result = savedSwitchingModel.safeParse(saved);
    const wrong = result.success ? otherMethod(result.data, method) : sentenceOf(problemOf(result.error, saved));
    if (wrong !== undefined || !result.success) {
      throw new LlamafuseError(
        "invalid-data",
        `${source} is not a ${method} ${LEARNED[method]}: ${wrong}. Make one with "llamafuse train ${method}".`,
        { file: source, allowed: method },
      );
    }
    return new HiddenStateModel(result.data, source);
  }

  begin(leader: Member, other: Member): void {
    const { saved } = this;
    const roles = ROLES[saved.method];
    for (const [role, member, wanted] of [
      [roles.leader, leader, saved.leader],
      [roles.other, other, saved.other],
    ] as const) {
      const found = member.identity();
      if (found.digest === wanted.digest) continue;
      throw new LlamafuseError(
        "incompatible-members",
        `${this.source} was trained with ${named(wanted)} as the ${role} member; here that is ${named(found)}. Use those models, or train one for these with "llamafuse train ${saved.method}".`,
        { file: this.source, member: member.name, found: found.digest, allowed: wanted.digest },
      );
    }
  }

  score({ output }: Member): number {
    const score = this.#probability(output.hidden);
    if (Number.isFinite(score)) return score;
    throw new LlamafuseError("invalid-data", `${this.source} is damaged: it scores a token ${score}. Train it again.`, {
      file: this.source,
      found: String(score),
      allowed: "a number from 0 to 1",
    });
  }
}

function otherMethod(saved: SavedSwitchingModel, method: SwitchingMethod): string | undefined {
  return saved.method === method ? undefined : `it was trained for ${saved.method}`;
}

function named({ name, description }: ModelIdentity): string {
  return `"${name}" (${description})`;
}

/** Read once, and again only when the file changes. */
const cache = new Map<string, { changed: number; model: HiddenStateModel }>();

/** Errors: file-unreadable, invalid-data. */
export function readSwitchingModel(file: string, method: SwitchingMethod): HiddenStateModel {
  const key = `${method} ${file}`;
  try {
    const changed = statSync(file).mtimeMs;
    const known = cache.get(key);
    if (known?.changed === changed) return known.model;
    const model = HiddenStateModel.of(parse(readFileSync(file, "utf8"), file), method, file);
    cache.set(key, { changed, model });
    return model;
  } catch (error) {
    if (error instanceof LlamafuseError) throw ofFile(error, file);
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const what = LEARNED[method];
    const names = method === "cds" ? '"entropy", "entity", or ' : "";
    const message =
      code === "ENOENT"
        ? `The ${what} of ${method} must be ${names}a file of "llamafuse train ${method}"; the file ${file} does not exist.`
        : `Cannot read ${file}: ${code}. Train a ${what} for ${method} with "llamafuse train ${method}".`;
    throw new LlamafuseError("file-unreadable", message, { file, found: code }, error);
  }
}

/** What is said of a number within it names the file too. */
function ofFile(error: LlamafuseError, file: string): LlamafuseError {
  const { code, message, details } = error;
  if (code !== "invalid-data" || message.includes(file)) return error;
  return new LlamafuseError(code, `${file} is damaged: ${message}`, { ...details, file }, error);
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LlamafuseError("invalid-data", `${file} is not JSON: ${(error as Error).message}.`, { file }, error);
  }
}

/** The document that `readSwitchingModel` reads. */
export function switchingModelFile(
  leader: Member,
  other: Member,
  learned: Pick<SavedSwitchingModel, "method" | "model" | "training">,
): SavedSwitchingModel {
  return {
    format: SWITCHING_MODEL_FORMAT,
    version: SWITCHING_MODEL_VERSION,
    leader: savedIdentity(leader),
    other: savedIdentity(other),
    inputs: leader.facts.embeddingLength,
    ...learned,
  } as SavedSwitchingModel;
}
