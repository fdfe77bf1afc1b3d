/** What a rule may ask of the members, each question counted. */
import { continuationShares } from "../../before/embedders/continuation-shares.js";
import { queryText } from "../../before/table/query-text.js";
import { isContinued } from "../../decoding/messages.js";
import type { ChatMessage, PromptInput } from "../../decoding/prompt.js";
import type { CheckedRequest, ScoreOptions } from "../../decoding/request.js";
import type { GenerateResult } from "../../decoding/result.js";
import type { MemberAlone } from "./candidate.js";
import type { SelectionContext } from "./define-selection.js";

export interface Asking {
  request: CheckedRequest;
  members: readonly MemberAlone[];
  weights: readonly number[];
  judges: readonly number[];
  seed: number;
  signal: AbortSignal;
  /** What scoring takes is put here. */
  extra: Scoring[];
}

/** What scoring one text took. It makes no steps. */
export type Scoring = GenerateResult["usage"];

export function contextOf({ request, members, weights, judges, seed, signal, extra }: Asking): SelectionContext {
  const { templateVariables, now, parseSpecial } = request.options;
  const reading: ScoreOptions = { templateVariables, now, parseSpecial, thinking: "off" };
  const counted = (member: number) => ({
    score: async (prompt: PromptInput, text: string, options: ScoreOptions = {}) => {
      const score = await members[member].score(prompt, text, { ...reading, ...options });
      const { memberPromptTokens, memberTokens } = score.usage;
      // A prompt that the cache holds is not read again.
      const read = options.reusePrompt ? {} : memberPromptTokens;
      const promptTokens = Object.values(read).reduce((sum, tokens) => sum + tokens, 0);
      extra.push({ promptTokens, memberPromptTokens: read, memberTokens, steps: 0 });
      return score;
    },
  });
  /** Members whose cache holds the prompt. */
  const ready = new Set<number>();
  return {
    prompt: request.prompt,
    question: questionOf(request),
    members: members.map(({ members: [{ name }] }, index) => ({ name, weight: weights[index] })),
    judges,
    seed,
    signal,
    likelihood: async (member, text) => {
      const reusePrompt = ready.has(member);
      ready.add(member);
      const { logProb } = await counted(member).score(request.prompt, text, { signal, reusePrompt });
      return logProb;
    },
    labelShares: (member, question, labels) => {
      const [{ facts }] = members[member].members;
      ready.delete(member);
      const messages: readonly ChatMessage[] =
        typeof question === "string" ? [{ role: "user", content: question }] : question;
      // Behind the plain "Assistant:" of a member without a template, and behind other words, words begin with a space.
      const lead = (facts.chatTemplate ?? "").trim() === "" || isContinued(messages) ? " " : "";
      return continuationShares(
        counted(member),
        messages,
        labels.map((label) => lead + label),
        signal,
      );
    },
  };
}

export function questionOf({ prompt }: Pick<CheckedRequest, "prompt">): string {
  return queryText(prompt);
}
