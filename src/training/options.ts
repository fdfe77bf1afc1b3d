/** What the trainings of switching models share: members, examples, progress. */

import { readPrompt } from "../decoding/request.js";
import { methodNamed } from "../during/methods.js";
import { LlamafuseError } from "../errors.js";
import { isMember } from "../member/is-member.js";
import type { Member } from "../member/member.js";
import { MAX_SEED } from "../random.js";
import { checkArgument, checkText, checkTexts, checkWatching, readPlain, refuse, shown } from "../read-options.js";
import type { TrainingExample } from "./example.js";
import { finishAnswer, type Reference, trainingContext } from "./teacher-forcing.js";

export interface SwitchTraining {
  examples: readonly TrainingExample[];
  /** Default 1. */
  seed?: number;
  signal?: AbortSignal;
  /** What is being done, and how much of the whole training is: "round 1" 1.5 of 5. `done` never falls. */
  onProgress?: (phase: string, done: number, total: number) => void;
}

/**
 * The members and options of a training, before anything is asked. `roles`: what the members are called in errors.
 * Errors: invalid-option.
 */
export function checkTraining<Options extends SwitchTraining>(
  members: Readonly<Record<string, Member>>,
  given: Options,
): Options {
  for (const [role, member] of Object.entries(members))
    checkArgument(`The ${role} member`, member, "a loaded member, such as ensemble.members[0]", () => isMember(member));
  const options = readPlain("The options of a training", given, "{ examples: […] }");
  checkWatching(options);
  checkNumbers(options);
  checkArgument("examples", options.examples, "a list of examples", () => Array.isArray(options.examples));
  const examples = Array.from(options.examples, readExample);
  return { ...options, examples };
}

function readExample(given: TrainingExample): TrainingExample {
  const example = readPlain("An example", given, "{ prompt, isRight, critical, maxTokens }");
  const { isRight, critical, stop, maxTokens, reference } = example;
  if (typeof isRight !== "function") refuse("An example's isRight", isRight, "a function of an answer's text");
  checkTexts("An example's critical", critical);
  if (stop !== undefined) checkTexts("An example's stop", stop);
  if (reference !== undefined) checkText("An example's reference", reference);
  if (!(Number.isSafeInteger(maxTokens) && maxTokens >= 0))
    refuse("An example's maxTokens", maxTokens, "a whole number >= 0");
  return { ...example, prompt: readPrompt(example.prompt) };
}

const WHOLE = { allowed: "an integer >= 1", holds: (n: number) => Number.isSafeInteger(n) && n >= 1 };

const NUMBERS = {
  seed: {
    allowed: `an integer from 0 to ${MAX_SEED}`,
    holds: (seed: number) => Number.isSafeInteger(seed) && seed >= 0,
  },
  rounds: WHOLE,
  epochs: WHOLE,
  hidden: WHOLE,
  learningRate: { allowed: "a finite number above 0", holds: (rate: number) => Number.isFinite(rate) && rate > 0 },
  ridge: { allowed: "a finite number >= 0", holds: (ridge: number) => Number.isFinite(ridge) && ridge >= 0 },
};

/** LlamafuseError "invalid-option" names the first number that a training cannot use. */
export function checkNumbers(options: Partial<Record<keyof typeof NUMBERS, number>>): void {
  for (const [option, { allowed, holds }] of Object.entries(NUMBERS)) {
    const found = options[option as keyof typeof NUMBERS];
    if (found === undefined || holds(found)) continue;
    throw new LlamafuseError("invalid-option", `${option} must be ${allowed}; found ${shown(found)}.`, {
      option,
      found,
      allowed,
    });
  }
}

/**
 * What to lead a member through: the example's own reference, or the first right answer of these members, which are asked
 * in turn; undefined where none is right.
 */
export async function referenceOf(
  example: TrainingExample,
  members: readonly Member[],
  signal?: AbortSignal,
): Promise<Reference | undefined> {
  if (example.reference !== undefined) return { bytes: Buffer.from(example.reference), ends: true };
  for (const member of members) {
    const context = trainingContext([member]);
    const run = methodNamed({ name: "single" }).create(context);
    const { text, ends } = await finishAnswer(run, context, example, undefined, signal);
    if (text !== "" && example.isRight(text)) return { bytes: Buffer.from(text), ends };
  }
  return undefined;
}

/** LlamafuseError "invalid-data" where nothing was left to learn from. */
export function checkLabels(method: string, labels: readonly number[], examples: number, cure: string): void {
  const ones = labels.filter((label) => label >= 0.5).length;
  if (ones > 0 && ones < labels.length) return;
  throw new LlamafuseError(
    "invalid-data",
    `${examples} examples gave ${labels.length} tokens for the training of ${method}, of which ${ones} are labelled 1; both labels must occur. ${cure}`,
    { found: { tokens: labels.length, ones }, examples },
  );
}
