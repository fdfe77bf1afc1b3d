/**
 * The pieces of text that were chosen last: what penalties look back on. A piece is a byte string, so that it is found again
 * where the entries of the next step are others; control tokens of a prompt count as pieces that no entry is.
 */
import type { FusedDistribution } from "../../during/method.js";
import { byteKey } from "../../vocabulary/vocabulary.js";

export interface Piece {
  /** Numbered in the order in which they first came. */
  id: number;
  /** Undefined for a control token. */
  bytes?: Uint8Array;
  /** Where these bytes were found last. Spaces that keep their entries from step to step need no search. */
  entry: number;
}

export class History {
  readonly #pieces = new Map<string, Piece>();
  /** The last pieces, a ring. */
  readonly #ring: Piece[] = [];
  #next = 0;

  /** @param capacity how many pieces it holds at most */
  constructor(readonly capacity: number) {}

  /** How many pieces it holds. */
  get length(): number {
    return this.#ring.length;
  }

  /** The piece that came so many pieces before the last one. */
  back(count: number): Piece {
    const { length } = this.#ring;
    return this.#ring[(this.#next - 1 - count + 2 * length) % length];
  }

  /** `entry`: where it stands in the distribution that it was chosen from. */
  add(bytes: Uint8Array, entry = -1): void {
    const piece = this.#piece(byteKey(bytes), bytes);
    if (entry >= 0) piece.entry = entry;
    this.#push(piece);
  }

  addControl(id: number): void {
    this.#push(this.#piece(`control ${id}`));
  }

  #piece(key: string, bytes?: Uint8Array): Piece {
    const own = bytes === undefined ? key : `text ${key}`;
    let piece = this.#pieces.get(own);
    if (piece === undefined) {
      piece = { id: this.#pieces.size, bytes: bytes && Uint8Array.from(bytes), entry: -1 };
      this.#pieces.set(own, piece);
    }
    return piece;
  }

  #push(piece: Piece): void {
    if (this.capacity === 0) return;
    if (this.#ring.length < this.capacity) this.#ring.push(piece);
    else this.#ring[this.#next] = piece;
    this.#next = (this.#next + 1) % this.capacity;
  }
}

/** Which entries of a distribution these pieces are, as [piece, entry] pairs; entries of probability 0 are left out. */
export function entriesOf(
  { size, probabilities, endEntry, bytesOf }: FusedDistribution,
  pieces: Iterable<Piece>,
): [piece: Piece, entry: number][] {
  const found: [Piece, number][] = [];
  let missing: Map<number, Piece[]> | undefined;
  for (const piece of pieces) {
    const { entry, bytes } = piece;
    if (bytes === undefined) continue;
    if (entry >= 0 && entry < size && entry !== endEntry && sameBytes(bytesOf(entry), bytes)) {
      if (probabilities[entry] > 0) found.push([piece, entry]);
      continue;
    }
    missing ??= new Map();
    const hash = hashBytes(bytes);
    missing.set(hash, [...(missing.get(hash) ?? []), piece]);
  }
  if (missing === undefined) return found;
  for (let entry = 0; entry < size; entry++) {
    if (probabilities[entry] === 0 || entry === endEntry) continue;
    const bytes = bytesOf(entry);
    const piece = missing.get(hashBytes(bytes))?.find((each) => sameBytes(each.bytes!, bytes));
    if (piece === undefined) continue;
    piece.entry = entry;
    found.push([piece, entry]);
  }
  return found;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** FNV-1a, cut to the 30 bits that V8 keeps in a number without allocating. */
function hashBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  return hash & 0x3fff_ffff;
}
