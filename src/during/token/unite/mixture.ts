/**
 * UniTE's rule as Kamichanw/Mixture-model-like-Ensemble ported it (src/token_mapping.py, merge_topk_probs): GaC's
 * published strings, exact probabilities, and GaC's feedback.
 *
 *     p_i(s) ∝ Σ_{t: string(t) = s} p_i(t), or p_i(first token of s as fed back) if no token of member i is s
 *
 * Ties go to the string that comes first in the whole union dictionary.
 */

import type { Member } from "../../../member/member.js";
import { logSumExp } from "../../../statistics.js";
import { PublishedMembers, standForEnds } from "../../alignments/published-feedback.js";
import {
  type PublishedFeedback,
  type PublishedUnion,
  publishedBytes,
  publishedTokenIds,
} from "../../alignments/published-strings.js";
import type { TopUnion } from "../../alignments/top-union/candidates.js";
import type { TopKeys } from "../../alignments/top-union/keys.js";
import type { FusedValues } from "../../rules/rule.js";

/** What the rule asks of a model beside its place in the union. */
export interface MixtureModel {
  feedback: PublishedFeedback;
  logitsOf(ids: readonly number[]): ArrayLike<number> | Promise<ArrayLike<number>>;
}

/** Keys are the entries of the union dictionary. */
export class MixtureKeys implements TopKeys {
  /** For each model, key → the tokens whose probabilities add up for it. */
  readonly #idsOfKey: Map<number, readonly number[]>[];

  constructor(
    private readonly dictionary: PublishedUnion,
    private readonly models: readonly MixtureModel[],
    private readonly published?: PublishedMembers,
    private readonly greedy = true,
  ) {
    this.#idsOfKey = models.map(() => new Map());
  }

  static of(members: readonly Member[], greedy: boolean): MixtureKeys {
    const published = new PublishedMembers(members);
    const models = members.map((member, index) => ({
      feedback: published.feedbacks[index],
      logitsOf: async (ids: readonly number[]) => (await member.lookup(ids)).map(({ logit }) => logit),
    }));
    return new MixtureKeys(published.union, models, published, greedy);
  }

  add(union: TopUnion, model: number, id: number): void {
    union.add(this.dictionary.maps[model][id]);
  }

  /** Every value is settled here: a token in the top k may share its string with one that is not. */
  async complete(union: TopUnion, model: number): Promise<void> {
    const ids: (readonly number[])[] = [];
    for (let entry = 0; entry < union.size; entry++) ids.push(await this.#idsOf(model, union.keys[entry]));
    const logits = await this.models[model].logitsOf(ids.flat());
    let at = 0;
    for (const [entry, { length }] of ids.entries()) {
      const own = Array.from({ length }, (_, place) => logits[at + place]);
      at += length;
      union.settle(model, entry, logSumExp(own));
    }
  }

  endEntryOf(): number {
    return -1;
  }

  bytesOf(key: number): Uint8Array {
    return this.published?.isEnd(key) ? new Uint8Array() : publishedBytes(this.dictionary.strings[key]);
  }

  conclude(union: TopUnion, fused: FusedValues): number {
    const { probabilities } = fused;
    const ends: number[] = [];
    let winner = fused.best;
    for (let entry = 0; entry < union.size; entry++) {
      if (this.published?.isEnd(union.keys[entry])) ends.push(entry);
      if (probabilities[entry] === probabilities[winner] && union.keys[entry] < union.keys[winner]) winner = entry;
    }
    const endEntry = standForEnds(probabilities, ends, this.greedy);
    if (endEntry >= 0 && probabilities[endEntry] > probabilities[winner]) winner = endEntry;
    fused.best = winner;
    return endEntry;
  }

  accept(key: number): void | Promise<void> {
    return this.published?.accept(key);
  }

  async #idsOf(model: number, key: number): Promise<readonly number[]> {
    let ids = this.#idsOfKey[model].get(key);
    if (ids === undefined) {
      ids = this.dictionary.idsOf(model, key);
      if (ids.length === 0)
        ids = (await publishedTokenIds(this.dictionary.strings[key], this.models[model].feedback)).slice(0, 1);
      this.#idsOfKey[model].set(key, ids);
    }
    return ids;
  }
}
