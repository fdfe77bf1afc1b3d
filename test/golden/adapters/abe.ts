import { agreementOf, type Strand } from "../../../src/during/token/abe/agreement.js";
import { TokenRanking } from "../../../src/during/token/abe/ranking.js";
import { searchAsReleased } from "../../../src/during/token/abe/released-search.js";
import type { Continuation, Hypothesis } from "../../../src/during/token/abe/search.js";
import { ByteOrder } from "../../../src/vocabulary/byte-order.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../src/vocabulary/vocabulary.js";
import type { GoldenAdapter } from "../adapter.js";

interface Model {
  pieces: string[];
  eosId: number;
}

interface AgreementInput {
  kind: "agreement";
  models: (Model & { string: string })[];
  choices: number[][];
}

interface TrieInput {
  kind: "trie";
  pieces: string[];
  allowRoot: boolean;
  postfixes: string[];
}

interface SearchInput {
  kind: "search";
  models: Model[];
  weights: number[];
  numBeams: number;
  maxLength: number;
  bestCompletedScore: number;
  forbiddenIds: number[];
  beams: { strings: string[]; cum: number[]; generated: number[]; stalled: boolean[]; logits: number[][] }[];
}

export const abe: GoldenAdapter = {
  method: "abe",
  tolerance: 1e-9,
  run(input: AgreementInput | TrieInput | SearchInput) {
    if (input.kind === "agreement") return { results: input.choices.map((ids) => agreement(input, ids)) };
    if (input.kind === "trie") return { allowed: input.postfixes.map((postfix) => allowed(input, postfix)) };
    return search(input);
  },
};

function agreement({ models }: AgreementInput, ids: readonly number[]) {
  const strings = models.map(({ string }) => Buffer.from(string));
  const strands = strings.map(({ length }) => strand({ length }));
  const additions = models.map(({ pieces, eosId }, model) => ({
    bytes: Buffer.from(pieces[ids[model]]),
    ends: ids[model] === eosId,
  }));
  const found = agreementOf(longest(strings), strands, additions);
  if (found === undefined) return { code: -1, stall: null, postfix: null };
  const missing = found.lengths.map((length) => Buffer.from(found.text.subarray(length)).toString());
  return found.complete
    ? { code: 0, stall: found.stalled, postfix: missing.map(() => null) }
    : { code: 1, stall: found.stalled, postfix: missing };
}

function allowed({ pieces, allowRoot }: TrieInput, postfix: string): number[] {
  const ids = pieces.map((_, id) => id);
  if (postfix === "") return ids;
  const { within, beyond } = ByteOrder.of(vocabularyOf({ pieces, eosId: -1 })).agreeing(Buffer.from(postfix));
  const root = allowRoot ? ids.filter((id) => pieces[id] === "") : [];
  return [...root, ...within, ...beyond.flatMap((part) => [...part])].sort((a, b) => a - b);
}

function search({ models, beams, weights, numBeams, maxLength, bestCompletedScore, forbiddenIds }: SearchInput) {
  const vocabularies = models.map((model) => vocabularyOf(model, forbiddenIds));
  const hypotheses = beams.map(({ strings, cum, generated, stalled, logits }): Hypothesis => {
    const spoken = strings.map((string) => Buffer.from(string));
    const text = longest(spoken);
    const offers = vocabularies.map((vocabulary, model) => {
      const ranking = new TokenRanking(vocabulary);
      const logNormaliser = Math.log(logits[model].reduce((sum, logit) => sum + Math.exp(logit), 0));
      ranking.rank({ logits: logits[model], logNormaliser }, text.subarray(spoken[model].length), false);
      return ranking;
    });
    const strands = spoken.map(({ length }, model) =>
      strand({ length, logProb: cum[model], generated: generated[model], stalled: stalled[model] }),
    );
    return { text, strands, offers };
  });
  const found = searchAsReleased(hypotheses, {
    weights,
    beams: numBeams,
    maxLength,
    bestCompleted: bestCompletedScore,
  });
  return { next: found.next.map(chosen), completed: found.completed.map((hypothesis) => new Complete(hypothesis)) };
}

function chosen({ beam, ids, priority, score, agreement: { text, lengths, stalled } }: Continuation) {
  const postfix = lengths.map((length) => Buffer.from(text.subarray(length)).toString());
  return { beam, ids, priority, rawScore: score, stall: stalled, postfix };
}

/** A completed hypothesis; getters, because files list some of these fields only. */
class Complete {
  readonly #hypothesis: Continuation;

  constructor(hypothesis: Continuation) {
    this.#hypothesis = hypothesis;
  }

  get beam() {
    return this.#hypothesis.beam;
  }

  get ids() {
    return this.#hypothesis.ids;
  }

  get scores() {
    return this.#hypothesis.scores;
  }

  get score() {
    return this.#hypothesis.score;
  }

  get rawScore() {
    return this.#hypothesis.score;
  }

  get priority() {
    return this.#hypothesis.priority;
  }
}

function strand(given: Partial<Strand>): Strand {
  return { length: 0, generated: 0, logProb: 0, stalled: false, ...given };
}

function longest(strings: readonly Buffer[]): Buffer {
  return strings.reduce((best, other) => (other.length > best.length ? other : best));
}

function vocabularyOf({ pieces, eosId }: Model, forbidden: readonly number[] = []): Vocabulary {
  return makeVocabulary(
    pieces.map((piece, id) => ({
      bytes: Buffer.from(id === eosId ? "" : piece),
      class: id === eosId ? TokenClass.end : forbidden.includes(id) ? TokenClass.control : TokenClass.text,
    })),
  );
}
