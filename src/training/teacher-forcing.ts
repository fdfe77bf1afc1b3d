/** Leading a member through a given answer, token by token, and letting members finish answers on their own. */
import { AnswerText } from "../decoding/answer-text.js";
import { renderPrompt } from "../decoding/prompt.js";
import type { MethodContext, MethodRun } from "../during/method.js";
import { LlamafuseError } from "../errors.js";
import type { Member } from "../member/member.js";
import { settleAll } from "../settle-all.js";
import { TokenClass } from "../vocabulary/vocabulary.js";
import type { TrainingExample } from "./example.js";

/** The end of generation, where a token id could stand. */
export const END = -1;

export interface ForcedToken {
  /** How the answer continues here: a token of the member, or END. */
  target: number;
  /** What the member would say: its likeliest token, or END. */
  said: number;
  /** The member's hidden state behind everything before this token. */
  hidden: Float32Array;
  /** Where the token begins in the answer, in bytes. */
  at: number;
}

/** An answer to be learned from. */
export interface Reference {
  bytes: Uint8Array;
  /** Whether the answer ends here, so that the end is a target too. */
  ends: boolean;
}

/**
 * What the member would say at each token of the reference, cut as it tokenises the reference behind its prompt. Errors:
 * those of the member; aborted.
 */
export async function forceThrough(
  member: Member,
  example: Pick<TrainingExample, "prompt" | "reading">,
  { bytes, ends }: Reference,
  signal?: AbortSignal,
): Promise<ForcedToken[]> {
  const { prompt: rendered } = renderExample(example, member);
  await member.prepare({ top: 1, hidden: true });
  await member.begin(rendered, signal);
  const before = (await member.cachedTokens()).length;
  member.append({ kind: "piece", bytes });
  const targets = Array.from((await member.cachedTokens()).subarray(before));
  if (ends) targets.push(END);
  await member.begin(rendered, signal);
  const starts = startsOf(member, targets, bytes.length);
  const tokens: ForcedToken[] = [];
  for (const [place, target] of targets.entries()) {
    checkSignal(signal);
    const hidden = Float32Array.from(member.output.hidden);
    tokens.push({ target, said: likeliest(member), hidden, at: starts[place] });
    if (target === END) break;
    member.append({ kind: "tokens", ids: [target] });
    await member.advance();
  }
  return tokens;
}

/** Where tokens begin in a text of so many bytes; from behind, since a tokenizer may put a space before the first word. */
function startsOf({ vocabulary }: Member, targets: readonly number[], length: number): number[] {
  const starts: number[] = [];
  let at = length;
  for (const target of targets.toReversed()) {
    if (target !== END) at = Math.max(0, at - vocabulary.bytesOf(target).length);
    starts.unshift(at);
  }
  return starts;
}

/** A member's likeliest text token, or END where its end tokens together are at least as probable. */
export function likeliest({ output, vocabulary }: Member): number {
  const id = output.topCount > 0 ? output.topIds[0] : END;
  if (id === END || vocabulary.classOf(id) === TokenClass.end) return END;
  return output.topLogits[0] - output.logNormaliser > output.endLogProb ? id : END;
}

/** A context in which a method runs for training: greedy, without a trace, on these members. */
export function trainingContext(members: readonly Member[]): MethodContext {
  return {
    voices: members.map((member) => ({ member, weight: 1 / members.length })),
    greedy: true,
    traceTop: 0,
    advance: async (voices) => {
      await settleAll(voices.map(({ member }) => member.advance()));
    },
  };
}

/**
 * The greedy answer of a run, which continues after `forced` bytes. `text` holds both; `ends` says whether the members
 * ended it by themselves.
 */
export async function finishAnswer(
  run: MethodRun,
  { voices, advance }: MethodContext,
  example: TrainingExample,
  forced: Uint8Array = new Uint8Array(),
  signal?: AbortSignal,
): Promise<{ text: string; ends: boolean }> {
  const { stop = [], maxTokens } = example;
  const rendered = voices.map(({ member }) => renderExample(example, member));
  const answer = new AnswerText([...stop, ...rendered.flatMap((each) => each.stop)]);
  answer.push(forced);
  await run.prepare();
  for (const [index, { member }] of voices.entries()) {
    await member.begin({ ...rendered[index].prompt, reuse: true }, signal);
    if (forced.length > 0) member.append({ kind: "piece", bytes: forced });
  }
  if (forced.length > 0) await advance(voices);
  let ends = false;
  for (let step = 0; step < maxTokens && !answer.stopped; step++) {
    checkSignal(signal);
    const distribution = await run.step();
    ends = distribution.best === distribution.endEntry;
    if (ends) break;
    answer.push(distribution.bytesOf(distribution.best));
    await run.accept(distribution.best);
  }
  answer.finish();
  return { text: answer.text, ends };
}

/** The example's prompt as this member reads it. */
export function renderExample({ prompt, reading }: Pick<TrainingExample, "prompt" | "reading">, member: Member) {
  return renderPrompt(prompt, member, { thinking: "off", ...reading });
}

export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new LlamafuseError("aborted", "The training was cancelled.", {}, signal.reason);
}
