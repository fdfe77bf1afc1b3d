/**
 * What stands for the hypotheses that the model has not been asked about: the next byte by the last one, from what the model
 * said behind other tokens and from the text so far.
 *
 *     u(b | a) = (n(a, b) + c · u(b)) / (n(a) + c)        u(b) = (n(b) + ½) / (n + ½ · alphabet)        c = 2
 *
 * n adds up the next-byte distributions that the model gave behind tokens that end in a, and the bytes that came. b: a byte
 * that some token has, or the end. Never 0 for what the member can spell. Ours.
 */
import { type ByteTrie, ROOT } from "../../../vocabulary/byte-trie.js";
import { BYTE_ENTRIES, END, type TokenMasses } from "./token-masses.js";

const PRIOR = 0.5;
const STRENGTH = 2;

export class ByteGuess {
  readonly #all = new Float64Array(BYTE_ENTRIES);
  #total = 0;
  readonly #rows: (Float64Array | undefined)[] = [];
  readonly #sums = new Float64Array(256);
  readonly #said = new Float64Array(BYTE_ENTRIES);

  constructor(private readonly trie: ByteTrie) {
    const { byte } = trie;
    // The root stands for no byte.
    for (let node = 1; node < byte.length; node++) this.#all[byte[node]] = PRIOR;
    this.#all[END] = PRIOR;
    for (const weight of this.#all) this.#total += weight;
  }

  copy(): ByteGuess {
    const copy = new ByteGuess(this.trie);
    copy.#all.set(this.#all);
    copy.#total = this.#total;
    copy.#sums.set(this.#sums);
    for (const [last, row] of this.#rows.entries()) if (row !== undefined) copy.#rows[last] = row.slice();
    return copy;
  }

  /** u(entry | last). `last`: −1 where nothing came before. */
  of(entry: number, last: number): number {
    const all = this.#all[entry] / this.#total;
    const row = this.#rows[last];
    return row === undefined ? all : (row[entry] + STRENGTH * all) / (this.#sums[last] + STRENGTH);
  }

  /** The byte came behind another. */
  count(byte: number, last: number): void {
    if (this.#all[byte] > 0) this.#add(byte, last, 1);
  }

  /** The model has said what comes behind a token that ends in this byte. */
  learn(masses: TokenMasses, last: number): void {
    const said = this.#said.fill(0);
    masses.addNext(ROOT, 1, said);
    for (let entry = 0; entry < BYTE_ENTRIES; entry++) if (said[entry] > 0) this.#add(entry, last, said[entry]);
  }

  /** out_b = (1 − share) · out_b + share · u(b | last) */
  mixInto(out: Float64Array, share: number, last: number): void {
    if (share === 0) return;
    for (let entry = 0; entry < BYTE_ENTRIES; entry++)
      out[entry] = (1 - share) * out[entry] + share * this.of(entry, last);
  }

  #add(entry: number, last: number, amount: number): void {
    this.#all[entry] += amount;
    this.#total += amount;
    if (last < 0) return;
    const row = (this.#rows[last] ??= new Float64Array(BYTE_ENTRIES));
    row[entry] += amount;
    this.#sums[last] += amount;
  }
}
