/** The trace: what every member said at every step, and what was chosen. Plain data that survives JSON. */
import type { FusedDistribution, JudgedText, Said, Voice } from "../during/method.js";
import type { Member } from "../member/member.js";
import { invalidUtf8At } from "../vocabulary/utf8.js";
import { TokenClass, textAtFragmentStart } from "../vocabulary/vocabulary.js";

/** Something that can be chosen: text, or the end of the generation. */
export interface TracePiece {
  /** Decoded text; "" for the end. */
  text: string;
  /** The bytes in hexadecimal, only where they are not UTF-8 by themselves (and `text` shows U+FFFD for them). */
  bytes?: string;
  /** Present on the end of the generation, which pools all end tokens. */
  end?: true;
}

/** What a member would choose, with its natural log-probability over the member's whole vocabulary. */
export type TraceCandidate = TracePiece & { logProb: number };

/** What a step chose, with its natural log-probability in the fused distribution, before the sampler's options. */
export type ChosenPiece = TracePiece & { logProb: number };

/** A text that could have been chosen. */
export type TraceText = TracePiece & {
  /** Names of the members that wrote it. */
  writers: string[];
  /** What the method compares; whether the greater or the smaller wins, the method says. null: not finite. */
  score: number | null;
  /** Each member's part in it, by name; those that were not asked are left out. */
  scores: Record<string, number | null>;
  isChosen: boolean;
};

/** An entry of the fused distribution. */
export type TraceFused = TracePiece & { probability: number };

export interface TraceMember {
  name: string;
  /** Whether it has said what comes next here; if not, it has no candidates. */
  heard: boolean;
  /**
   * w p(chosen) / Σ w p(chosen) over the members: how much of the chosen piece's probability is this member's. Present where
   * all members say the same kind of piece (bytes).
   */
  share?: number;
  /** Best first. */
  candidates: TraceCandidate[];
  /** ln of the summed probability of its end tokens; null if it has none. */
  endLogProb: number | null;
  decodeMs: number;
  prepareMs: number;
  /** Tokens that it decoded for its distribution, at step 0 the prompt's; those of looking ahead do not count. */
  decodedTokens: number;
}

export interface TraceStep {
  /** From 0. */
  index: number;
  chosen: TraceFused;
  members: TraceMember[];
  /** The most probable entries, best first. */
  fused: TraceFused[];
  /** Names of the members whose own most probable piece was chosen, or who wrote the chosen text. */
  favourite: string[];
  /** Of methods that choose among whole texts: all that could have been chosen, in the order in which they were written. */
  candidates?: TraceText[];
  /** Milliseconds: in llama.cpp, in preparing, fusing and sampling, in threads waiting for one another. */
  ms: { decode: number; fuse: number; sync: number };
}

export interface StepFacts {
  index: number;
  voices: readonly Voice[];
  /** Those that still take part. Default: all. */
  speaking?: readonly Voice[];
  distribution: FusedDistribution;
  /** The chosen entry. */
  entry: number;
  /** How many candidates to list for each member and for the fused distribution. */
  top: number;
  ms: TraceStep["ms"];
}

/** Describe a step. To be called after the choice and before it goes back to the members, whose outputs are read. */
export function describeStep({ index, voices, speaking = voices, distribution, entry, top, ms }: StepFacts): TraceStep {
  const chosen = fusedEntry(distribution, entry);
  const { said, isSettled } = distribution;
  const describe = (member: Member, place: number) => {
    if (said !== undefined) return describeSaid(member, distribution, entry, place, top);
    return isSettled ? describeCost(member) : describeMember(member, top);
  };
  const members = voices.map(({ member }) => {
    const place = speaking.findIndex((voice) => voice.member === member);
    return place >= 0 && member.hasOutput ? describe(member, place) : silentMember(member);
  });
  const candidates = distribution.candidates?.map((text) => describeText(text, speaking));
  const writers = candidates?.find(({ isChosen }) => isChosen)?.writers;
  return {
    index,
    chosen,
    members,
    fused: topPieces(distribution, top),
    favourite: writers ?? members.filter((one) => samePiece(one.candidates[0], chosen)).map(({ name }) => name),
    ...(candidates && { candidates }),
    ms: { ...ms },
  };
}

function describeText(text: JudgedText, speaking: readonly Voice[]): TraceText {
  const { bytes, ends, writers, score, scores, isChosen } = text;
  const named = speaking.flatMap(({ member }, voice): [string, number | null][] => {
    const own = scores[voice];
    return own === undefined ? [] : [[member.name, finiteOrNull(own)]];
  });
  return {
    ...pieceOf(bytes),
    ...(ends && { end: true as const }),
    writers: writers.map((voice) => speaking[voice].member.name),
    score: finiteOrNull(score),
    scores: Object.fromEntries(named),
    isChosen,
  };
}

/** JSON has no infinite numbers. */
function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

