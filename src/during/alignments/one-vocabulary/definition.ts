import { z } from "zod";
import { defineAlignment } from "../define-alignment.js";
import { OneVocabularyAlignment } from "./alignment.js";

export const oneVocabulary = defineAlignment({
  name: "one-vocabulary",
  summary: "The tokens of the vocabulary that all members share.",
  options: z.strictObject({}),
  needs: () => ({ logits: true, oneVocabulary: true }),
  isPositive: "always",
  create: (context) =>
    new OneVocabularyAlignment(context, {
      of: 'The alignment "one-vocabulary"',
      instead: 'the alignment "top-union"',
    }),
  laws: { covers: "all" },
});
