/** How long prompt and answer are, as OpenAI's clients count, and what it took here. */
import type { GenerateResult } from "../../decoding/result.js";

export interface Usage {
  /** Of the member that read most. */
  prompt_tokens: number;
  /** Steps of the answers, and of the member that thought most its thoughts. */
  completion_tokens: number;
  total_tokens: number;
  completion_tokens_details?: { reasoning_tokens: number };
  /** What all members evaluated: see AnswerCost. */
  llamafuse: { member_tokens: number; parameter_tokens: number };
}

type Used = Pick<GenerateResult, "usage" | "cost">;

/** Of several answers to one prompt, which counts once; to several prompts, see `sumOf`. */
export function usageOf(answers: readonly Used[]): Usage {
  const [first] = answers;
  const prompt = most(first?.usage.memberPromptTokens);
  const reasoning = answers.reduce((sum, { usage }) => sum + most(usage.reasoningTokens), 0);
  const completion = answers.reduce((sum, { usage }) => sum + usage.steps, 0) + reasoning;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(reasoning > 0 && { completion_tokens_details: { reasoning_tokens: reasoning } }),
    llamafuse: {
      member_tokens: answers.reduce((sum, { cost }) => sum + cost.tokens, 0),
      parameter_tokens: answers.reduce((sum, { cost }) => sum + cost.parameterTokens, 0),
    },
  };
}

export function sumOf(usages: readonly Usage[]): Usage {
  const sum = (of: (usage: Usage) => number) => usages.reduce((total, each) => total + of(each), 0);
  const reasoning = sum((usage) => usage.completion_tokens_details?.reasoning_tokens ?? 0);
  return {
    prompt_tokens: sum((usage) => usage.prompt_tokens),
    completion_tokens: sum((usage) => usage.completion_tokens),
    total_tokens: sum((usage) => usage.total_tokens),
    ...(reasoning > 0 && { completion_tokens_details: { reasoning_tokens: reasoning } }),
    llamafuse: {
      member_tokens: sum((usage) => usage.llamafuse.member_tokens),
      parameter_tokens: sum((usage) => usage.llamafuse.parameter_tokens),
    },
  };
}

function most(counts: Readonly<Record<string, number>> = {}): number {
  return Math.max(0, ...Object.values(counts));
}