export function chosenPiece(distribution: FusedDistribution, entry: number): ChosenPiece {
  const { probability, ...piece } = fusedEntry(distribution, entry);
  return { ...piece, logProb: Math.log(probability) };
}

/** The most probable entries of a distribution, best first. */
export function topPieces(distribution: FusedDistribution, count: number): TraceFused[] {
  return mostProbable(distribution, count).map((entry) => fusedEntry(distribution, entry));
}

/** Whether two pieces stand for the same bytes. */
export function samePiece(a: TracePiece | undefined, b: TracePiece): boolean {
  return a !== undefined && a.end === b.end && a.text === b.text && a.bytes === b.bytes;
}

function fusedEntry(distribution: FusedDistribution, entry: number): TraceFused {
  const probability = distribution.probabilities[entry];
  const piece = entry === distribution.endEntry ? END : pieceOf(distribution.bytesOf(entry));
  return { ...piece, probability };
}

const END: TracePiece = { text: "", end: true };

function pieceOf(bytes: Uint8Array): TracePiece {
  const copy = Buffer.from(bytes);
  const text = copy.toString("utf8");
  return invalidUtf8At(copy) < 0 ? { text } : { text, bytes: copy.toString("hex") };
}

function describeMember(member: Member, top: number): TraceMember {
  const { output, vocabulary, atFragmentStart } = member;
  const { logNormaliser, endLogProb, topIds, topLogits, topCount } = output;
  const candidates: TraceCandidate[] = [];
  let endsAmongBest = false;
  for (let rank = 0; rank < topCount; rank++) {
    // End tokens are one class; their pooled probability takes its place below.
    if (vocabulary.classOf(topIds[rank]) === TokenClass.end) {
      endsAmongBest = true;
      continue;
    }
    const bytes = vocabulary.bytesOf(topIds[rank]);
    const piece = pieceOf(atFragmentStart ? textAtFragmentStart(bytes) : bytes);
    candidates.push({ ...piece, logProb: topLogits[rank] - logNormaliser });
  }
  const place = candidates.findIndex(({ logProb }) => logProb < endLogProb);
  // Behind the last candidate, tokens that are not listed could be more probable than the end.
  if (place >= 0) candidates.splice(place, 0, { ...END, logProb: endLogProb });
  else if (endsAmongBest) candidates.push({ ...END, logProb: endLogProb });
  return {
    name: member.name,
    heard: true,
    candidates: candidates.slice(0, top),
    endLogProb: endLogProb > Number.NEGATIVE_INFINITY ? endLogProb : null,
    decodeMs: output.decodeMs,
    prepareMs: output.prepareMs,
    decodedTokens: output.decodedTokens,
  };
}

/** What a member said of the very entries that were fused. */
function describeSaid(
  { name }: Member,
  distribution: FusedDistribution,
  entry: number,
  voice: number,
  top: number,
): TraceMember {
  const { said = [], endEntry } = distribution;
  const own = said[voice];
  if (own === undefined) return silentMember({ name });
  const { probabilities, mass, decodedTokens, decodeMs, prepareMs } = own;
  const logOf = (at: number) => Math.log(probabilities[at] / mass);
  const alone = { ...distribution, probabilities };
  const candidates = mostProbable(alone, top).map((other) => {
    const { probability: _, ...piece } = fusedEntry(alone, other);
    return { ...piece, logProb: logOf(other) };
  });
  const partOf = (each: Said | undefined) =>
    each === undefined ? 0 : (each.weight * each.probabilities[entry]) / each.mass;
  const all = said.reduce((sum, each) => sum + partOf(each), 0);
  const end = endEntry >= 0 ? logOf(endEntry) : Number.NEGATIVE_INFINITY;
  return {
    name,
    heard: true,
    share: all > 0 ? partOf(own) / all : 0,
    candidates,
    endLogProb: end > Number.NEGATIVE_INFINITY ? end : null,
    decodeMs,
    prepareMs,
    decodedTokens,
  };
}

/** A member that is ahead of this step: what it decoded meanwhile, and nothing that it said. */
function describeCost(member: Member): TraceMember {
  const { decodeMs, prepareMs, decodedTokens } = member.output;
  return { ...silentMember(member), decodeMs, prepareMs, decodedTokens };
}

function silentMember({ name }: Pick<Member, "name">): TraceMember {
  return { name, heard: false, candidates: [], endLogProb: null, decodeMs: 0, prepareMs: 0, decodedTokens: 0 };
}

/** The entries of greatest probability above 0, ties to the lowest index. */
function mostProbable({ probabilities, size }: FusedDistribution, count: number): number[] {
  const best: number[] = [];
  for (let entry = 0; entry < size; entry++) {
    const probability = probabilities[entry];
    if (!(probability > 0)) continue;
    let place = best.length;
    while (place > 0 && probabilities[best[place - 1]] < probability) place--;
    if (place === count) continue;
    best.splice(place, 0, entry);
    if (best.length > count) best.pop();
  }
  return best;
}
