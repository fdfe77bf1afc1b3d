/**
 * Token healing: a prompt that ends inside a token ("Once upon a ti", "https:/") goes on as if it had been written at once.
 *
 * A boundary is clean where no member has a token that begins at one of its own token borders and reaches beyond the prompt's
 * end. Else the prompt is cut at the first border c at which one of the last tokens of some member can become a longer one,
 * and which is a token border of every member; the bytes R = prompt[c …] are taken back. Then, as long as R is not said,
 *
 *     p(u) ← p(u) · [u is a prefix of R, or R of u] / Σ_v …
 *
 * for every member's tokens (member/required-text.ts) and for what is fused. What is said of R is no part of the answer and no
 * step of it. Each member reads the cut prompt by its own tokenisation. R is taken step by step: a token within R is chosen by its own
 * probability, not by that of all ways to go on from it, as in other implementations of token healing.
 */

import { argmax } from "../during/combine.js";
import type { FusedDistribution, Voice } from "../during/method.js";
import { LlamafuseError } from "../errors.js";
import type { Member, MemberPrompt } from "../member/member.js";
import { settleAll } from "../settle-all.js";
import { ByteOrder } from "../vocabulary/byte-order.js";
import { TokenClass, textAtFragmentStart } from "../vocabulary/vocabulary.js";

/** Bytes that are taken back at most. */
const MOST_BYTES = 64;

/** The prompts to begin with, and the bytes to say again; the prompts as they are, and no bytes, where the boundary is clean. */
export async function healed(
  voices: readonly Voice[],
  prompts: readonly MemberPrompt[],
): Promise<{ prompts: readonly MemberPrompt[]; ahead: Uint8Array }> {
  const [{ text }] = prompts;
  const asTheyAre = { prompts, ahead: new Uint8Array() };
  // Members that read different texts (chat templates) end them with tokens of their own.
  if (prompts.some((prompt) => Buffer.compare(prompt.text, text) !== 0)) return asTheyAre;
  const borders = await settleAll(voices.map(({ member }, index) => bordersOf(member, prompts[index])));
  let cut = Math.min(...voices.map(({ member }, index) => firstOpenBorder(member, text, borders[index])));
  if (cut >= text.length) return asTheyAre;
  for (let before = -1; before !== cut; ) {
    before = cut;
    for (const own of borders) cut = own.findLast((border) => border <= cut && isWhole(text, border)) ?? -1;
    if (cut < 0) return asTheyAre;
  }
  const shorter = prompts.map((prompt) => ({ ...prompt, text: text.subarray(0, cut) }));
  const begun = await settleAll(
    voices.map(({ member }, index) => member.tokenize(shorter[index].text, shorter[index])),
  );
  if (begun.some((ids) => ids.length === 0)) return asTheyAre;
  return { prompts: shorter, ahead: text.slice(cut) };
}

/** Where the member's last tokens begin, in bytes of the text, ascending; as far back as they are text, byte for byte. */
async function bordersOf(member: Member, prompt: MemberPrompt): Promise<number[]> {
  const { vocabulary } = member;
  const { text } = prompt;
  const ids = await member.tokenize(text, prompt);
  const borders: number[] = [text.length];
  let end = text.length;
  for (let place = ids.length - 1; place >= 0 && text.length - end < MOST_BYTES; place--) {
    const own = vocabulary.bytesOf(ids[place]);
    const isFirst = end <= own.length && vocabulary.addsSpacePrefix;
    const bytes = isFirst && end < own.length ? textAtFragmentStart(own) : own;
    const start = end - bytes.length;
    if (vocabulary.classOf(ids[place]) !== TokenClass.text || bytes.length === 0 || start < 0) break;
    if (Buffer.compare(bytes, text.subarray(start, end)) !== 0) break;
    borders.unshift(start);
    end = start;
  }
  return borders;
}

/** The first border from which a token of the member reaches beyond the text. */
function firstOpenBorder({ vocabulary }: Member, text: Uint8Array, borders: readonly number[]): number {
  const order = ByteOrder.of(vocabulary);
  const isOpen = (border: number) => {
    const atStart = border === 0 && vocabulary.addsSpacePrefix;
    return order.agreeing(text.subarray(border), atStart).beyond.some((ids) => ids.length > 0);
  };
  return borders.find((border) => border < text.length && isOpen(border)) ?? text.length;
}

/** Whether a character begins here. */
function isWhole(text: Uint8Array, at: number): boolean {
  return at >= text.length || (text[at] & 0xc0) !== 0x80;
}

/** What is still to be said again, step by step. */
export class Healing {
  #probabilities: Float64Array = new Float64Array(0);

  constructor(private ahead: Uint8Array) {}

  get isDone(): boolean {
    return this.ahead.length === 0;
  }

  /** What is left of R. */
  get left(): Uint8Array {
    return this.ahead;
  }

  /** The distribution over what agrees with R. Error: incompatible-members where nothing does. */
  constrain(distribution: FusedDistribution): FusedDistribution {
    if (this.isDone) return distribution;
    const { size, probabilities, endEntry } = distribution;
    if (this.#probabilities.length < size) this.#probabilities = new Float64Array(size);
    let sum = 0;
    for (let entry = 0; entry < size; entry++) {
      const agrees = entry !== endEntry && probabilities[entry] > 0 && this.#agrees(distribution.bytesOf(entry));
      sum += this.#probabilities[entry] = agrees ? probabilities[entry] : 0;
    }
    if (!(sum > 0)) throw this.#cannotSay();
    for (let entry = 0; entry < size; entry++) this.#probabilities[entry] /= sum;
    return {
      ...distribution,
      probabilities: this.#probabilities,
      best: argmax(this.#probabilities, size),
      endEntry: -1,
    };
  }

  /** The distribution with the bytes of R left out of what its entries say. */
  beyond(distribution: FusedDistribution): FusedDistribution {
    const { length } = this.ahead;
    return length === 0
      ? distribution
      : { ...distribution, bytesOf: (entry) => distribution.bytesOf(entry).subarray(length) };
  }

  /** Something was said. */
  take(bytes: Uint8Array): void {
    this.ahead = this.ahead.subarray(bytes.length);
  }

  #agrees(bytes: Uint8Array): boolean {
    const common = Math.min(bytes.length, this.ahead.length);
    for (let at = 0; at < common; at++) if (bytes[at] !== this.ahead[at]) return false;
    return common > 0;
  }

  #cannotSay(): LlamafuseError {
    const text = Buffer.from(this.ahead).toString("utf8");
    return new LlamafuseError(
      "incompatible-members",
      `The prompt ends inside a token, and no string of the method says its end again (${JSON.stringify(text)}). Leave healing out, or end the prompt behind a word.`,
      { found: text, option: "healing" },
    );
  }
}
