/**
 * The training of CITER's router (arXiv 2502.01976, as the released code does it): every token of a right answer is
 * labelled with whether the small model will do there.
 *
 *     label 1   the small model's likeliest token is the answer's next one
 *     label 0   only the large model's is
 *     both wrong: the small model's token is taken and the answer finished; 1 if it comes out right, else 0.
 *       round 1: the small model finishes alone;   later rounds: with the router of the round before, threshold 0.95
 *
 * After every round the router is trained anew on binary cross-entropy (learning/batch-norm-mlp.ts): batches of 80, at
 * most 1000 epochs, stopped after 5 without a lower loss on a fifth of the tokens held back.
 *
 * The paper's policy optimisation is, in the released code, this cross-entropy. Its learning rate is 1e-7, its batches
 * keep one order, and the weights kept are the last ones and not the best: `compat` restores all three. The default rate
 * of 1e-3, right answers of the members themselves where an example brings none (the released code takes the data set's
 * chain of thought), and members with different vocabularies, whose tokens match where their bytes go on the answer, are
 * ours. The fine-tuning of the small model on chains of thought that may come before is not done here.
 */

import { checkedCallback } from "../callbacks.js";
import { methodNamed } from "../during/methods.js";
import { citer } from "../during/token/switch/citer.js";
import { type SavedSwitchingModel, switchingModelFile } from "../during/token/switch/saved-model.js";
import { BatchNormMlp } from "../learning/batch-norm-mlp.js";
import { matrixOf } from "../learning/matrix.js";
import type { Member } from "../member/member.js";
import { firstDifference } from "../vocabulary/same-tokens.js";
import { textAtFragmentStart } from "../vocabulary/vocabulary.js";
import type { TrainingExample } from "./example.js";
import { checkLabels, checkTraining, referenceOf, type SwitchTraining } from "./options.js";
import {
  checkSignal,
  END,
  type ForcedToken,
  finishAnswer,
  forceThrough,
  likeliest,
  type Reference,
  renderExample,
  trainingContext,
} from "./teacher-forcing.js";

export interface CiterTraining extends SwitchTraining {
  /** Default 2. */
  rounds?: number;
  /** Default 1e-3. */
  learningRate?: number;
  /** Default 1000. */
  epochs?: number;
  /** Hidden units of the router. Default: twice the numbers of a hidden state. */
  hidden?: number;
  /** The released code's learning rate, order and last weights. Default false. */
  compat?: boolean;
}

/** The threshold with which later rounds finish answers. */
const ROLL_OUT_THRESHOLD = 0.95;
const PUBLISHED_LEARNING_RATE = 1e-7;
const DEFAULT_SEED = 1;

/** A token whose label is known, or waits for an answer to be finished. */
export interface RoutedToken {
  hidden: Float32Array;
  /** NaN while it waits. */
  label: number;
  /** Where both were wrong: the example, and its answer up to and with the small model's token. */
  open?: { example: TrainingExample; forced: Uint8Array; ends: boolean };
}

/**
 * Train a router for these two members. Their caches are used. Errors: invalid-option (a number out of range), invalid-data
 * (nothing to learn from), aborted, those of the members.
 */
export async function trainCiter(
  small: Member,
  large: Member,
  given: CiterTraining,
): Promise<SavedSwitchingModel & { method: "citer" }> {
  const options = checkTraining({ small, large }, given);
  const { examples, seed = DEFAULT_SEED, signal, rounds = 2, compat = false } = options;
  const onProgress = checkedCallback(options.onProgress);
  const tokens: RoutedToken[] = [];
  // The answers, and in each round the open answers and the router.
  const stages = 1 + 2 * rounds;
  const report = (stage: number, name: string, share: number) => onProgress?.(name, stage + share, stages);
  let used = 0;
  for (const [index, example] of examples.entries()) {
    report(0, "answers", index / examples.length);
    const reference = await referenceOf(example, [large, small], signal);
    if (reference === undefined) continue;
    tokens.push(...(await routedTokens(small, large, example, reference, signal)));
    used++;
  }
  report(0, "answers", 1);
  const x = matrixOf(tokens.map(({ hidden }) => hidden));
  let router: BatchNormMlp | undefined;
  for (let round = 1; round <= rounds; round++) {
    await finishOpen(small, large, tokens, router, {
      signal,
      onProgress: (share) => report(2 * round - 1, `round ${round}`, share),
    });
    const labels = tokens.map(({ label }) => label);
    checkLabels(
      "citer",
      labels,
      used,
      "Give more examples, from a task that the second member often answers correctly and the first does not.",
    );
    const epochs = options.epochs ?? 1000;
    router = await BatchNormMlp.fit(x, labels, {
      seed: seed + round - 1,
      hidden: options.hidden,
      epochs,
      learningRate: options.learningRate ?? (compat ? PUBLISHED_LEARNING_RATE : undefined),
      shuffle: !compat,
      keep: compat ? "last" : "best",
      signal,
      onEpoch: (epoch) => {
        report(2 * round, `training ${round}`, (epoch + 1) / epochs);
        return undefined;
      },
    });
    report(2 * round, `training ${round}`, 1);
  }
  const ones = tokens.filter(({ label }) => label === 1).length;
  const open = tokens.filter((token) => token.open !== undefined).length;
  const training = {
    examples: examples.length,
    used,
    tokens: tokens.length,
    smallWillDo: ones,
    bothWrong: open,
    rounds,
    seed,
  };
  return switchingModelFile(small, large, {
    method: "citer",
    model: router!.toJSON(),
    training,
  }) as SavedSwitchingModel & {
    method: "citer";
  };
}

