/**
 * MoRE's features of one expert's answer (Si et al., Findings of EMNLP 2023, arXiv 2305.14628), in the published order: 44
 * numbers, 29 without agreement, 18 of the question alone; −1 where one does not apply.
 *
 * The published code counts lengths in GPT-2's tokens; `countTokens` says how they are counted here (words by default).
 */
import { normaliseAnswer, tokenF1 } from "../../text/squad.js";
import { splitWords } from "../../text/words.js";

export const MORE_EXPERTS = ["factual", "multihop", "math", "commonsense"] as const;
export type MoreExpert = (typeof MORE_EXPERTS)[number];

export interface ExpertAnswer {
  expert: MoreExpert;
  question: string;
  /** Passages that a factual or commonsense expert read. */
  context: readonly string[];
  /** The model's own probability of its answer. */
  probability: number;
  answer: string;
  /** The answer with its explanation. */
  fullAnswer: string;
  answers: Readonly<Record<MoreExpert, string>>;
  fullAnswers: Readonly<Record<MoreExpert, string>>;
}

export interface FeatureOptions {
  questionOnly?: boolean;
  agreement?: boolean;
  countTokens?: (text: string) => number;
}

const WORDS = ["what", "who", "which", "when", "where"];

export function moreFeatures(
  given: ExpertAnswer,
  { questionOnly = false, agreement = true, countTokens = (text) => splitWords(text).length }: FeatureOptions = {},
): number[] {
  const { expert, question, context, probability, answer } = given;
  const passages = context.join(" ");
  const reads = expert === "factual" || expert === "commonsense";
  const features = [
    ...MORE_EXPERTS.map((each) => Number(each === expert)),
    ...questionWords(question),
    countTokens(question),
    countNumerals(question),
    ...(reads ? [countNumerals(passages), overlap(question, passages), countTokens(passages)] : none(3)),
  ];
  if (questionOnly) return features;
  features.push(probability, countTokens(answer), ...(agreement ? agreementWith(given) : []));
  features.push(overlap(question, answer), countNumerals(answer));
  features.push(...(reads ? [overlap(answer, passages), occurrences(passages, answer)] : none(2)));
  features.push(...explanation(given));
  return features;
}

/** What, who, which, when, where; how much, how many, how otherwise; why. */
export function questionWords(question: string): number[] {
  const words = splitWords(question.toLowerCase());
  const has = (word: string) => words.includes(word);
  const how = has("how");
  return [
    ...WORDS.map(has),
    how && has("much"),
    how && has("many"),
    how && !has("much") && !has("many"),
    has("why"),
  ].map(Number);
}

/** How many experts say the same, F1 with each of the others, and F1 of explanations with the other's answer. */
function agreementWith({ expert, answer, answers, fullAnswers }: ExpertAnswer): number[] {
  const same = MORE_EXPERTS.filter((each) => normaliseAnswer(answers[each]) === normaliseAnswer(answer)).length;
  const others = MORE_EXPERTS.flatMap((row) =>
    MORE_EXPERTS.filter((other) => other !== row).map((other) =>
      row === expert ? tokenF1(answers[other], answer) : -1,
    ),
  );
  return [
    same,
    ...others,
    expert === "multihop" ? tokenF1(answers.math, fullAnswers.multihop) : -1,
    expert === "math" ? tokenF1(answers.multihop, fullAnswers.math) : -1,
  ];
}

function explanation({ expert, question, answer, fullAnswer }: ExpertAnswer): number[] {
  if (expert !== "math" && expert !== "multihop") return none(5);
  return [
    splitWords(fullAnswer).length,
    overlap(question, fullAnswer),
    overlap(answer, fullAnswer),
    occurrences(fullAnswer, answer),
    countNumerals(fullAnswer),
  ];
}

/** Words that are digits once full stops and hyphens are gone. */
export function countNumerals(text: string): number {
  return splitWords(text).filter((word) => /^\p{N}+$/u.test(word.replace(/[.-]/g, ""))).length;
}

/** Different words that both have. */
export function overlap(a: string, b: string): number {
  const words = new Set(splitWords(b.toLowerCase()));
  return new Set(splitWords(a.toLowerCase()).filter((word) => words.has(word))).size;
}

/** As Python's str.count: without overlaps; of an empty text, one more than there are characters. */
function occurrences(text: string, part: string): number {
  if (part === "") return Array.from(text).length + 1;
  return text.toLowerCase().split(part.toLowerCase()).length - 1;
}

function none(count: number): number[] {
  return Array<number>(count).fill(-1);
}
