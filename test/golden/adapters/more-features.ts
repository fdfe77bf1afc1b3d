import { type MoreExpert, moreFeatures } from "../../../src/after/select/more-features.js";
import { normaliseAnswer, tokenF1 } from "../../../src/text/squad.js";
import type { GoldenAdapter } from "../adapter.js";

interface Prediction {
  expert: MoreExpert;
  question: string;
  context: string[];
  lm_prob: number;
  answer: string;
  full_answer: string;
  answers_by_expert: Record<MoreExpert, string>;
  full_answers_by_expert: Record<MoreExpert, string>;
}

type Input =
  | { pairs: [gold: string, prediction: string][] }
  | { questionOnly: boolean; agreement: boolean; predictions: Prediction[] };

export const moreFeaturesOf: GoldenAdapter = {
  method: "more-features",
  // What 12 digits hold.
  tolerance: 1e-11,
  run(input: Input) {
    if ("pairs" in input) {
      const { pairs } = input;
      return {
        f1: pairs.map(([gold, prediction]) => tokenF1(prediction, gold)),
        normalised: pairs.map((pair) => pair.map(normaliseAnswer)),
      };
    }
    const { predictions, questionOnly, agreement } = input;
    const features = predictions.map((each) =>
      moreFeatures(
        {
          expert: each.expert,
          question: each.question,
          context: each.context,
          probability: each.lm_prob,
          answer: each.answer,
          fullAnswer: each.full_answer,
          answers: each.answers_by_expert,
          fullAnswers: each.full_answers_by_expert,
        },
        { questionOnly, agreement },
      ),
    );
    return { features };
  },
};
