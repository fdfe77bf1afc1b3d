/**
 * CoRE's space as its released code has it (zhichenz98/CoRE-EACL26, src/logits_processor.py): the main member's tokens.
 *
 *     p_i = softmax over the k largest logits, 0 elsewhere;   an assistant's p_i(t) is added to every main token t maps to
 *
 * so an assistant's values need not sum to 1, and are not made to. Released map "unite": the main token with the same text
 * (`▁` and `Ġ` alike), else the first sub-token of the text. The main member keeps its token, the assistants tokenise the text
 * anew. Here the released code's fused values are normalised (core.ts), which changes no greedy choice.
 */
import { settleAll } from "../../../settle-all.js";
import type { AlignedStep, Alignment } from "../../alignments/alignment.js";
import { standForEnds } from "../../alignments/published-feedback.js";
import { textsOf } from "../../alignments/published-strings.js";
import { UpToDate } from "../../alignments/up-to-date.js";
import type { MethodContext } from "../../method.js";

/** An assistant's token and a main token that it maps to. */
export type TokenPair = readonly [assistant: number, main: number];

/** The k likeliest tokens of a model; equal logits to the k-th stay too, as in the released comparison. */
export interface ReleasedTop {
  ids: ArrayLike<number>;
  logits: ArrayLike<number>;
  count: number;
}

/** Each model's distribution over the main vocabulary. `maps`: undefined for main. */
export class ReleasedSpace {
  readonly #targets: (Map<number, number[]> | undefined)[];

  constructor(
    readonly size: number,
    maps: readonly (readonly TokenPair[] | undefined)[],
  ) {
    this.#targets = maps.map((pairs) => {
      if (pairs === undefined) return undefined;
      const targets = new Map<number, number[]>();
      for (const [assistant, main] of pairs) targets.set(assistant, [...(targets.get(assistant) ?? []), main]);
      return targets;
    });
  }

  fill(model: number, { ids, logits, count }: ReleasedTop, out: Float64Array): void {
    out.fill(0, 0, this.size);
    let greatest = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < count; at++) greatest = Math.max(greatest, logits[at]);
    let sum = 0;
    for (let at = 0; at < count; at++) sum += Math.exp(logits[at] - greatest);
    const targets = this.#targets[model];
    for (let at = 0; at < count; at++) {
      const probability = Math.exp(logits[at] - greatest) / sum;
      for (const entry of targets === undefined ? [ids[at]] : (targets.get(ids[at]) ?? [])) out[entry] += probability;
    }
  }
}

export class ReleasedCoreAlignment implements Alignment {
  readonly #upToDate: UpToDate;
  readonly #distributions: Float64Array[];
  #space: Promise<ReleasedSpace> | undefined;

  constructor(
    private readonly context: MethodContext,
    private readonly main: number,
    private readonly k: number,
  ) {
    const size = context.voices[main].member.vocabulary.size;
    this.#upToDate = new UpToDate(context);
    this.#distributions = context.voices.map(() => new Float64Array(size));
  }

  async prepare(): Promise<void> {
    const { voices, traceTop, wantsNormaliser } = this.context;
    const top = Math.max(this.k, traceTop);
    const normaliser = traceTop > 0 || wantsNormaliser;
    await settleAll(voices.map(({ member }) => member.prepare({ top, normaliser })));
  }

  async align(asked: readonly number[]): Promise<AlignedStep> {
    const { voices, greedy } = this.context;
    this.#space ??= this.#open();
    const space = await this.#space;
    await this.#upToDate.bring(asked);
    const distributions = asked.map((index) => {
      const { topIds, topLogits, topCount } = voices[index].member.output;
      const values = this.#distributions[index];
      space.fill(index, { ids: topIds, logits: topLogits, count: Math.min(this.k, topCount) }, values);
      return values;
    });
    const { vocabulary } = voices[this.main].member;
    const own = distributions[asked.indexOf(this.main)];
    const ends = vocabulary.endTokens;
    return {
      size: space.size,
      // Where main's likeliest token ends the text, main alone decides.
      endEntry: ends.find((id) => own[id] > 0 && own[id] === Math.max(...own)) ?? -1,
      distributions,
      bytesOf: (entry) => (ends.includes(entry) ? new Uint8Array() : vocabulary.bytesOf(entry)),
      conclude: (fused) => {
        const end = standForEnds(fused.probabilities, ends, greedy);
        if (end >= 0 && fused.probabilities[end] > fused.probabilities[fused.best]) fused.best = end;
        return end;
      },
    };
  }

  accept(entry: number): void {
    const { voices } = this.context;
    const { vocabulary } = voices[this.main].member;
    for (const [index, { member }] of voices.entries()) {
      if (index === this.main) member.append({ kind: "tokens", ids: [entry] });
      else if (vocabulary.endTokens.includes(entry))
        member.append({ kind: "tokens", ids: member.vocabulary.endTokens.slice(0, 1) });
      else member.append({ kind: "text", bytes: vocabulary.bytesOf(entry) });
    }
  }

  async #open(): Promise<ReleasedSpace> {
    const { voices } = this.context;
    const main = voices[this.main].member;
    const idOfText = new Map(textsOf(main.vocabulary).map((text, id) => [withSpaces(text), id]));
    const maps = await settleAll(
      voices.map(async ({ member }, index) => {
        if (index === this.main) return undefined;
        const pairs: TokenPair[] = [];
        for (const [id, text] of textsOf(member.vocabulary).entries()) {
          const spaced = withSpaces(text);
          const own = idOfText.get(spaced) ?? (await main.tokenize(Buffer.from(spaced), { addBos: false }))[0];
          if (own !== undefined) pairs.push([id, own]);
        }
        return pairs;
      }),
    );
    return new ReleasedSpace(main.vocabulary.size, maps);
  }
}

/** A token's text as text. */
function withSpaces(text: string): string {
  return text.replaceAll("▁", " ").replaceAll("Ġ", " ").replaceAll("Ċ", "\n").replaceAll("<0x0A>", "\n");
}
