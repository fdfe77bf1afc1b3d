/** What a person should know about an answer, one line each on stderr. */
import type { GenerateOptions } from "../decoding/request.js";
import type { GenerateResult } from "../decoding/result.js";
import type { MemberFacts } from "../member/member.js";
import type { MemberOptions } from "../member/member-options.js";
import { oneLine } from "./terminal.js";

/** Above this temperature hardly any model writes sentences. */
const HOT = 3;

interface Answering {
  members: readonly { name: string; facts?: MemberFacts }[];
}

/** What can be told of loaded members before they answer; a router loads its members later, and nothing is told of them. */
export function noticesOfMembers(
  { members }: Answering,
  asked: readonly Pick<MemberOptions, "contextSize">[],
  { chat, temperature }: { chat: boolean; temperature?: number },
): string[] {
  const notices: string[] = [];
  const plain = members.filter(({ facts }) => facts !== undefined && (facts.chatTemplate ?? "").trim() === "");
  if (chat && plain.length > 0) {
    const [has, reads] = plain.length === 1 ? ["has", "reads"] : ["have", "read"];
    notices.push(`${list(plain)} ${has} no chat template and ${reads} plain "User:" and "Assistant:" lines.`);
  }
  const beyond = members.flatMap(({ name, facts }, index) => {
    const size = asked[index]?.contextSize;
    if (facts === undefined || size === undefined || size <= facts.trainedContext) return [];
    return [`${oneLine(name)} (${size}, trained for ${facts.trainedContext})`];
  });
  if (beyond.length > 0) {
    notices.push(`Contexts longer than trained for: ${beyond.join(", ")}. Answers get worse beyond that length.`);
  }
  if (temperature !== undefined && temperature > HOT) {
    notices.push(
      `Temperature ${temperature} makes nearly random text. -t is --temperature; CPU threads are --threads.`,
    );
  }
  return notices;
}

/** Why an answer ended before its end, where nobody asked for that. `given`: what the command line says. */
export function noticesOfAnswer(
  { finishReason, usage: { steps } }: GenerateResult,
  given: Pick<GenerateOptions, "maxTokens">,
  limit: number,
): string[] {
  if (finishReason !== "length") return [];
  if (steps < limit) return ["The answer was cut: the context is full. Raise --context-size."];
  return given.maxTokens === undefined ? [`The answer was cut after ${steps} tokens. Raise --max-tokens.`] : [];
}

export function tell(notices: readonly string[]): void {
  for (const text of notices) process.stderr.write(`llamafuse: ${text}\n`);
}

function list(members: Answering["members"]): string {
  return members.map(({ name }) => oneLine(name)).join(", ");
}
