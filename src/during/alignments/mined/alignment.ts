/**
 * PackLLM's alignment (arXiv 2404.11531): everything is said in the tokens of one member, the reference, for each of which
 * every other member has one that is nearest by edit distance.
 *
 *     p_i(x) = softmax over the reference's tokens x of z_i(map_i(x))
 *
 * The reference is the member with the lowest perplexity on the prompt, as published (by bytes, which is ours: the paper's
 * members share tokens), or a given one. Shapes: the
 * reference's distinct strings and the end, float64 (see ByteMinedSpace). Other members get the chosen bytes, with the
 * whole text tokenised again.
 *
 * `compat`: as released, the others read prompt and answer as the reference's tokens mapped one by one, texts of the model
 * files are compared, and all tokens of the reference can be said, control tokens too; sampled runs pool its end tokens.
 *
 * At the start of a fragment the map is that of other places: a reference that puts a space before a first word stands for
 * the word without it, the others for what is nearest to the word with it.
 */
import type { Member } from "../../../member/member.js";
import { promptOfTokens } from "../../../member/prompt-of-tokens.js";
import { settleAll } from "../../../settle-all.js";
import { TokenClass, textAtFragmentStart } from "../../../vocabulary/vocabulary.js";
import { indexOfMember } from "../../member-option.js";
import type { MethodContext } from "../../method.js";
import type { FusedValues } from "../../rules/rule.js";
import { loss } from "../../weightings/cross-entropy.js";
import { ownLosses } from "../../weightings/perplexity.js";
import { withoutThought } from "../../without-thought.js";
import type { AlignedStep, Alignment } from "../alignment.js";
import { standForEnds } from "../published-feedback.js";
import { UpToDate } from "../up-to-date.js";
import { replay } from "./replay.js";
import { type MinedSpace, minedSpaceOf } from "./space.js";

export interface MinedOptions {
  /** The reference by name or index; "auto": the lowest perplexity on the prompt. */
  reference: string | number;
  compat: boolean;
}

/** Bytes of logits that a replay keeps; of a longer prompt it keeps the last places. */
const REPLAY_BYTES = 2 ** 29;

/** Places that losses are measured at, at most: each is a decode of one token. Ours; the released code reads all. */
const MOST_PLACES = 512;

export class MinedAlignment implements Alignment {
  readonly #members: readonly Member[];
  readonly #upToDate: UpToDate;
  readonly #distributions: Float64Array[];
  #given: number;
  #opened: Promise<{ space: MinedSpace; reference: number }> | undefined;
  #space: MinedSpace | undefined;
  /** Whether the reference's tokens of the last step begin a fragment. */
  #atFragmentStart = false;

  constructor(
    private readonly context: MethodContext,
    private readonly options: MinedOptions,
  ) {
    const { voices } = context;
    this.#members = voices.map(({ member }) => member);
    this.#given = options.reference === "auto" ? -1 : indexOfMember(voices, options.reference, "reference");
    this.#upToDate = new UpToDate(context);
    this.#distributions = voices.map(() => new Float64Array(0));
  }

