/**
 * The alignment of members that share one vocabulary: none is needed.
 *
 *     p_i(t) = softmax(z_i)_t / (1 − p_i(never text)),   p_i(end) = Σ_{t ends} p_i(t)
 *
 * Shapes: |V| + 1 entries, float64: entry 0 is the pooled end, entry t + 1 is token t. The chosen token's id goes back to
 * every member as it is, so that nothing is tokenised again.
 */
import { LlamafuseError } from "../../../errors.js";
import { settleAll } from "../../../settle-all.js";
import { firstDifference, oneVocabularyMaps } from "../../../vocabulary/same-tokens.js";
import type { UnionMaps } from "../../../vocabulary/union-dictionary.js";
import { TokenClass, textAtFragmentStart } from "../../../vocabulary/vocabulary.js";
import { textProbability } from "../../combine.js";
import type { MethodContext, Voice } from "../../method.js";
import type { AlignedStep, Alignment } from "../alignment.js";
import { UpToDate } from "../up-to-date.js";

const END = 0;
const NO_BYTES = new Uint8Array();

/** What needs one vocabulary, and what to use instead; for errors. */
export interface Asker {
  of: string;
  instead: string;
}

export class OneVocabularyAlignment implements Alignment {
  readonly #upToDate: UpToDate;
  readonly #maps: UnionMaps;

  /** Error: incompatible-members where vocabularies differ. */
  constructor(
    private readonly context: MethodContext,
    asker: Asker,
  ) {
    requireOneVocabulary(context.voices, asker);
    this.#maps = oneVocabularyMaps(context.voices.map(({ member }) => member.vocabulary));
    this.#upToDate = new UpToDate(context);
  }

  async prepare(): Promise<void> {
    const { voices, traceTop } = this.context;
    const { size, maps } = this.#maps;
    await settleAll(
      voices.map(({ member }, index) =>
        member.prepare({ top: traceTop, projection: { map: maps[index], size: size + 1 } }),
      ),
    );
  }

  async align(asked: readonly number[]): Promise<AlignedStep> {
    await this.#upToDate.bring(asked);
    const { voices } = this.context;
    const { size } = this.#maps;
    const distributions = asked.map((index) => voices[index].member.output.projection);
    const { vocabulary, atFragmentStart } = voices[asked[0]].member;
    return {
      size,
      endEntry: END,
      distributions,
      masses: distributions.map((distribution) => textProbability(distribution, size)),
      isInSharedMemory: true,
      bytesOf(entry) {
        if (entry === END) return NO_BYTES;
        const bytes = vocabulary.bytesOf(entry - 1);
        return atFragmentStart ? textAtFragmentStart(bytes) : bytes;
      },
    };
  }

  accept(entry: number): void {
    for (const { member } of this.context.voices) {
      member.append({
        kind: "tokens",
        ids: entry === END ? member.vocabulary.endTokens.slice(0, 1) : [entry - 1],
      });
    }
  }
}

/** LlamafuseError "incompatible-members" unless all voices have the first one's vocabulary. */
function requireOneVocabulary(voices: readonly Voice[], { of, instead }: Asker): void {
  const [first, ...others] = voices.map(({ member }) => member);
  for (const other of others) {
    const id = firstDifference(first.vocabulary, other.vocabulary);
    if (id < 0) continue;
    const [a, b] = [first, other].map(({ vocabulary }) =>
      id < vocabulary.size && vocabulary.classOf(id) === TokenClass.text
        ? JSON.stringify(Buffer.from(vocabulary.bytesOf(id)).toString())
        : "no text",
    );
    throw new LlamafuseError(
      "incompatible-members",
      `${of} needs members with one vocabulary; "${first.name}" (${first.vocabulary.size} tokens) and "${other.name}" (${other.vocabulary.size}) first differ at token ${id} (${a}, ${b}). Use models of one family, or ${instead}.`,
      { members: [first.name, other.name], found: id },
    );
  }
}
