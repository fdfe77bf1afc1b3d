/**
 * Written answers as EleutherAI's lm-evaluation-harness grades them (at 4e7e0d47f33b; lm_eval/filters/extraction.py,
 * lm_eval/models/utils.py `postprocess_generated_text`, lm_eval/api/metrics.py `exact_match_hf_evaluate`), so that figures
 * compare with published ones. A metric is named after the harness's task and filter: "gsm8k/strict-match".
 *
 * The text is cut at the task's `until`, a filter takes a string out of it ("[invalid]" where it finds none), and that
 * string must equal the answer once both are normalised. What looks odd is the harness's own: `(.*)(?=.)` loses the last
 * character, `[$0-9.,]{2,}` finds "...", and only the comparison drops "$" and ",". The prompt is the caller's: the
 * harness puts its own words and examples before a question, which change a model's answer too.
 */

import { PYTHON_SPACE, strip, stripStart } from "../../text/words.js";
import type { Question } from "../task.js";

const INVALID = "[invalid]";

type Filter =
  | { readonly kind: "regex"; readonly pattern: RegExp; readonly select: number }
  | { readonly kind: "choices"; readonly select: number }
  | { readonly kind: "strip-start" }
  | { readonly kind: "none" };

interface HarnessTask {
  readonly until: readonly string[];
  readonly filter: Filter;
  readonly ignore: {
    readonly patterns?: readonly RegExp[];
    readonly letterCase?: boolean;
    readonly punctuation?: boolean;
  };
  /** How the task writes a correct choice; absent for numbers. */
  readonly letter?: (letter: string) => string;
}

