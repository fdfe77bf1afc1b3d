/** What several answers took together; one member may have given more than one of them. */
import type { GenerateResult } from "../../decoding/result.js";

type Spent = Pick<GenerateResult, "usage" | "cost">;

export function totalUsage(results: readonly Spent[]): GenerateResult["usage"] {
  const usages = results.map(({ usage }) => usage);
  const sum = (of: (usage: GenerateResult["usage"]) => number) => usages.reduce((total, each) => total + of(each), 0);
  return {
    promptTokens: sum(({ promptTokens }) => promptTokens),
    steps: sum(({ steps }) => steps),
    memberPromptTokens: byMember(usages.map(({ memberPromptTokens }) => memberPromptTokens)),
    memberTokens: byMember(usages.map(({ memberTokens }) => memberTokens)),
    ...(usages.some(({ reasoningTokens }) => reasoningTokens !== undefined) && {
      reasoningTokens: byMember(usages.map(({ reasoningTokens = {} }) => reasoningTokens)),
    }),
  };
}

export function totalCost(results: readonly Spent[]): GenerateResult["cost"] {
  return {
    tokens: results.reduce((sum, { cost }) => sum + cost.tokens, 0),
    parameterTokens: results.reduce((sum, { cost }) => sum + cost.parameterTokens, 0),
  };
}

function byMember(counts: readonly Record<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const count of counts)
    for (const [name, tokens] of Object.entries(count)) sums[name] = (sums[name] ?? 0) + tokens;
  return sums;
}
