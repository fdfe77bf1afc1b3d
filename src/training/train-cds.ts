/**
 * The training of a critical-token classifier for CDS (arXiv 2402.17982). Ours, because neither the paper's classifier nor
 * its annotated data is published: the aligned model is led through right answers, and a token is critical where it is
 * part of what makes the answer right (the accepted answer's text).
 *
 *     P(next token is critical) = σ(β₀ + βᵀh)       h: the aligned model's last-layer state behind the text so far
 *
 * A ridge regression on standardised states (learning/logistic-regression.ts), fitted on four fifths of the answers; the
 * last fifth says how good it is. Right answers are the examples' own, or the knowledge member's, or the aligned one's.
 */

import { checkedCallback } from "../callbacks.js";
import { type SavedSwitchingModel, switchingModelFile } from "../during/token/switch/saved-model.js";
import { drawOrder } from "../learning/draws.js";
import { LogisticRegression } from "../learning/logistic-regression.js";
import { matrixOf } from "../learning/matrix.js";
import type { Member } from "../member/member.js";
import { RandomGenerator } from "../random.js";
import { spansOf } from "./example.js";
import { checkLabels, checkTraining, referenceOf, type SwitchTraining } from "./options.js";
import { END, forceThrough } from "./teacher-forcing.js";

export interface CdsTraining extends SwitchTraining {
  /** ρ of the ridge. Default 1. */
  ridge?: number;
}

const DEFAULT_SEED = 1;
/** Of the answers, held back to say how good the classifier is. */
const HELD_BACK = 0.2;

interface LabelledToken {
  hidden: Float32Array;
  label: number;
}

/**
 * Train a classifier for these two members. Their caches are used. Errors: invalid-option (a number out of range),
 * invalid-data (nothing to learn from), aborted, those of the members.
 */
export async function trainCds(
  aligned: Member,
  knowledge: Member,
  given: CdsTraining,
): Promise<SavedSwitchingModel & { method: "cds" }> {
  const options = checkTraining({ aligned, knowledge }, given);
  const { examples, seed = DEFAULT_SEED, signal, ridge } = options;
  const onProgress = checkedCallback(options.onProgress);
  const answers: LabelledToken[][] = [];
  for (const [index, example] of examples.entries()) {
    onProgress?.("answers", index, examples.length);
    const reference = await referenceOf(example, [knowledge, aligned], signal);
    if (reference === undefined) continue;
    const spans = spansOf(Buffer.from(reference.bytes).toString(), example.critical);
    const tokens = await forceThrough(aligned, example, reference, signal);
    answers.push(
      tokens.map(({ hidden, target, at }, place) => {
        const end = tokens[place + 1]?.at ?? reference.bytes.length;
        const isCritical = target !== END && spans.some((span) => at < span.end && end > span.start);
        return { hidden, label: isCritical ? 1 : 0 };
      }),
    );
  }
  onProgress?.("answers", examples.length, examples.length);
  const order = Array.from(drawOrder(new RandomGenerator(seed), answers.length), (index) => answers[index]);
  const held = Math.floor(HELD_BACK * order.length);
  const training = order.slice(held).flat();
  const labels = training.map(({ label }) => label);
  checkLabels(
    "cds",
    labels,
    answers.length,
    "Give more examples with accepted answers that occur in the members' correct answers.",
  );
  const model = LogisticRegression.fit(matrixOf(training.map(({ hidden }) => hidden)), labels, { ridge });
  const counts = count(model, order.slice(0, held).flat());
  return switchingModelFile(aligned, knowledge, {
    method: "cds",
    model: model.toJSON(),
    training: { examples: examples.length, used: answers.length, tokens: training.length, ...counts, seed },
  }) as SavedSwitchingModel & { method: "cds" };
}

/** On tokens held back, at the threshold 0.5. */
function count(model: LogisticRegression, tokens: readonly LabelledToken[]): Record<string, number> {
  const found = tokens.filter(({ hidden }) => model.probability(hidden) > 0.5);
  return {
    heldBackTokens: tokens.length,
    heldBackCritical: tokens.filter(({ label }) => label === 1).length,
    heldBackFound: found.length,
    heldBackFoundCritical: found.filter(({ label }) => label === 1).length,
  };
}
