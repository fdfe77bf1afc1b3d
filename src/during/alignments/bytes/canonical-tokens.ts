/**
 * Which sequences of tokens a member's tokenizer would write itself. A token t behind a is taken if the tokenizer, given the
 * bytes of the last few tokens and t, ends with a and t.
 *
 * In byte pair encoding a sequence is what the tokenizer writes if every two neighbours are (Vieira and others, "From
 * Language Models over Tokens to Language Models over Characters", arXiv 2412.03719, and Hayase and others, arXiv
 * 2506.14123); splitting into words before that is seen as far as the last few tokens show it. Bytes that are no UTF-8 yet
 * cannot be tokenised and are taken.
 */

import { isUtf8 } from "node:buffer";
import type { Member } from "../../../member/member.js";
import { ROOT } from "../../../vocabulary/byte-trie.js";
import { type Hypothesis, idsOf } from "./byte-beam.js";

/** Tokens before the one in question that are tokenised with it. */
const WINDOW = 4;
/** Pairs remembered; beyond so many, the old ones are forgotten. */
const MAX_PAIRS = 1 << 18;

const known = new WeakMap<Member, Map<number, boolean>>();

export class CanonicalTokens {
  /** The end of the prompt. */
  #prompt: readonly number[] = [];

  private constructor(
    private readonly member: Member,
    /** a · vocabulary size + t → whether t can follow a. */
    private readonly pairs: Map<number, boolean>,
  ) {}

  static of(member: Member): CanonicalTokens {
    // All slots of a model are that model.
    const model = member.slots?.[0] ?? member;
    let pairs = known.get(model);
    if (pairs === undefined) known.set(model, (pairs = new Map()));
    return new CanonicalTokens(member, pairs);
  }

  begin(prompt: readonly number[]): void {
    this.#prompt = prompt.slice(-WINDOW);
  }

  /** Those hypotheses whose last token can be where it is. */
  async keep(hypotheses: readonly Hypothesis[]): Promise<readonly Hypothesis[]> {
    const kept: Hypothesis[] = [];
    for (const hypothesis of hypotheses) if (await this.#isCanonical(hypothesis)) kept.push(hypothesis);
    return kept;
  }

  #isCanonical({ sequence, node }: Hypothesis): boolean | Promise<boolean> {
    const before = sequence.parent?.token ?? -1;
    // What is pending is not finished, and what has been read was taken before.
    if (node !== ROOT || sequence.masses !== undefined || sequence.token < 0) return true;
    const key = before * this.member.vocabulary.size + sequence.token;
    const answer = this.pairs.get(key);
    if (answer !== undefined) return answer;
    return this.#ask([...this.#prompt, ...idsOf(sequence, WINDOW + 1)].slice(-WINDOW - 1)).then((canonical) => {
      if (this.pairs.size >= MAX_PAIRS) this.pairs.clear();
      if (before >= 0) this.pairs.set(key, canonical);
      return canonical;
    });
  }

  async #ask(ids: readonly number[]): Promise<boolean> {
    const { vocabulary } = this.member;
    const text = Buffer.concat(ids.map((id) => vocabulary.bytesOf(id)));
    if (!isUtf8(text)) return true;
    const found = await this.member.tokenize(text);
    // The first tokens may hang on what was before them, or on a space that the tokenizer puts there.
    const compared = ids.length > 2 ? 2 : 1;
    return ids.slice(-compared).every((id, index) => found.at(index - compared) === id);
  }
}
