import { corpusBleu, sentenceBleu } from "../../../src/text/bleu.js";
import { corpusChrf, sentenceChrf } from "../../../src/text/chrf.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  hypotheses: string[];
  references: string[][];
  lowercase: boolean;
}

export const bleuChrf: GoldenAdapter = {
  method: "bleu-chrf",
  tolerance: 1e-9,
  run({ hypotheses, references, lowercase }: Input) {
    const corpus = corpusBleu(hypotheses, references, { lowercase });
    const plusPlus = { wordOrder: 2, lowercase };
    return {
      corpusBleu: corpus.score,
      precisions: corpus.precisions,
      bp: corpus.brevityPenalty,
      hypothesisLength: corpus.hypothesisLength,
      referenceLength: corpus.referenceLength,
      counts: corpus.matches,
      totals: corpus.totals,
      sentenceBleu: hypotheses.map((text, index) => sentenceBleu(text, references[index], { lowercase }).score),
      corpusChrf: corpusChrf(hypotheses, references, { lowercase }),
      corpusChrfpp: corpusChrf(hypotheses, references, plusPlus),
      sentenceChrf: hypotheses.map((text, index) => sentenceChrf(text, references[index], { lowercase })),
      sentenceChrfpp: hypotheses.map((text, index) => sentenceChrf(text, references[index], plusPlus)),
    };
  },
};
