/**
 * MinED: each token of one vocabulary to the nearest token of another, by minimum edit distance of their strings.
 *
 *     map(x) = the same string, if the other vocabulary has it; else argmin_y d(x, y), the first y among equals
 *
 * d is Levenshtein's distance over symbols (insertions, deletions and substitutions cost 1 each). Exact, but not every pair
 * is compared (by Myers' bit-parallel algorithm, doi 10.1145/316542.316550): after the words next to x in order, whose
 * beginnings are like its own, only those whose length and symbols leave room for a smaller distance.
 */

/** Strings as symbols numbered densely, one after another. */
interface Words {
  symbols: Uint32Array;
  /** Word w is symbols[offsets[w] … offsets[w + 1]). */
  offsets: Uint32Array;
  /** Bits of the symbols that it has: symbol s is bit s mod 64, in two integers a word. */
  signatures: Int32Array;
}

/** A pattern of more symbols than bits in an integer is compared row by row. */
const MOST_BITS = 31;
const NO_WORDS = { words: new Int32Array(0), signatures: new Int32Array(0) };

/**
 * Word of `from` → the nearest word of `to`; `to` is not empty.
 *
 * ```ts
 * nearestWords(["cats"], ["dog", "cat"]);  // Int32Array [1]
 * ```
 */
export function nearestWords(from: readonly string[], to: readonly string[]): Int32Array {
  const alphabet = new Map<number, number>();
  const words = wordsOf(to, alphabet);
  const index = new WordIndex(words, to.length, alphabet.size);
  const exact = new Map<string, number>();
  for (const [word, string] of to.entries()) if (!exact.has(string)) exact.set(string, word);
  const patterns = wordsOf(from, alphabet);
  index.widen(alphabet.size);
  return Int32Array.from(from, (string, word) => {
    return exact.get(string) ?? index.nearest(patterns, word);
  });
}

export interface NearestJob {
  from: readonly string[];
  to: readonly string[];
}

/** A part of a map, for the pool. */
export function nearestBlock({ from, to }: NearestJob): Int32Array {
  return nearestWords(from, to);
}

function wordsOf(strings: readonly string[], alphabet: Map<number, number>): Words {
  const offsets = new Uint32Array(strings.length + 1);
  const signatures = new Int32Array(2 * strings.length);
  const symbols: number[] = [];
  for (const [word, string] of strings.entries()) {
    for (const character of string) {
      const point = character.codePointAt(0) as number;
      let symbol = alphabet.get(point);
      if (symbol === undefined) alphabet.set(point, (symbol = alphabet.size));
      symbols.push(symbol);
      signatures[2 * word + ((symbol >> 5) & 1)] |= 1 << (symbol & 31);
    }
    offsets[word + 1] = symbols.length;
  }
  return { symbols: Uint32Array.from(symbols), offsets, signatures };
}

/** The words to be searched for the nearest one. */
class WordIndex {
  /** Length → the words of that length, ascending, and their signatures beside them. */
  readonly #groups: { words: Int32Array; signatures: Int32Array }[];
  /** Symbols from this on are in no word. */
  readonly #known: number;
  /** All words in order of their symbols. */
  readonly #ordered: Int32Array;
  /** For the pattern at hand: symbol → the bits of the places that have it. */
  #places = new Int32Array(0);