/** The labelled tokens of one answer. */
export async function routedTokens(
  small: Member,
  large: Member,
  example: TrainingExample,
  reference: Reference,
  signal?: AbortSignal,
): Promise<RoutedToken[]> {
  const forced = await forceThrough(small, example, reference, signal);
  const wrong = forced.filter(({ said, target }) => said !== target);
  const largeIsRight = await matches(small, large, example, reference, wrong, signal);
  return forced.map((token) => {
    const { hidden, said, target, at } = token;
    if (said === target) return { hidden, label: 1 };
    if (largeIsRight.get(token)) return { hidden, label: 0 };
    const text = Buffer.from(reference.bytes.subarray(0, at));
    const piece = said === END ? new Uint8Array() : small.vocabulary.bytesOf(said);
    const open = { example, forced: Buffer.concat([text, piece]), ends: said === END };
    return { hidden, label: Number.NaN, open };
  });
}

/** The tokens, ascending, from which the large model continues the answer. */
async function matches(
  small: Member,
  large: Member,
  example: TrainingExample,
  { bytes }: Reference,
  tokens: readonly ForcedToken[],
  signal?: AbortSignal,
): Promise<Map<ForcedToken, boolean>> {
  const found = new Map<ForcedToken, boolean>();
  if (tokens.length === 0) return found;
  const sharesVocabulary = firstDifference(small.vocabulary, large.vocabulary) < 0;
  await large.prepare({ top: 1 });
  await large.begin(renderExample(example, large).prompt, signal);
  let at = 0;
  for (const token of tokens) {
    checkSignal(signal);
    if (token.at > at) large.append({ kind: "text", bytes: bytes.slice(at, token.at) });
    at = token.at;
    await large.advance();
    const said = likeliest(large);
    if (said === END || token.target === END) found.set(token, said === END && token.target === END);
    else if (sharesVocabulary) found.set(token, said === token.target);
    else found.set(token, goesOn(large, said, bytes.subarray(at)));
  }
  return found;
}

function goesOn({ vocabulary, atFragmentStart }: Member, id: number, rest: Uint8Array): boolean {
  const own = vocabulary.bytesOf(id);
  const bytes = atFragmentStart ? textAtFragmentStart(own) : own;
  return bytes.length > 0 && bytes.length <= rest.length && bytes.every((byte, index) => byte === rest[index]);
}

/** Label the open tokens by finishing their answers: with the router, or with the small model alone. */
async function finishOpen(
  small: Member,
  large: Member,
  tokens: readonly RoutedToken[],
  router: BatchNormMlp | undefined,
  { signal, onProgress }: { signal?: AbortSignal; onProgress: (share: number) => void },
): Promise<void> {
  const open = tokens.filter((token) => token.open !== undefined);
  for (const [index, token] of open.entries()) {
    onProgress(index / open.length);
    const { example, forced, ends } = token.open!;
    if (ends) {
      token.label = example.isRight(Buffer.from(forced).toString()) ? 1 : 0;
      continue;
    }
    const context = trainingContext(router === undefined ? [small] : [small, large]);
    const run =
      router === undefined
        ? methodNamed({ name: "single" }).create(context)
        : citer.create(context, { router: judging(router), small: 0, threshold: ROLL_OUT_THRESHOLD });
    const { text } = await finishAnswer(run, context, example, forced, signal);
    token.label = example.isRight(text) ? 1 : 0;
  }
  onProgress(1);
}

function judging(router: BatchNormMlp) {
  return { needs: { hidden: true }, score: ({ output }: Member) => router.probability(output.hidden) };
}
