/**
 * Saved states of a recurrent model on the way through a text, so that it can go back without reading all again.
 *
 * Taking tokens back to a place x then costs the tokens from the nearest checkpoint c ≤ x on: x − c more than in a model
 * with a cache of keys and values. How many there may be follows from the bytes of one. When there is one too many, the one
 * goes whose loss costs least for its distance: with places … a < b < c … and the newest place n, the one at b for which
 *
 *     (c − a) / (n − c + 1)
 *
 * is smallest. So they lie close together at the end of the text, where feedback takes tokens back, and far apart before. The
 * end of the prompt stays: the next request of a conversation goes back there.
 */
import type { LlamaContext } from "../../llama/context.js";
import { restoreState, saveState } from "../../llama/sequence-state.js";

/** Bytes of a member's checkpoints together, unless two need more. */
export const MOST_BYTES = 256 * 1024 * 1024;
/** More than these are hardly closer together. */
export const MOST = 24;
/** The end of the prompt and the end of the text. */
const FEWEST = 2;

interface Checkpoint {
  /** Tokens that were read. */
  length: number;
  state: Uint8Array;
  /** Behind the last of them. */
  logits?: Float32Array;
  /** Whether it stays when others go. */
  stays: boolean;
}

/** How many checkpoints of so many bytes there may be. */
export function mostCheckpoints(bytes: number): number {
  return Math.max(FEWEST, Math.min(MOST, Math.floor(MOST_BYTES / bytes)));
}

export class Checkpoints {
  /** By length, ascending. */
  #kept: Checkpoint[] = [];
  /** Memory of the last one that went. */
  #spare: Uint8Array | undefined;

  constructor(readonly context: LlamaContext) {}

  /** Save the state behind so many tokens. `logits`: those behind the last one; copied. `stays`: others that did no longer do. */
  take(length: number, logits: Float32Array | undefined, stays: boolean): void {
    if (stays) for (const one of this.#kept) one.stays = false;
    const last = this.#kept.at(-1);
    if (last?.length === length) {
      last.stays ||= stays;
      last.logits ??= logits?.slice();
      return;
    }
    const checkpoint = { length, state: saveState(this.context, this.#spare), logits: logits?.slice(), stays };
    this.#spare = undefined;
    this.#kept.push(checkpoint);
    const bytes = checkpoint.state.length + (checkpoint.logits?.byteLength ?? 0);
    while (this.#kept.length > mostCheckpoints(bytes)) this.#forget(this.#leastUseful());
  }

  /**
   * Go back to at most so many tokens and forget the places behind; returns where the context stands now, and the logits
   * there where they are known. 0 tokens: there is no such place, and the context is as it was.
   */
  goBack(most: number): { length: number; logits?: Float32Array } {
    while (this.#kept.length > 0 && this.#kept[this.#kept.length - 1].length > most)
      this.#forget(this.#kept.length - 1);
    const nearest = this.#kept.at(-1);
    if (nearest === undefined) return { length: 0 };
    restoreState(this.context, nearest.state, nearest.length);
    return { length: nearest.length, logits: nearest.logits?.slice() };
  }

  /** Whether the logits behind exactly so many tokens are known. */
  knows(length: number): boolean {
    return this.#kept.some((one) => one.length === length && one.logits !== undefined);
  }

  clear(): void {
    this.#kept = [];
  }

  #forget(index: number): void {
    const [{ state }] = this.#kept.splice(index, 1);
    this.#spare = state;
  }

  /** Never the newest one. */
  #leastUseful(): number {
    const newest = this.#kept[this.#kept.length - 1].length;
    let [least, found] = [Number.POSITIVE_INFINITY, 0];
    for (let index = 0; index + 1 < this.#kept.length; index++) {
      if (this.#kept[index].stays) continue;
      const before = this.#kept[index - 1]?.length ?? 0;
      const behind = this.#kept[index + 1].length;
      const loss = (behind - before) / (newest - behind + 1);
      if (loss < least) [least, found] = [loss, index];
    }
    return found;
  }
}
