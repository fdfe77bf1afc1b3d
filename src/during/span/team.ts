/** The members at work on spans: they write in parallel, and each reads what all have written. */
import { LlamafuseError } from "../../errors.js";
import type { Draft, Saying } from "../../member/member.js";
import { logSumExp } from "../../statistics.js";
import { TokenClass, textAtFragmentStart, type Vocabulary } from "../../vocabulary/vocabulary.js";
import type { FusedDistribution, MethodContext, MethodReport, Voice } from "../method.js";
import { type Candidate, pooled, type Reading, readingOf } from "./candidate.js";
import { candidateOf, type Writer } from "./writers.js";

const NO_BYTES = new Uint8Array();
const END = 0;

interface Counts {
  /** Tokens that were decoded to write, and to judge. */
  writing: number;
  judging: number;
}

export class SpanTeam {
  readonly #counts: Counts[];

  constructor(
    private readonly context: MethodContext,
    private readonly method: string,
  ) {
    const { altering = [] } = context;
    const unfit = altering.find((option) => OF_TOKENS.has(option));
    if (unfit !== undefined) throw choosesSpans(method, unfit);
    this.#counts = context.voices.map(() => ({ writing: 0, judging: 0 }));
  }

  /** Error: invalid-option where a given text is scored. */
  get #look(): NonNullable<MethodContext["lookAhead"]> {
    const { lookAhead } = this.context;
    if (lookAhead === undefined) throw scoresNothing(this.method);
    return lookAhead;
  }

  get voices(): readonly Voice[] {
    return this.context.voices;
  }

  get everyone(): number[] {
    return this.voices.map((_, index) => index);
  }

  /** Tokens that each member decoded in its roles. */
  get report(): MethodReport {
    return Object.fromEntries(this.voices.map(({ member }, index) => [member.name, { ...this.#counts[index] }]));
  }

  /** What these members write behind the text and `behind`, by member in their order, texts of nothing left out. */
  async write(
    writers: readonly number[],
    start: (voice: Voice) => Writer,
    behind: Uint8Array = NO_BYTES,
  ): Promise<Candidate[]> {
    const at = writers.map((index) => ({ index, writer: start(this.voices[index]), said: [] as Saying[] }));
    const written: Candidate[][] = at.map(() => []);
    const begin = at.map((one, place) => ({ ...one, place }));
    for (let writing = begin, first = true; writing.length > 0; first = false) {
      this.context.signal?.throwIfAborted();
      const turns: Awaited<ReturnType<Writer["next"]>>[] = [];
      // One after another: a writer may ask every member's tokenizer, and a member does one thing at a time.
      for (const { writer, said } of writing) turns.push(await (first ? writer.next() : writer.next(said)));
      const asks = writing.flatMap((one, place) => {
        const turn = turns[place];
        if (!turn.done) return [{ ...one, ask: turn.value }];
        written[one.place] = turn.value.map((each) => candidateOf(each, one.index));
        return [];
      });
      if (asks.length === 0) break;
      const drafts = await this.#draft(asks, behind);
      writing = asks.map(({ ask: _, ...one }, place) => ({ ...one, said: drafts[place] }));
    }
    return written.flat().filter(({ bytes, ends }) => bytes.length > 0 || ends);
  }

  async #draft(
    asks: readonly { index: number; ask: { ids: readonly number[]; count: number; others?: number } }[],
    bytes: Uint8Array,
  ): Promise<Saying[][]> {
    const { greedy, draw } = this.context;
    const samples = !greedy && draw !== undefined;
    const byMember = new Map(asks.map((one) => [this.voices[one.index].member, one]));
    const drafts = await this.#look(
      asks.map(({ index }) => this.voices[index]),
      async (member, signal): Promise<Draft> => {
        const { ask } = byMember.get(member)!;
        const options = { behind: { bytes, ids: ask.ids }, others: ask.others, logits: samples };
        return member.draft(samples ? 1 : ask.count, signal, options);
      },
    );
    for (const [place, { index }] of asks.entries()) this.#counts[index].writing += drafts[place].decodedTokens;
    if (!samples) return drafts.map(({ sayings }) => sayings);
    // One after another, so that a seed repeats.
    return drafts.map((draft, place) => {
      if (draft.sayings.length === 0) return [];
      const { vocabulary } = this.voices[asks[place].index].member;
      const { others, ...likeliest } = draft.sayings[0];
      return [{ ...drawn(draft, vocabulary, draw), others: others && [likeliest, ...others] }];
    });
  }

  /** How these judges read each candidate behind the text and `behind`: by candidate, by judge. */
  async judge(
    candidates: readonly Pick<Candidate, "bytes" | "ends">[],
    judges: readonly number[],
    behind: Uint8Array = NO_BYTES,
  ): Promise<Reading[][]> {
    const prospects = candidates.map(({ bytes, ends }) => ({ bytes, ends, behind }));
    const read = await this.#look(
      judges.map((index) => this.voices[index]),
      (member, signal) => member.assess(prospects, signal),
    );
    for (const [place, index] of judges.entries()) this.#counts[index].judging += read[place].decodedTokens;
    return candidates.map(({ bytes }, candidate) =>
      read.map(({ scores }, place) =>
        readingOf(scores[candidate], bytes.length, this.voices[judges[place]].member.vocabulary),
      ),
    );
  }

  /** Equal texts once. Error: context-overflow where nobody could write anything. */
  pool(candidates: readonly Candidate[]): Candidate[] {
    const found = pooled(candidates);
    if (found.length > 0) return found;
    const members = this.voices.map(({ member }) => member.name);
    throw new LlamafuseError(
      "context-overflow",
      `No member has room to write on (${members.join(", ")}). Raise contextSize or ask for fewer tokens.`,
      { members, option: "contextSize" },
    );
  }
}

