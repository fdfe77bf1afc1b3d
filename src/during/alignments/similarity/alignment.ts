/**
 * The main member's vocabulary as the common space: each other member's most probable tokens are expressed by those of the
 * main member that are most like them (EVA, arXiv 2404.09492).
 *
 *     p_i = softmax over the k largest logits        y_main = p_main        y_i(u) = Σ_v p_i(v) · M_i(v, u)
 *
 * M_i: the similarity of member i's tokens to the main member's (vocabulary/similar-tokens.ts), with raw scores, so y_i
 * need not sum to 1 (`masses`). Shapes: the main member's |V| entries, float64; its end tokens are one entry.
 *
 * `published`: as the released code has it, where a dictionary is made of equal texts of the model files, ids 0, 1 and 2
 * are unknown, beginning and end in every model, and every token takes part. Otherwise the dictionary is made of equal
 * bytes, end tokens are one class, and tokens that are never text have no part.
 */
import { LlamafuseError } from "../../../errors.js";
import type { Member } from "../../../member/member.js";
import { settleAll } from "../../../settle-all.js";
import { TokenClass, textAtFragmentStart } from "../../../vocabulary/vocabulary.js";
import type { MethodContext } from "../../method.js";
import type { AlignedStep, Alignment } from "../alignment.js";
import { commonTexts, commonTokens } from "../build/common-tokens.js";
import { embeddingsOf, endTokenOf, oncePerMembers } from "../build/embedded-members.js";
import type { BuildOptions } from "../build/pool.js";
import { ROW_OF_EMBEDDING } from "../build/relative-rows.js";
import type { SparseRows } from "../build/sparse-rows.js";
import { rowsByClass } from "../relative/build.js";
import { UpToDate } from "../up-to-date.js";
import { similarityRows } from "./build.js";
import { Target } from "./similar-tokens.js";

export interface SimilarityChoice {
  /** K of the neighbourhoods. */
  neighbourhood: number;
  /** Scores kept of a token, and the least that counts. */
  similar: number;
  leastSimilarity: number;
  published: boolean;
}

/** Rows with more than five scores within a standard deviation of 0.01 say nothing. */
const FLAT = { flatDeviation: 0.01, flatCount: 5 };
/** A map between two spaces that is made from one pair is none. */
const FEWEST_PAIRS = 2;
/** Ids that the released code takes for unknown, beginning and end in every model. */
const PUBLISHED_SPECIALS = 3;

/** The matrix of the second of two members to the first, built once. Errors: incompatible-members, aborted. */
const similarityTo = oncePerMembers(buildSimilarity);

async function buildSimilarity(
  [main, other]: readonly Member[],
  { neighbourhood, similar, leastSimilarity, published }: SimilarityChoice,
  run: BuildOptions,
): Promise<SparseRows> {
  const source = embeddingsOf(other, "output", "eva");
  const target = embeddingsOf(main, "output", "eva");
  if (published && source.width !== target.width) throw unequalWidths(main, other, target.width, source.width);
  const vocabularies = [other.vocabulary, main.vocabulary];
  const [from, to] = published ? commonTexts(vocabularies) : commonTokens(vocabularies);
  if (from.length < FEWEST_PAIRS) throw tooFewPairs(main, other, from.length);
  const makes = published
    ? Int32Array.from({ length: other.vocabulary.size }, (_, id) => (id < PUBLISHED_SPECIALS ? id : ROW_OF_EMBEDDING))
    : rowsByClass(other.vocabulary, endTokenOf(main));
  const kinds = published
    ? Uint8Array.from({ length: main.vocabulary.size }, (_, id) =>
        id < PUBLISHED_SPECIALS ? Target.deleted : Target.candidate,
      )
    : Uint8Array.from(rowsByClass(main.vocabulary, 0), (make) =>
        make === ROW_OF_EMBEDDING ? Target.candidate : Target.none,
      );
  const options = { keep: similar, threshold: leastSimilarity, ...FLAT };
  return similarityRows({ source, target, pairs: [from, to] }, { makes, kinds, neighbourhood, options }, run);
}

function unequalWidths(main: Member, other: Member, width: number, otherWidth: number): LlamafuseError {
  return new LlamafuseError(
    "incompatible-members",
    `The embeddings of "${main.name}" have ${width} numbers a token and those of "${other.name}" ${otherWidth}; the released ` +
      "code of eva needs equal widths. Leave compat out, or use a method that needs no embeddings, such as unite or gac.",
    { found: otherWidth, allowed: width },
  );
}

function tooFewPairs(main: Member, other: Member, found: number): LlamafuseError {
  return new LlamafuseError(
    "incompatible-members",
    `The vocabularies of "${main.name}" and "${other.name}" have ${found === 0 ? "no token" : "only one token"} in common; eva ` +
      `learns from at least ${FEWEST_PAIRS} how the embeddings of one lie in the other's space. Use a method for any ` +
      "vocabularies, such as unite or gac.",
    { found, allowed: `>= ${FEWEST_PAIRS}` },
  );
}

export class SimilarityAlignment implements Alignment {
  readonly #upToDate: UpToDate;
  /** M of each member; undefined for the main one. */
  #matrices: readonly (SparseRows | undefined)[] = [];
  readonly #vectors: readonly Float64Array[];
  /** Entries of each vector that are not 0. */
  readonly #touched: number[][];
  readonly #masses: number[];
  /** Shares of all tokens, for published runs. */
  readonly #shares: readonly Float64Array[];

