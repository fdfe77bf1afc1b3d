/**
 * The tokens of a vocabulary by their text: an open hash table over the file's bytes, without a string or an object
 * for each token, so that 256k tokens take milliseconds. A text ends at its first NUL, as llama.cpp (C) reads it.
 */
import type { GgufArray } from "../gguf/metadata.js";

export class TokenTable {
  readonly size: number;
  /** The first token whose text an earlier one already has, as [earlier, later]; llama.cpp asserts there is none. */
  readonly duplicate: readonly [number, number] | undefined;
  #bytes: Uint8Array;
  #starts: Uint32Array;
  #ends: Uint32Array;
  #slots: Int32Array;
  #mask: number;

  constructor(tokens: GgufArray) {
    this.size = tokens.length;
    this.#bytes = tokens.bytes;
    this.#starts = tokens.starts;
    this.#ends = new Uint32Array(tokens.length);
    // At most half full, so that a search ends after a step or two.
    const slots = 2 ** Math.ceil(Math.log2(2 * tokens.length + 2));
    this.#slots = new Int32Array(slots).fill(-1);
    this.#mask = slots - 1;
    this.duplicate = this.#fill();
  }

  /** The token with this text, or -1. */
  find(text: string | Uint8Array): number {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    return this.#slots[this.#slotOf(bytes, 0, bytes.length)]!;
  }

  /** The token's text; empty ones have none. */
  bytesOf(id: number): Uint8Array {
    return this.#bytes.subarray(this.#starts[id], this.#ends[id]);
  }

  textOf(id: number): string {
    return Buffer.from(this.bytesOf(id)).toString("utf8");
  }

  #fill(): readonly [number, number] | undefined {
    const empty: number[] = [];
    for (let id = 0; id < this.size; id++) {
      const start = this.#starts[id]!;
      let end = start;
      const limit = this.#starts[id + 1]! - 8;
      while (end < limit && this.#bytes[end] !== 0) end++;
      this.#ends[id] = end;
      if (end === start) {
        empty.push(id);
        continue;
      }
      const slot = this.#slotOf(this.#bytes, start, end);
      const earlier = this.#slots[slot]!;
      if (earlier >= 0) return [earlier, id];
      this.#slots[slot] = id;
    }
    // llama.cpp calls an empty token [EMPTY_<id>], which another token may really be.
    for (const id of empty) {
      const named = this.find(`[EMPTY_${id}]`);
      if (named >= 0) return [named, id];
    }
    return undefined;
  }

  /** The slot that holds this text, or the free one where it belongs. */
  #slotOf(bytes: Uint8Array, start: number, end: number): number {
    // FNV-1a.
    let hash = 0x811c9dc5;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    let slot = (hash ^ (hash >>> 15)) & this.#mask;
    for (let id = this.#slots[slot]!; id >= 0; id = this.#slots[slot]!) {
      if (this.#equals(id, bytes, start, end)) break;
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #equals(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#starts[id]!;
    if (this.#ends[id]! - own !== end - start) return false;
    for (let offset = 0; offset < end - start; offset++) {
      if (this.#bytes[own + offset] !== bytes[start + offset]) return false;
    }
    return true;
  }
}