/** Request options that look at the tokens of the one text that is said. */
const OF_TOKENS: ReadonlySet<string> = new Set([
  "format",
  "repetitionPenalty",
  "presencePenalty",
  "frequencyPenalty",
  "dryMultiplier",
]);

/** The request's own choice among what the member may say; `saying.logProb` is the member's. */
function drawn(
  { logits, startsFragment }: Draft,
  vocabulary: Vocabulary,
  draw: (distribution: FusedDistribution) => number,
): Saying {
  const ids = textTokens(vocabulary);
  const logProbs = new Float64Array(ids.length + 1);
  logProbs[END] = logSumExp(vocabulary.endTokens.map((id) => logits![id]));
  for (const [place, id] of ids.entries()) logProbs[place + 1] = logits![id];
  const sum = logSumExp(logProbs);
  const probabilities = logProbs.map((logit) => Math.exp(logit - sum));
  const best = probabilities.reduce((top, value, entry) => (value > probabilities[top] ? entry : top), 0);
  const bytesOf = (entry: number) => {
    if (entry === END) return NO_BYTES;
    const bytes = vocabulary.bytesOf(ids[entry - 1]);
    return startsFragment ? textAtFragmentStart(bytes) : bytes;
  };
  const entry = draw({ size: probabilities.length, probabilities, endEntry: END, best, bytesOf, logNormaliser: sum });
  const id = entry === END ? -1 : ids[entry - 1];
  return { id, bytes: bytesOf(entry), logProb: logProbs[entry] - logSumExp(logits!) };
}

const known = new WeakMap<Vocabulary, readonly number[]>();

/** The tokens that say something. */
function textTokens(vocabulary: Vocabulary): readonly number[] {
  let ids = known.get(vocabulary);
  if (ids === undefined) {
    ids = Array.from({ length: vocabulary.size }, (_, id) => id).filter(
      (id) => vocabulary.classOf(id) === TokenClass.text && vocabulary.bytesOf(id).length > 0,
    );
    known.set(vocabulary, ids);
  }
  return ids;
}

function scoresNothing(method: string): LlamafuseError {
  return new LlamafuseError(
    "invalid-option",
    `The method ${method} chooses among texts that its members write and cannot score a given one. Score with the method "bytes".`,
    { method },
  );
}

function choosesSpans(method: string, option: string): LlamafuseError {
  const what = option === "format" ? "a form of the answer (format: a schema, regex or grammar)" : option;
  return new LlamafuseError(
    "invalid-option",
    `${method} chooses whole spans, to which ${what} does not apply. Leave it out, or use a method that fuses each token: unite, gac or bytes.`,
    { method, option },
  );
}
