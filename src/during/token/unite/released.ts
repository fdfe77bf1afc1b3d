/**
 * UniTE's strings as its released code has them (starrYYxuan/UniTE, unite2.py and unite3.py), defects included:
 * - a string is a token's text with `▁` as `Ġ`, and `<0x0A>` and `Ċ` as the two characters "/n";
 * - a string that a member's top k lacks takes the logit of the token with this text (SentencePiece families look for it
 *   with `▁`), unless there is none or its id is 0; then that of the first sub-token;
 * - outside the SentencePiece families, a token that already stands for another string gives the logit 0;
 * - the first member appends its own token for the winner, which may be the winner's first sub-token only; the others
 *   tokenise the first one's text anew.
 *
 * The released loop never ends before its token limit. Here a winning end token of the first member ends the text. The
 * released top k may hold control tokens; a member's top (see Preparation) holds text and end tokens.
 */
import type { Member } from "../../../member/member.js";
import { TokenClass } from "../../../vocabulary/vocabulary.js";
import { standForEnds } from "../../alignments/published-feedback.js";
import { textsOf } from "../../alignments/published-strings.js";
import type { TopUnion } from "../../alignments/top-union/candidates.js";
import type { TopKeys } from "../../alignments/top-union/keys.js";
import type { FusedValues } from "../../rules/rule.js";

/** What the rule asks of a model. */
export interface ReleasedModel {
  /** Whether the released code takes its name for one of a SentencePiece family (llama2, mistral, deepseek, openchat). */
  isSentencePiece: boolean;
  /** A first sub-token that is passed over: 28705 for openchat, -1 for all others (the released skips never happen). */
  skippedSubToken: number;
  textOf(id: number): string;
  /** The token with this text, or -1. */
  idOf(text: string): number;
  tokenize(text: string): ArrayLike<number> | Promise<ArrayLike<number>>;
  logitsOf(ids: readonly number[]): ArrayLike<number> | Promise<ArrayLike<number>>;
}

export class ReleasedKeys implements TopKeys {
  /** Key → string. */
  readonly strings: string[] = [];
  readonly #keyOfString = new Map<string, number>();
  /** For each model, key → the token that stands for it: this step's for its own top k, for good where it was sought. */
  readonly #ownIds: Map<number, number>[];
  readonly #soughtIds: Map<number, number>[];

  constructor(
    private readonly models: readonly ReleasedModel[],
    private readonly members: readonly Member[] = [],
    private readonly greedy = true,
  ) {
    this.#ownIds = models.map(() => new Map());
    this.#soughtIds = models.map(() => new Map());
  }

  static of(members: readonly Member[], greedy: boolean): ReleasedKeys {
    return new ReleasedKeys(members.map(modelOf), members, greedy);
  }

  /** The token that stands for a key in a model, in the step that was fused last. */
  idOf(model: number, key: number): number {
    return this.#ownIds[model].get(key) ?? this.#soughtIds[model].get(key) ?? -1;
  }

  /** The keys of a model's own top k in the step that was fused last, best first. */
  ownKeys(model: number): number[] {
    return [...this.#ownIds[model].keys()];
  }

  add(union: TopUnion, model: number, id: number, logit: number): void {
    if (union.size === 0) for (const ids of this.#ownIds) ids.clear();
    const string = this.models[model].textOf(id).replaceAll("▁", "Ġ").replaceAll("<0x0A>", "/n").replaceAll("Ċ", "/n");
    const key = this.#intern(string);
    // A second token with the same string replaces the first, as in a Python dict.
    this.#ownIds[model].set(key, id);
    union.settle(model, union.add(key), logit);
  }

  async complete(union: TopUnion, model: number): Promise<void> {
    const open: number[] = [];
    for (let entry = 0; entry < union.size; entry++) if (!union.isSettled(model, entry)) open.push(entry);
    if (open.length === 0) return;
    const ids: number[] = [];
    for (const entry of open) ids.push(await this.#seek(model, union.keys[entry]));
    const logits = await this.models[model].logitsOf(ids);
    const taken = new Set(this.#ownIds[model].values());
    for (const [place, entry] of open.entries()) {
      const isDuplicate = !this.models[model].isSentencePiece && taken.has(ids[place]);
      taken.add(ids[place]);
      union.settle(model, entry, isDuplicate ? 0 : logits[place]);
    }
  }

  endEntryOf(): number {
    return -1;
  }

  bytesOf(key: number): Uint8Array {
    const [first] = this.members;
    return first.vocabulary.bytesOf(this.idOf(0, key));
  }

  conclude(union: TopUnion, fused: FusedValues): number {
    const { probabilities } = fused;
    const [first] = this.members;
    const ends: number[] = [];
    for (let entry = 0; entry < union.size; entry++) {
      if (first?.vocabulary.classOf(this.idOf(0, union.keys[entry])) === TokenClass.end) ends.push(entry);
    }
    const endEntry = standForEnds(probabilities, ends, this.greedy);
    if (endEntry >= 0 && probabilities[endEntry] > probabilities[fused.best]) fused.best = endEntry;
    return endEntry;
  }

  accept(key: number): void {
    const [first, ...others] = this.members;
    const id = this.idOf(0, key);
    first.append({ kind: "tokens", ids: [id] });
    for (const member of others) member.append({ kind: "text", bytes: first.vocabulary.bytesOf(id) });
  }

  /** The token that stands for a string that the model did not propose. */
  async #seek(model: number, key: number): Promise<number> {
    const known = this.#soughtIds[model].get(key);
    if (known !== undefined) return known;
    const { isSentencePiece, skippedSubToken, idOf, tokenize } = this.models[model];
    const string = this.strings[key];
    const space = isSentencePiece ? "▁" : "Ġ";
    // An empty string stands for the family's space token.
    const text = string === "" ? space : isSentencePiece ? string.replaceAll("Ġ", "▁") : string;
    let id = idOf(text);
    if (id <= 0) id = Array.from(await tokenize(text)).find((subToken) => subToken !== skippedSubToken) ?? 0;
    this.#soughtIds[model].set(key, id);
    return id;
  }

  #intern(string: string): number {
    const known = this.#keyOfString.get(string);
    if (known !== undefined) return known;
    this.strings.push(string);
    this.#keyOfString.set(string, this.strings.length - 1);
    return this.strings.length - 1;
  }
}

function modelOf(member: Member): ReleasedModel {
  const ids = new Map(textsOf(member.vocabulary).map((text, id) => [text, id]));
  return {
    isSentencePiece: member.vocabulary.kind === "spm",
    skippedSubToken: -1,
    textOf: (id) => member.vocabulary.textOf(id),
    idOf: (text) => ids.get(text) ?? -1,
    tokenize: (text) => member.tokenize(Buffer.from(text, "utf8"), { parseSpecial: true, addBos: false }),
    logitsOf: async (wanted) => (await member.lookup(wanted)).map(({ logit }) => logit),
  };
}
