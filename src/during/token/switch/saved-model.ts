/**
 * Trained judges in files: one versioned JSON document that remembers the two models it was trained on and what of the
 * leader's hidden state it has learned. Such a file fits no other models, not even others of the same size.
 */
import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { LlamafuseError } from "../../../errors.js";
import { BatchNormMlp, savedBatchNormMlp } from "../../../learning/batch-norm-mlp.js";
import { LogisticRegression, savedLogistic } from "../../../learning/logistic-regression.js";
import type { Member } from "../../../member/member.js";
import { type ModelIdentity, modelIdentity, savedIdentity } from "../../../member/model-identity.js";
import { type Judge, LEARNED } from "./model.js";

export const JUDGE_FORMAT = "llamafuse-judge";
export const JUDGE_VERSION = 1;

const common = {
  format: z.literal(JUDGE_FORMAT),
  version: z.literal(JUDGE_VERSION),
  /** The member that is read, and the one that may speak in its place. */
  leader: modelIdentity,
  other: modelIdentity,
  /** Numbers of the leader's hidden state. */
  inputs: z.int().min(1),
  /** What it was trained on, for people. */
  training: z.record(z.string(), z.union([z.string(), z.number()])),
};

export const savedJudge = z.discriminatedUnion("method", [
  z.strictObject({ ...common, method: z.literal("cds"), model: savedLogistic }),
  z.strictObject({ ...common, method: z.literal("citer"), model: savedBatchNormMlp }),
]);

export type SavedJudge = z.infer<typeof savedJudge>;
export type JudgedMethod = SavedJudge["method"];

/** What a method's members are called in errors. */
const ROLES: Record<JudgedMethod, { leader: string; other: string }> = {
  cds: { leader: "aligned", other: "knowledge" },
  citer: { leader: "small", other: "large" },
};

/** A score of a hidden state: P(the next token is critical) for cds, P(the small model will do) for citer. */
export class HiddenStateJudge implements Judge {
  readonly needs = { hidden: true };
  readonly #probability: (hidden: Float32Array) => number;

  private constructor(
    private readonly saved: SavedJudge,
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

  /** `source`: what errors call it. Errors: invalid-data, also for the judge of another method. */
  static of(saved: unknown, method: JudgedMethod, source = `the saved ${LEARNED[method]}`): HiddenStateJudge {
    const { format, version } = (saved ?? {}) as Partial<SavedJudge>;
    if (format === JUDGE_FORMAT && version !== JUDGE_VERSION) {
      throw new LlamafuseError(
        "invalid-data",
        `${source} was saved as version ${version}; this Llamafuse reads version ${JUDGE_VERSION}. Train it again.`,
        { found: version, allowed: JUDGE_VERSION, file: source },
      );
    }
    const result = savedJudge.safeParse(saved);
    const wrong = result.success ? otherMethod(result.data, method) : damage(result.error.issues[0]);
    if (wrong !== undefined || !result.success) {
      throw new LlamafuseError(
        "invalid-data",
        `${source} is no ${LEARNED[method]} for ${method}: ${wrong}. Make one with "llamafuse train ${method}".`,
        { file: source, allowed: method },
      );
    }
    return new HiddenStateJudge(result.data, source);
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
    return this.#probability(output.hidden);
  }
}

function otherMethod(saved: SavedJudge, method: JudgedMethod): string | undefined {
  return saved.method === method ? undefined : `it was trained for ${saved.method}`;
}

function damage({ path, message }: { path: PropertyKey[]; message: string }): string {
  return path.length > 0 ? `${message} (${path.join(".")})` : message;
}

function named({ name, description }: ModelIdentity): string {
  return `"${name}" (${description})`;
}

/** Read once, and again only when the file changes. */
const cache = new Map<string, { changed: number; judge: HiddenStateJudge }>();

/** Errors: file-unreadable, invalid-data. */
export function readJudge(file: string, method: JudgedMethod): HiddenStateJudge {
  const key = `${method} ${file}`;
  try {
    const changed = statSync(file).mtimeMs;
    const known = cache.get(key);
    if (known?.changed === changed) return known.judge;
    const judge = HiddenStateJudge.of(parse(readFileSync(file, "utf8"), file), method, file);
    cache.set(key, { changed, judge });
    return judge;
  } catch (error) {
    if (error instanceof LlamafuseError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const what = LEARNED[method];
    const names = method === "cds" ? '"entropy", "entity", or ' : "";
    const message =
      code === "ENOENT"
        ? `The ${what} of ${method} must be ${names}a file of "llamafuse train ${method}"; there is no file ${file}.`
        : `Cannot read ${file}: ${code}. Train a ${what} for ${method} with "llamafuse train ${method}".`;
    throw new LlamafuseError("file-unreadable", message, { file, found: code }, error);
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LlamafuseError("invalid-data", `${file} is not JSON: ${(error as Error).message}.`, { file }, error);
  }
}

/** The document that `readJudge` reads. */
export function judgeFile(
  leader: Member,
  other: Member,
  learned: Pick<SavedJudge, "method" | "model" | "training">,
): SavedJudge {
  return {
    format: JUDGE_FORMAT,
    version: JUDGE_VERSION,
    leader: savedIdentity(leader),
    other: savedIdentity(other),
    inputs: leader.facts.embeddingLength,
    ...learned,
  } as SavedJudge;
}
