/** The bits per byte of texts, under members alone and under a method over all of them. */

import { scoreTokens, type WholeScore } from "../decoding/score-whole.js";
import type { MethodGiven } from "../during/methods.js";
import { methodNamed } from "../during/methods.js";
import { LlamafuseError } from "../errors.js";
import type { Member } from "../member/member.js";
import { checkArgument, checkTexts, checkWatching, readPlain } from "../read-options.js";
import { fuse } from "./ensemble.js";
import { castOf, Members } from "./members.js";

export interface ScoreTextsOptions {
  /** Default: the method "bytes" for several members; for one, its own tokens. */
  method?: MethodGiven;
  /** Called behind every text that has been scored by one scorer: member by member, then the method; by bytes all at once. */
  onProgress?: (done: number, total: number, scorer: string) => void;
  /** Cancels it: an error "aborted". */
  signal?: AbortSignal;
}

export interface MemberTextScore {
  name: string;
  bitsPerByte: number;
  /** By bytes: the share of its tokenisations' weight that the beam dropped, a byte. */
  discarded?: number;
}

export interface TextScores {
  texts: number;
  bytes: number;
  /** Tokens that the first member cuts the texts into. */
  tokens: number;
  /**
   * −log2 p(texts) / bytes under the method, or under the one member; Infinity where a text is impossible. Each text is on
   * its own, from its beginning, but that the rule "adaptive" goes on learning; its end is not counted.
   */
  bitsPerByte: number;
  /** Each member alone: by bytes where the method says bytes (the sum over tokenisations), else in its own tokens. */
  members: MemberTextScore[];
}

/**
 * ```ts
 * await using members = await loadMembers({ members: ["a.gguf", "b.gguf"] });
 * const { bitsPerByte } = await scoreTexts(members, stories, { method: { name: "bytes", rule: "product" } });
 * ```
 *
 * Errors: invalid-text for no texts, or an empty one; aborted; those of the method.
 */
export async function scoreTexts(
  members: Members,
  texts: readonly string[],
  options: ScoreTextsOptions = {},
): Promise<TextScores> {
  checkArgument("The members", members, "what loadMembers gives", () => members instanceof Members);
  checkTexts("The texts", texts);
  if (texts.length === 0 || texts.includes("")) {
    const found = texts.length === 0 ? "no texts" : `an empty text (number ${texts.indexOf("") + 1})`;
    throw new LlamafuseError("invalid-text", `There is nothing to score: ${found}. Give texts of one byte or more.`, {
      found,
    });
  }
  const {
    method = members.names.length > 1 ? "bytes" : undefined,
    onProgress,
    signal,
  } = readPlain("The options of scoreTexts", options, '{ method: "bytes" }');
  checkWatching({ onProgress, signal });
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const byBytes = method !== undefined && methodNamed(method).saysBytes;
  const { names } = members;
  const isFused = names.length > 1 && !byBytes;
  const scorers = byBytes ? 1 : names.length + (isFused ? 1 : 0);
  let done = 0;
  const perByte = async (scorer: string, logProbOf: (text: string) => Promise<number>): Promise<number> => {
    let sum = 0;
    for (const text of texts) {
      sum += await logProbOf(text);
      onProgress?.(++done, scorers * texts.length, scorer);
    }
    return bitsPerByteOf(sum, bytes);
  };
  const underMethod = async (each: (score: WholeScore) => void = () => {}): Promise<number> => {
    const ensemble = await fuse(members, method!, { signal });
    const memory = new Map<string, unknown>();
    try {
      return await perByte(ensemble.methodName, async (text) => {
        const score = await ensemble.scoreWhole(text, { signal, memory });
        each(score);
        return score.logProb;
      });
    } finally {
      await ensemble.dispose();
    }
  };
  const facts = { texts: texts.length, bytes, tokens: await tokensOf(members.only(names[0]), texts, signal) };
  if (byBytes) {
    const sums = names.map((name) => ({ name, logProb: 0, discarded: 0 }));
    const bitsPerByte = await underMethod(({ memberLogProbs, report }) => {
      for (const sum of sums) {
        sum.logProb += memberLogProbs?.[sum.name] ?? Number.NaN;
        sum.discarded += report?.[sum.name]?.discarded ?? Number.NaN;
      }
    });
    const alone = sums.map(({ name, logProb, discarded }) => ({
      name,
      bitsPerByte: bitsPerByteOf(logProb, bytes),
      discarded: discarded / bytes,
    }));
    return { ...facts, bitsPerByte: names.length > 1 ? bitsPerByte : alone[0].bitsPerByte, members: alone };
  }
  const alone: TextScores["members"] = [];
  for (const name of names) {
    const only = members.only(name);
    const bitsPerByte = await perByte(name, (text) =>
      inTurn(only, signal, (member, stop) => scoreTokens(member, Buffer.from(text), stop)),
    );
    alone.push({ name, bitsPerByte });
  }
  return { ...facts, bitsPerByte: isFused ? await underMethod() : alone[0].bitsPerByte, members: alone };
}

function bitsPerByteOf(logProb: number, bytes: number): number {
  return -logProb / Math.LN2 / bytes;
}

function tokensOf(only: Members, texts: readonly string[], signal: AbortSignal | undefined): Promise<number> {
  return inTurn(only, signal, async (member) => {
    let sum = 0;
    for (const text of texts) sum += (await member.tokenize(Buffer.from(text))).length;
    return sum;
  });
}

/** Have one member do something when nobody else uses it. */
async function inTurn<T>(
  only: Members,
  signal: AbortSignal | undefined,
  work: (member: Member, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { voices, turns } = castOf(only);
  const [{ member }] = voices;
  const turn = await turns.take({ owner: only, members: [member], signal, alone: true });
  try {
    return await work(member, turn.signal);
  } finally {
    turn.end();
  }
}
