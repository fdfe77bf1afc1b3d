/**
 * A hash table from byte strings to entries numbered in insertion order. The strings are not copied: an entry remembers
 * where its bytes lie in one of the flat arrays that were handed in, so that half a million tokens need no JS string.
 */
export class ByteTable {
  /** Entry + 1 by hash, 0 where free; a power of two, at most half full, linear probing. */
  #slots: Int32Array;
  #hashes: Uint32Array;
  #sources: Uint8Array;
  #starts: Uint32Array;
  #ends: Uint32Array;
  #size = 0;

  /**
   * @param buffers the arrays that hold the strings; an entry names one of them by its index (at most 256)
   * @param expected entries to make room for; the table grows beyond it by doubling
   */
  constructor(
    readonly buffers: readonly Uint8Array[],
    expected = 16,
  ) {
    const capacity = Math.max(16, expected);
    this.#slots = new Int32Array(slotsFor(capacity));
    this.#hashes = new Uint32Array(capacity);
    this.#sources = new Uint8Array(capacity);
    this.#starts = new Uint32Array(capacity);
    this.#ends = new Uint32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The entry of buffers[source][start … end), added at the end if it is new. */
  insert(source: number, start: number, end: number): number {
    const bytes = this.buffers[source]!;
    const hash = hashOf(bytes, start, end);
    const slot = this.#slotOf(hash, bytes, start, end);
    const found = this.#slots[slot]! - 1;
    if (found >= 0) return found;
    const entry = this.#size;
    if (entry === this.#hashes.length) {
      this.#grow();
      this.#slots[this.#freeSlot(hash)] = entry + 1;
    } else {
      this.#slots[slot] = entry + 1;
    }
    this.#hashes[entry] = hash;
    this.#sources[entry] = source;
    this.#starts[entry] = start;
    this.#ends[entry] = end;
    this.#size++;
    return entry;
  }

  /** The entry with these bytes, or -1. */
  find(bytes: Uint8Array): number {
    return this.#slots[this.#slotOf(hashOf(bytes, 0, bytes.length), bytes, 0, bytes.length)]! - 1;
  }

  /** A view of an entry's bytes. */
  bytesOf(entry: number): Uint8Array {
    return this.buffers[this.#sources[entry]!]!.subarray(this.#starts[entry], this.#ends[entry]);
  }

  /** The slot that holds the string, or the free one where it belongs. */
  #slotOf(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const length = end - start;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot]! - 1;
      if (entry < 0) return slot;
      if (this.#hashes[entry] !== hash) continue;
      const at = this.#starts[entry]!;
      if (this.#ends[entry]! - at !== length) continue;
      const other = this.buffers[this.#sources[entry]!]!;
      let same = 0;
      while (same < length && other[at + same] === bytes[start + same]) same++;
      if (same === length) return slot;
    }
  }

  #freeSlot(hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const capacity = this.#hashes.length * 2;
    const enlarged = <T extends Uint8Array | Uint32Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#hashes = enlarged(new Uint32Array(capacity), this.#hashes);
    this.#sources = enlarged(new Uint8Array(capacity), this.#sources);
    this.#starts = enlarged(new Uint32Array(capacity), this.#starts);
    this.#ends = enlarged(new Uint32Array(capacity), this.#ends);
    this.#slots = new Int32Array(slotsFor(capacity));
    for (let entry = 0; entry < this.#size; entry++) this.#slots[this.#freeSlot(this.#hashes[entry]!)] = entry + 1;
  }
}

/** The smallest power of two that is at least twice the capacity. */
function slotsFor(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(capacity * 2));
}

/** FNV-1a over the bytes, then a final mix, because the low bits choose the slot. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