  constructor(
    private readonly words: Words,
    count: number,
    alphabet: number,
  ) {
    const { offsets, signatures } = words;
    this.#known = alphabet;
    const byLength: number[][] = [];
    for (let word = 0; word < count; word++) (byLength[offsets[word + 1] - offsets[word]] ??= []).push(word);
    this.#groups = Array.from(byLength, (group = []) => ({
      words: Int32Array.from(group),
      signatures: Int32Array.from(group.flatMap((word) => [signatures[2 * word], signatures[2 * word + 1]])),
    }));
    this.#ordered = Int32Array.from({ length: count }, (_, word) => word).sort((a, b) =>
      compareWords(words, a, this.words, b),
    );
  }

  /** Make room for the patterns' symbols too. */
  widen(alphabet: number): void {
    this.#places = new Int32Array(alphabet);
  }

  nearest(patterns: Words, pattern: number): number {
    const own = patterns.symbols.subarray(patterns.offsets[pattern], patterns.offsets[pattern + 1]);
    const { length } = own;
    const isShort = length <= MOST_BITS;
    const { low, high, unknown } = this.#signatureOf(own);
    if (isShort) for (let place = 0; place < length; place++) this.#places[own[place]] |= 1 << place;
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    const compare = (word: number) => {
      const distance = isShort ? this.#distance(length, word) : this.#longDistance(own, word);
      if (distance > least || (distance === least && word > best)) return;
      least = distance;
      best = word;
    };
    for (const word of this.#neighbours(patterns, pattern)) compare(word);
    for (let difference = 0; difference <= least; difference++) {
      for (const other of difference === 0 ? [length] : [length - difference, length + difference]) {
        const { words, signatures } = this.#groups[other] ?? NO_WORDS;
        for (let place = 0; place < words.length; place++) {
          const word = words[place];
          // Of equals the first wins, so a later word has to be nearer.
          const room = word > best ? least - 1 : least;
          const lacking = low & ~signatures[2 * place];
          if (unknown + bitCount(lacking) + bitCount(high & ~signatures[2 * place + 1]) > room) continue;
          const extra = bitCount(signatures[2 * place] & ~low) + bitCount(signatures[2 * place + 1] & ~high);
          if (extra <= room) compare(word);
        }
      }
    }
    if (isShort) for (let place = 0; place < length; place++) this.#places[own[place]] = 0;
    return best;
  }

  /** The bits of a pattern's symbols that some word has, and how many of its places have a symbol that none has. */
  #signatureOf(own: Uint32Array): { low: number; high: number; unknown: number } {
    let low = 0;
    let high = 0;
    let unknown = 0;
    for (const symbol of own) {
      if (symbol >= this.#known) unknown++;
      else if ((symbol & 32) === 0) low |= 1 << (symbol & 31);
      else high |= 1 << (symbol & 31);
    }
    return { low, high, unknown };
  }

  /** The words that stand right before and right behind the pattern in order. */
  #neighbours(patterns: Words, pattern: number): Int32Array {
    let from = 0;
    let to = this.#ordered.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (compareWords(this.words, this.#ordered[middle], patterns, pattern) < 0) from = middle + 1;
      else to = middle;
    }
    return this.#ordered.subarray(Math.max(0, from - 2), from + 2);
  }

  /** Myers' algorithm: the pattern's column of differences as bits, one step a symbol of the word. */
  #distance(length: number, word: number): number {
    const { symbols, offsets } = this.words;
    const end = offsets[word + 1];
    if (length === 0) return end - offsets[word];
    const last = 1 << (length - 1);
    let plus = -1;
    let minus = 0;
    let distance = length;
    for (let at = offsets[word]; at < end; at++) {
      const equal = this.#places[symbols[at]];
      const vertical = equal | minus;
      const diagonal = (((equal & plus) + plus) ^ plus) | equal;
      let up = minus | ~(diagonal | plus);
      let down = plus & diagonal;
      if ((up & last) !== 0) distance++;
      else if ((down & last) !== 0) distance--;
      up = (up << 1) | 1;
      down <<= 1;
      plus = down | ~(vertical | up);
      minus = up & vertical;
    }
    return distance;
  }

  /** Row by row. */
  #longDistance(own: Uint32Array, word: number): number {
    const { symbols, offsets } = this.words;
    const row = Uint32Array.from({ length: own.length + 1 }, (_, place) => place);
    for (let at = offsets[word], done = 1; at < offsets[word + 1]; at++, done++) {
      let diagonal = row[0];
      row[0] = done;
      for (let place = 1; place <= own.length; place++) {
        const above = row[place];
        const substituted = diagonal + Number(own[place - 1] !== symbols[at]);
        row[place] = Math.min(above + 1, row[place - 1] + 1, substituted);
        diagonal = above;
      }
    }
    return row[own.length];
  }
}

/** By their first symbols that differ; a beginning comes before what it begins. */
function compareWords(a: Words, wordA: number, b: Words, wordB: number): number {
  const endA = a.offsets[wordA + 1];
  const endB = b.offsets[wordB + 1];
  let [atA, atB] = [a.offsets[wordA], b.offsets[wordB]];
  while (atA < endA && atB < endB && a.symbols[atA] === b.symbols[atB]) {
    atA++;
    atB++;
  }
  if (atA === endA || atB === endB) return endA - atA - (endB - atB);
  return a.symbols[atA] - b.symbols[atB];
}

function bitCount(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x55555555);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
