/**
 * Hashed TF-IDF: words and pairs of neighbouring words fall into buckets by a 32-bit FNV-1a hash, so that no vocabulary is
 * kept.
 *
 *     x_b = (1 + ln tf_b) · idf_b,   idf_b = ln((1 + n) / (1 + df_b)) + 1,   then ‖x‖ = 1
 *
 * tf_b counts the terms of the text in bucket b, df_b the fitted texts that have any. Buckets of a single text carry
 * nothing that could be learned and are dropped; of the others the most frequent are kept.
 */
import { z } from "zod";
import { pack, packedNumbers, unpack } from "./packed-numbers.js";

/** The non-zero entries of a vector, by rising index. */
export interface SparseVector {
  indices: Int32Array;
  values: Float64Array;
}

export interface TfIdfOptions {
  /** Buckets kept, the most frequent ones. Default 8192. */
  features?: number;
  /** A bucket in fewer texts is dropped. Default 2. */
  leastTexts?: number;
  /** Terms of a text. Default: lower-case words and numbers, and pairs of neighbours. */
  terms?: (text: string) => Iterable<string>;
}

export const savedTfIdf = z.strictObject({ buckets: packedNumbers, idf: packedNumbers });

const WORD = /\p{L}+|\p{N}|[^\s\p{L}\p{N}]/gu;

export class TfIdf {
  readonly #features: Map<number, number>;

  private constructor(
    private readonly buckets: Int32Array,
    private readonly idf: Float64Array,
    private readonly terms: (text: string) => Iterable<string>,
  ) {
    this.#features = new Map(Array.from(buckets, (bucket, feature) => [bucket, feature]));
  }

  static fit(texts: readonly string[], options: TfIdfOptions = {}): TfIdf {
    const { features = 8192, leastTexts = 2, terms = wordsAndPairs } = options;
    const frequencies = new Map<number, number>();
    for (const text of texts) {
      for (const bucket of countBuckets(terms(text)).keys())
        frequencies.set(bucket, (frequencies.get(bucket) ?? 0) + 1);
    }
    const kept = Array.from(frequencies)
      .filter(([, count]) => count >= Math.min(leastTexts, texts.length))
      .sort(([a, countA], [b, countB]) => countB - countA || a - b)
      .slice(0, features);
    const idf = Float64Array.from(kept, ([, count]) => Math.log((1 + texts.length) / (1 + count)) + 1);
    return new TfIdf(
      Int32Array.from(kept, ([bucket]) => bucket),
      idf,
      terms,
    );
  }

  get size(): number {
    return this.buckets.length;
  }

  transform(text: string): SparseVector {
    const entries: [number, number][] = [];
    for (const [bucket, count] of countBuckets(this.terms(text))) {
      const feature = this.#features.get(bucket);
      if (feature !== undefined) entries.push([feature, (1 + Math.log(count)) * this.idf[feature]]);
    }
    entries.sort(([a], [b]) => a - b);
    const length = Math.sqrt(entries.reduce((sum, [, value]) => sum + value * value, 0)) || 1;
    return {
      indices: Int32Array.from(entries, ([feature]) => feature),
      values: Float64Array.from(entries, ([, value]) => value / length),
    };
  }

  toJSON(): z.infer<typeof savedTfIdf> {
    return { buckets: pack(this.buckets), idf: pack(this.idf) };
  }

  /** `terms`: those that it was fitted with. */
  static restore({ buckets, idf }: z.infer<typeof savedTfIdf>, terms: TfIdfOptions["terms"] = wordsAndPairs): TfIdf {
    return new TfIdf(unpack(buckets, "int32"), unpack(idf, "float64"), terms);
  }
}

export function* wordsAndPairs(text: string): Generator<string> {
  let previous = "";
  for (const [word] of text.toLowerCase().matchAll(WORD)) {
    yield word;
    if (previous !== "") yield `${previous} ${word}`;
    previous = word;
  }
}

function countBuckets(terms: Iterable<string>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const term of terms) {
    const bucket = hashOf(term);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return counts;
}

/** 32 bits of FNV-1a over UTF-16 units, as a signed integer. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}