  async prepare(): Promise<void> {
    const { traceTop } = this.context;
    await settleAll(
      this.#members.map((member) =>
        member.prepare({ top: traceTop, normaliser: traceTop > 0 || this.context.wantsNormaliser }),
      ),
    );
  }

  async align(asked: readonly number[]): Promise<AlignedStep> {
    const { space, reference } = await this.#open();
    await this.#upToDate.bring(asked);
    this.#atFragmentStart = this.#members[reference].atFragmentStart;
    const { size, ends } = space;
    const { compat } = this.options;
    return {
      size,
      endEntry: compat ? -1 : ends[0],
      distributions: asked.map((index) => this.#distributionOf(space, index)),
      bytesOf: (entry) => this.#bytesOf(space, entry),
      conclude: compat ? (fused) => this.#conclude(space, fused) : undefined,
    };
  }

  accept(entry: number): void {
    const space = this.#space as MinedSpace;
    const bytes = this.#bytesOf(space, entry);
    const isToken = this.options.compat || space.ends.includes(entry);
    for (const [index, member] of this.#members.entries()) {
      const ids = [space.idOf(index, entry)].filter((id) => id >= 0);
      member.append(isToken ? { kind: "tokens", ids } : { kind: "text", bytes });
    }
  }

  #bytesOf(space: MinedSpace, entry: number): Uint8Array {
    const bytes = space.bytesOf(entry);
    return this.#atFragmentStart ? textAtFragmentStart(bytes) : bytes;
  }

  /**
   * ℓ of each member: over the reference's tokens, gathered, as released; of a long text over the last MOST_PLACES. With "byte",
   * over its own tokens, in nats a byte.
   */
  async losses(per: "token" | "byte"): Promise<number[]> {
    if (per === "byte") {
      await this.#open();
      return ownLosses(this.context.voices);
    }
    const sums = this.#members.map(() => 0);
    let places = 0;
    await this.#read(MOST_PLACES, (member, target, values) => {
      sums[member] += loss(values, target);
      if (member === 0) places++;
    });
    return sums.map((sum) => (places === 0 ? 0 : sum / places));
  }

  /**
   * What every member says at each of the reference's tokens of the text, when it reads these tokens mapped one by one:
   * `rows[i][t]`, logits of the space's entries, and `targets[t]`. Places whose next token ends a text or has no entry are
   * left out.
   */
  async replay(): Promise<{ rows: Float32Array[][]; targets: Int32Array }> {
    const { space } = await this.#open();
    const rows: Float32Array[][] = this.#members.map(() => []);
    const targets: number[] = [];
    const most = Math.floor(REPLAY_BYTES / (4 * space.size * this.#members.length));
    await this.#read(most, (member, target, values) => {
      rows[member].push(Float32Array.from(values));
      if (member === 0) targets.push(target);
    });
    return { rows, targets: Int32Array.from(targets) };
  }

  /** Replay the last places of the text, and let the members stand as before. */
  async #read(most: number, visit: (member: number, target: number, values: Float64Array) => void): Promise<void> {
    const { space, reference } = await this.#open();
    const held = await settleAll(this.#members.map((member) => member.cachedTokens()));
    // What the reference has thought by itself is nothing for the others to read.
    const thought = this.options.compat ? undefined : this.context.voices[reference].thought;
    const ids =
      thought === undefined ? held[reference] : Int32Array.from(withoutThought(Array.from(held[reference]), thought));
    const { vocabulary } = this.#members[reference];
    const counts = (id: number) => vocabulary.classOf(id) !== TokenClass.end && space.entryOf(id) >= 0;
    await replay(space, this.#members, { ids, from: Math.max(1, ids.length - most), counts }, visit);
    if (this.options.compat) return;
    await settleAll(
      this.#members.map((member, index) => member.begin({ ...promptOfTokens(held[index]), ahead: this.context.ahead })),
    );
  }

  #distributionOf(space: MinedSpace, index: number): Float64Array {
    if (this.#distributions[index].length < space.size) this.#distributions[index] = new Float64Array(space.size);
    const values = this.#distributions[index];
    space.gather(index, this.#members[index].output, values);
    let largest = Number.NEGATIVE_INFINITY;
    for (let entry = 0; entry < space.size; entry++) if (values[entry] > largest) largest = values[entry];
    let sum = 0;
    for (let entry = 0; entry < space.size; entry++) sum += values[entry] = Math.exp(values[entry] - largest);
    for (let entry = 0; entry < space.size; entry++) values[entry] /= sum;
    return values;
  }

  #conclude(space: MinedSpace, fused: FusedValues): number {
    const { probabilities } = fused;
    const endEntry = standForEnds(probabilities, space.ends, this.context.greedy);
    if (endEntry >= 0 && probabilities[endEntry] > probabilities[fused.best]) fused.best = endEntry;
    return endEntry;
  }

  /** Choose the reference and build its space, once. All members have begun. */
  #open(): Promise<{ space: MinedSpace; reference: number }> {
    this.#opened ??= this.#choose();
    return this.#opened;
  }

  async #choose(): Promise<{ space: MinedSpace; reference: number }> {
    const { compat } = this.options;
    if (this.#given < 0) {
      // By bytes: over its own tokens, a member with short ones would look better than it is.
      const losses = await ownLosses(this.context.voices);
      this.#given = losses.indexOf(Math.min(...losses));
    }
    const reference = this.#given;
    const space = await minedSpaceOf(this.#members, reference, compat);
    this.#space = space;
    if (compat) {
      const ids = await this.#members[reference].cachedTokens();
      await settleAll(
        this.#members.map(async (member, index) => {
          if (index === reference) return;
          const own = Array.from(ids, (id) => space.idOfToken(index, id));
          await member.begin({ ...promptOfTokens(own), ahead: this.context.ahead });
        }),
      );
    }
    return { space, reference };
  }
}
