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

/**
 * Who failed on the way, and why an answer ended before its end, where nobody asked for that. `given`: what the command line
 * says.
 */
export function noticesOfAnswer(
  { finishReason, incomplete, dropped, usage: { steps, tokens = steps } }: GenerateResult,
  given: Pick<GenerateOptions, "maxTokens">,
  limit: number,
): string[] {
  const notices = noticesOfDropped(dropped);
  if (incomplete) notices.push("The answer ends before it has the form that was asked for.");
  if (finishReason !== "length") return notices;
  if (tokens < limit) return [...notices, "The answer was cut: the context is full. Raise --context-size."];
  return given.maxTokens === undefined
    ? [...notices, `The answer was cut after ${tokens} tokens. Raise --max-tokens.`]
    : notices;
}

/** Members that failed while the others went on. */
export function noticesOfDropped(dropped: GenerateResult["dropped"] = []): string[] {
  return dropped.map(
    ({ name, step, message }) => `Without ${oneLine(name)} from step ${step} on, which failed: ${oneLine(message)}`,
  );
}

export function tell(notices: readonly string[]): void {
  for (const text of notices) process.stderr.write(`llamafuse: ${text}\n`);
}

function list(members: Answering["members"]): string {
  return members.map(({ name }) => oneLine(name)).join(", ");
}
