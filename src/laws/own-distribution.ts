/** What members say by themselves, computed token by token: the yardstick of the laws. */
import type { FusedDistribution } from "../during/method.js";
import type { Member } from "../member/member.js";
import { byteKey, TokenClass, textAtFragmentStart } from "../vocabulary/vocabulary.js";
import { END, type Walk } from "./walk.js";

/** A member's probability of each string, given that it says one: its tokens looked up one by one, alike ones together. */
export async function ownProbabilities(member: Member): Promise<Map<string, number>> {
  const tokens = await ownTokens(member);
  const total = [...tokens.values()].flat().reduce((sum, probability) => sum + probability, 0);
  const sumOf = (probabilities: readonly number[]) => probabilities.reduce((sum, each) => sum + each, 0);
  return new Map([...tokens].map(([string, probabilities]) => [string, sumOf(probabilities) / total]));
}

/**
 * What a greedy step may give a string whose likeliest token alone was asked for: that token's probability (that of all end
 * tokens for the end), given that the member says something or with all that is never text possible.
 */
export async function likeliestTokens(member: Member): Promise<Map<string, readonly number[]>> {
  const tokens = await ownTokens(member);
  const total = [...tokens.values()].flat().reduce((sum, probability) => sum + probability, 0);
  return new Map(
    [...tokens].map(([string, probabilities]) => {
      const own = string === END ? probabilities.reduce((sum, each) => sum + each, 0) : Math.max(...probabilities);
      return [string, [own, own / total]];
    }),
  );
}

/** String → the probabilities of its tokens, of all tokens being possible. */
async function ownTokens(member: Member): Promise<Map<string, number[]>> {
  const { vocabulary, atFragmentStart, output } = member;
  const ids = Array.from({ length: vocabulary.size }, (_, id) => id);
  const found = await member.lookup(ids);
  const tokens = new Map<string, number[]>();
  for (const id of ids) {
    const tokenClass = vocabulary.classOf(id);
    const bytes = vocabulary.bytesOf(id);
    if (tokenClass !== TokenClass.end && (tokenClass !== TokenClass.text || bytes.length === 0)) continue;
    const string = tokenClass === TokenClass.end ? END : byteKey(atFragmentStart ? textAtFragmentStart(bytes) : bytes);
    const probability = Math.exp(found[id].logit - output.logNormaliser);
    const known = tokens.get(string);
    if (known === undefined) tokens.set(string, [probability]);
    else known.push(probability);
  }
  return tokens;
}

/** The mean of the members' end probabilities, each given that the member says something. */
export async function pooledEnd(members: readonly Member[]): Promise<number> {
  const own = await Promise.all(members.map(ownProbabilities));
  return own.reduce((sum, probabilities) => sum + (probabilities.get(END) ?? 0), 0) / members.length;
}

/** Chooses the bytes that another walk chose, and ends where it ended. */
export function following(walked: Walk): (distribution: FusedDistribution, step: number) => number {
  return ({ size, probabilities, bytesOf }, step) => {
    const wanted = walked.steps[step]?.bytes;
    let likeliest = -1;
    if (wanted === undefined) return likeliest;
    for (let entry = 0; entry < size; entry++) {
      if (probabilities[entry] === 0 || !wanted.equals(bytesOf(entry))) continue;
      // A character's byte token is another token with the same bytes.
      if (likeliest < 0 || probabilities[entry] > probabilities[likeliest]) likeliest = entry;
    }
    return likeliest;
  };
}
