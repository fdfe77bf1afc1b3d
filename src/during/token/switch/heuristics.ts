/**
 * Two switching models that find critical tokens without training [the signals are from memory of the literature, the formulas ours]:
 *
 *     entropy:  H = −Σ_{t ∈ top 64} p(t) ln p(t) − r ln r,   r = 1 − Σ_{t ∈ top 64} p(t)        in nats
 *     entity:   1 where the leader's likeliest token begins or continues a name or a number, else 0
 *
 * A name begins with a capital letter that no sentence begins with; a number is a word that begins with a digit.
 */
import type { Member } from "../../../member/member.js";
import { TokenClass, textAtFragmentStart } from "../../../vocabulary/vocabulary.js";
import type { SwitchingModel } from "./switching-model.js";

const LISTED = 64;

export class EntropyModel implements SwitchingModel {
  readonly needs = { top: LISTED };

  score({ output }: Member): number {
    const count = Math.min(output.topCount, LISTED);
    let rest = 1;
    let entropy = 0;
    for (let rank = 0; rank < count; rank++) {
      const logProb = output.topLogits[rank] - output.logNormaliser;
      const p = Math.exp(logProb);
      entropy -= p * logProb;
      rest -= p;
    }
    return rest > 0 ? entropy - rest * Math.log(rest) : entropy;
  }
}

const ENDS_SENTENCE = /[.!?:;"'”’)\]\n]$/u;

export class EntityModel implements SwitchingModel {
  readonly needs = { top: 1 };
  /** The last characters of the answer: the present word, and what stands before it. */
  #text = "";

  score({ output, vocabulary, atFragmentStart }: Member): number {
    const id = output.topCount > 0 ? output.topIds[0] : -1;
    if (id < 0 || vocabulary.classOf(id) !== TokenClass.text) return 0;
    const bytes = vocabulary.bytesOf(id);
    return isEntity(this.#text, Buffer.from(atFragmentStart ? textAtFragmentStart(bytes) : bytes).toString()) ? 1 : 0;
  }

  heard(bytes: Uint8Array): void {
    this.#text = (this.#text + Buffer.from(bytes).toString()).slice(-256);
  }
}

/** Whether the piece behind this text is, or ends in, part of a name or a number. */
export function isEntity(before: string, piece: string): boolean {
  if (piece.trim() === "") return false;
  const text = (before + piece).trimEnd();
  const start = text.search(/\S+$/u);
  const word = text.slice(start).replace(/^["'“‘([]+/u, "");
  if (/^\p{N}/u.test(word)) return true;
  if (!/^\p{Lu}/u.test(word)) return false;
  const context = text.slice(0, start).trimEnd();
  return context !== "" && !ENDS_SENTENCE.test(context);
}