  constructor(
    private readonly context: MethodContext,
    private readonly main: number,
    private readonly k: number,
    private readonly choice: SimilarityChoice,
  ) {
    const { voices } = context;
    const { size } = voices[main].member.vocabulary;
    this.#upToDate = new UpToDate(context);
    this.#vectors = voices.map(() => new Float64Array(size));
    this.#touched = voices.map(() => []);
    this.#masses = voices.map(() => 0);
    this.#shares = choice.published ? voices.map(({ member }) => new Float64Array(member.vocabulary.size)) : [];
  }

  /** Build, or take from the cache, the matrices of these members. */
  static async build(
    members: readonly Member[],
    main: number,
    choice: SimilarityChoice,
    { onProgress, ...run }: BuildOptions = {},
  ): Promise<(SparseRows | undefined)[]> {
    const matrices: (SparseRows | undefined)[] = members.map(() => undefined);
    const others = members.length - 1;
    let done = 0;
    for (const [index, member] of members.entries()) {
      if (index === main) continue;
      const report = (fraction: number) => onProgress?.((done + fraction) / others);
      matrices[index] = await similarityTo([members[main], member], choice, { ...run, onProgress: report });
      report(1);
      done++;
    }
    return matrices;
  }

  async prepare(): Promise<void> {
    const { voices, traceTop } = this.context;
    const members = voices.map(({ member }) => member);
    this.#matrices = await SimilarityAlignment.build(members, this.main, this.choice);
    const top = Math.max(this.k, traceTop);
    await settleAll(
      members.map((member) => member.prepare({ top, normaliser: traceTop > 0 || this.context.wantsNormaliser })),
    );
  }

  async align(asked: readonly number[]): Promise<AlignedStep> {
    await this.#upToDate.bring(asked);
    for (const index of asked) {
      if (this.choice.published) this.#projectAll(index);
      else this.#projectTop(index);
    }
    const { member } = this.context.voices[this.main];
    return {
      size: member.vocabulary.size,
      endEntry: endTokenOf(member),
      distributions: asked.map((index) => this.#vectors[index]),
      masses: asked.map((index) => this.#masses[index]),
      bytesOf: (entry) => this.#bytesOf(entry),
    };
  }

  accept(entry: number): void {
    const bytes = this.#bytesOf(entry);
    const { voices } = this.context;
    const ends = voices[this.main].member.vocabulary.classOf(entry) === TokenClass.end;
    for (const { member } of voices) {
      const ids = member.vocabulary.endTokens.slice(0, 1);
      member.append(ends ? { kind: "tokens", ids } : { kind: "text", bytes });
    }
  }

  /** The k best text and end tokens that the member reports. */
  #projectTop(index: number): void {
    const { topIds, topLogits, topCount } = this.context.voices[index].member.output;
    const count = Math.min(this.k, topCount);
    this.#clear(index);
    let sum = 0;
    for (let rank = 0; rank < count; rank++) sum += Math.exp(topLogits[rank] - topLogits[0]);
    for (let rank = 0; rank < count; rank++) {
      this.#add(index, topIds[rank], Math.exp(topLogits[rank] - topLogits[0]) / sum);
    }
  }

  /** As the released code: the k best of everything in the vocabulary. */
  #projectAll(index: number): void {
    const shares = topShares(this.context.voices[index].member.output.logits, this.k, this.#shares[index]);
    this.#clear(index);
    for (let v = 0; v < shares.length; v++) if (shares[v] > 0) this.#add(index, v, shares[v]);
  }

  #clear(index: number): void {
    for (const entry of this.#touched[index]) this.#vectors[index][entry] = 0;
    this.#touched[index].length = 0;
    this.#masses[index] = 0;
  }

  /** A member's share of one of its tokens, as what the main member has for it. */
  #add(index: number, token: number, share: number): void {
    const matrix = this.#matrices[index];
    if (matrix === undefined) {
      const { vocabulary } = this.context.voices[index].member;
      const isEnd = vocabulary.classOf(token) === TokenClass.end;
      this.#put(index, isEnd ? endTokenOf(this.context.voices[index].member) : token, share);
      return;
    }
    const { offsets, indices, values } = matrix;
    for (let at = offsets[token]; at < offsets[token + 1]; at++) this.#put(index, indices[at], share * values[at]);
  }

  #put(index: number, entry: number, value: number): void {
    const vector = this.#vectors[index];
    if (vector[entry] === 0) this.#touched[index].push(entry);
    vector[entry] += value;
    this.#masses[index] += value;
  }

  #bytesOf(entry: number): Uint8Array {
    const { vocabulary, atFragmentStart } = this.context.voices[this.main].member;
    const bytes = vocabulary.bytesOf(entry);
    return atFragmentStart ? textAtFragmentStart(bytes) : bytes;
  }
}

/** softmax over the logits that are at least the k-th largest, 0 elsewhere. Shapes: logits and out one a token. */
export function topShares(logits: ArrayLike<number>, k: number, out: Float64Array): Float64Array {
  out.set(logits);
  const sorted = out.sort();
  const kth = sorted[Math.max(0, logits.length - k)];
  const largest = sorted[logits.length - 1];
  let sum = 0;
  for (let v = 0; v < logits.length; v++) {
    out[v] = logits[v] >= kth ? Math.exp(logits[v] - largest) : 0;
    sum += out[v];
  }
  for (let v = 0; v < logits.length; v++) out[v] /= sum;
  return out;
}