const regex = (pattern: RegExp, select = 0): Filter => ({ kind: "regex", pattern, select });
/** Python's `.` is anything but a line feed, and its `$` ends the text or its last line. */
const GSM8K = {
  ignore: { patterns: [/,/gu, /\$/gu, /[\s\S]*#### /gu, /\.(?=\n?(?![\s\S]))/gu], letterCase: true },
} as const;
const FLEXIBLE = regex(/(-?[$0-9.,]{2,})|(-?[0-9]+)/gu, -1);
const UNTIL_CHAT = ["</s>", "<|im_end|>"] as const;
const UNTIL_LLAMA = ["<|eot_id|>", "<|start_header_id|>user<|end_header_id|>", "Q:", ...UNTIL_CHAT] as const;
const LENIENT = { letterCase: true, punctuation: true } as const;
const inBrackets = (letter: string) => `(${letter})`;
const alone = (letter: string) => letter;

export const HARNESS_TASKS = {
  "gsm8k/strict-match": { ...GSM8K, until: ["Question:", ...UNTIL_CHAT], filter: regex(/#### (-?[0-9.,]+)/gu) },
  "gsm8k/flexible-extract": { ...GSM8K, until: ["Question:", ...UNTIL_CHAT], filter: FLEXIBLE },
  "gsm8k_cot_zeroshot/strict-match": {
    ...GSM8K,
    until: ["Q:", ...UNTIL_CHAT],
    filter: regex(/The answer is (-?[0-9.,]+)[^\n]/gu),
  },
  "gsm8k_cot_zeroshot/flexible-extract": { ...GSM8K, until: ["Q:", ...UNTIL_CHAT], filter: FLEXIBLE },
  "gsm8k_cot_llama/strict-match": {
    ...GSM8K,
    until: UNTIL_LLAMA,
    filter: regex(/The final answer is ((-?[$0-9.,]{2,})|(-?[0-9]+))/gu, -1),
  },
  "gsm8k_cot_llama/flexible-extract": { ...GSM8K, until: UNTIL_LLAMA, filter: FLEXIBLE },
  "mmlu_flan_cot_zeroshot/strict-match": {
    until: ["</s>", "Q:", "<|im_end|>"],
    filter: regex(
      /((?<=The answer is )([^\n]*)(?=[^\n])|(?<=answer is )([^\n]*)(?=[^\n])|(?<=The answer: )([^\n]*)(?=[^\n])|(?<=The final answer: )([^\n]*)(?=[^\n]))/gu,
    ),
    ignore: LENIENT,
    letter: inBrackets,
  },
  "mmlu_flan_cot_zeroshot/flexible-extract": {
    until: ["</s>", "Q:", "<|im_end|>"],
    filter: { kind: "choices", select: -1 },
    ignore: LENIENT,
    letter: inBrackets,
  },
  "mmlu_flan_cot_fewshot/get-answer": {
    until: ["</s>"],
    filter: regex(/(?<=answer is )([^\n]*)(?=[^\n])/gu),
    ignore: LENIENT,
    letter: inBrackets,
  },
  "mmlu_flan_n_shot_generative/strict-match": {
    until: ["</s>", "Q:", "<|im_end|>", "\n"],
    filter: { kind: "none" },
    ignore: {},
    letter: inBrackets,
  },
  "mmlu_flan_n_shot_generative/flexible-extract": {
    until: ["</s>", "Q:", "<|im_end|>", "\n"],
    filter: { kind: "choices", select: 0 },
    ignore: {},
    letter: inBrackets,
  },
  "mmlu_pro/custom-extract": {
    until: ["Question:"],
    filter: regex(/answer is \(?([ABCDEFGHIJ])\)?/gu),
    ignore: LENIENT,
    letter: alone,
  },
  "arc_challenge_chat/remove_whitespace": {
    until: ["\n\n", "."],
    filter: { kind: "strip-start" },
    ignore: LENIENT,
    letter: alone,
  },
} as const satisfies Record<string, HarnessTask>;

export type HarnessMetric = keyof typeof HARNESS_TASKS;
export const HARNESS_METRICS = Object.keys(HARNESS_TASKS) as HarnessMetric[];

export function isHarnessMetric(name: string): name is HarnessMetric {
  return Object.hasOwn(HARNESS_TASKS, name);
}

/** What a task's filter takes out of an answer; "[invalid]" where it finds nothing. `choices`: the question's texts. */
export function harnessExtract(name: HarnessMetric, answer: string, choices: readonly string[] = []): string {
  const { until, filter }: HarnessTask = HARNESS_TASKS[name];
  const text = until.reduce((rest, stop) => rest.split(stop, 1)[0]!, answer);
  switch (filter.kind) {
    case "none":
      return text;
    case "strip-start":
      return stripStart(text);
    case "regex":
      return selected(findAll(filter.pattern, text), filter.select) ?? INVALID;
    case "choices":
      return choiceIn(text, choices, filter.select) || INVALID;
  }
}

/** 1 where the harness's exact_match of this task accepts an answer to a question, else 0. */
export function harnessGrade(name: HarnessMetric, { answers, choices }: Question, answer: string): number {
  const { ignore, letter }: HarnessTask = HARNESS_TASKS[name];
  const found = normalise(harnessExtract(name, answer, choices), ignore);
  return answers.some((accepted) => normalise(letter?.(accepted) ?? accepted, ignore) === found) ? 1 : 0;
}

const ASCII_PUNCTUATION = /[!-/:-@[-`{-~]/g;

function normalise(text: string, { patterns = [], letterCase, punctuation }: HarnessTask["ignore"]): string {
  const kept = patterns.reduce((rest, pattern) => rest.replace(pattern, ""), text);
  const lower = letterCase ? kept.toLowerCase() : kept;
  return punctuation ? lower.replace(ASCII_PUNCTUATION, "") : lower;
}

/** Python's `re.findall`: the match, or its one group, or the list of its groups. */
function findAll(pattern: RegExp, text: string): (string | string[])[] {
  return Array.from(text.matchAll(pattern), ([whole, ...groups]) => {
    if (groups.length === 0) return whole;
    const found = groups.map((group) => group ?? "");
    return found.length === 1 ? found[0]! : found;
  });
}

/** One of the matches, -1 for the last; of several groups the first that took part. Undefined for none. */
function selected(matches: readonly (string | string[])[], select: number): string | undefined {
  const match = matches.at(select);
  const found = Array.isArray(match) ? match.find((group) => group !== "") : match;
  return found === undefined ? undefined : strip(found);
}

/** MultiChoiceRegexFilter: a letter in brackets; else the text of a choice; else a letter behind a colon. */
function choiceIn(text: string, choices: readonly string[], select: number): string | undefined {
  const bracketed = selected(findAll(/(\([A-Z]\))/gu, text), select);
  if (bracketed) return bracketed;
  const plain = (words: string) => words.toLowerCase().replace(/\p{P}/gu, "");
  const texts = choices.map((choice) => plain(strip(choice)));
  const letterOfText = new Map(texts.map((words, index) => [words, inBrackets(letterAt(index))]));
  const anyText = new RegExp(texts.map((words) => words.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|"), "gu");
  const named = selected(findAll(anyText, plain(text)), select);
  if (named) return letterOfText.get(named) ?? named;
  const anyLetter = new RegExp(`:${PYTHON_SPACE}*(${texts.map((_, index) => letterAt(index)).join("|")})`, "gu");
  const letter = selected(findAll(anyLetter, text), select);
  return letter && inBrackets(letter);
}

function letterAt(index: number): string {
  return String.fromCharCode(65 + index);
}
