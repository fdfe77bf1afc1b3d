/**
 * Several continuations of one prompt, side by side in one llama.cpp context: each branch is a sequence, and what two of
 * them have in common lies in the cache once. Branches with new tokens are decoded in one batch.
 */
import { LlamafuseError } from "../errors.js";
import type { LlamaContext } from "../llama/context.js";
import type { Branch } from "./member.js";

/** What a context's sequence holds. */
interface Held {
  tokens: number[];
  /** How many of them are in the cache. */
  decoded: number;
  /** Behind the last decoded token. */
  logits: Float32Array;
}

export class Branches {
  /** Branch → its sequence. */
  #sequences = [0];
  readonly #held: Held[];
  readonly #promptLength: number;
  /** Whether the cache holds the prompt and nothing else. */
  isUntouched = true;

  /** The context has decoded these tokens into sequence 0, and nothing else; `logits` stand behind them. */
  constructor(
    private readonly name: string,
    private readonly context: LlamaContext,
    prompt: Int32Array,
    logits: Float32Array,
  ) {
    this.#held = Array.from({ length: context.sequences }, () => ({
      tokens: [],
      decoded: 0,
      logits: new Float32Array(context.vocabularySize),
    }));
    this.#held[0].tokens = Array.from(prompt);
    this.#held[0].decoded = prompt.length;
    this.#held[0].logits.set(logits);
    this.#promptLength = prompt.length;
  }

  /** The first branch's tokens. */
  get tokens(): Int32Array {
    return Int32Array.from(this.#held[this.#sequences[0]].tokens);
  }

  /** Whether nothing has been appended to the first branch. */
  get isAtPrompt(): boolean {
    return this.#held[this.#sequences[0]].tokens.length === this.#promptLength;
  }

  /** Each branch's logits. */
  get logits(): Float32Array[] {
    return this.#sequences.map((sequence) => this.#held[sequence].logits);
  }

  /** Put these in the place of the present ones. Errors: invalid-option. */
  replace(next: readonly Branch[]): void {
    checkBranches(this.name, next, this.#sequences.length, this.context);
    this.isUntouched = false;
    const sources = next.map(({ from }) => this.#sequences[from]);
    const free = this.#held.map((_, sequence) => sequence).filter((sequence) => !sources.includes(sequence));
    // A source's first branch stays where it is, its others move out, before either grows.
    this.#sequences = sources.map((source, branch) => {
      if (sources.indexOf(source) === branch) return source;
      const target = free.pop()!;
      const { tokens, decoded, logits } = this.#held[source];
      this.context.fork(source, target, decoded);
      const held = this.#held[target];
      held.tokens = [...tokens];
      held.decoded = decoded;
      held.logits.set(logits);
      return target;
    });
    for (const [branch, { ids }] of next.entries()) this.#held[this.#sequences[branch]].tokens.push(...ids);
  }

  /** Decode what was appended; returns the number of tokens. Errors: context-overflow, and those of a decode. */
  decode(mayContinue: () => boolean): number {
    const growing = this.#sequences.filter(
      (sequence) => this.#held[sequence].tokens.length > this.#held[sequence].decoded,
    );
    const longest = Math.max(...growing.map((sequence) => this.#held[sequence].tokens.length));
    if (longest > this.context.contextSize) {
      throw new LlamafuseError(
        "context-overflow",
        `Member "${this.name}" has reached the end of its context of ${this.context.contextSize} tokens. Raise contextSize or ask for fewer tokens.`,
        { member: this.name, found: longest, allowed: this.context.contextSize, option: "contextSize" },
      );
    }
    try {
      return this.#decodeAll(growing, mayContinue);
    } catch (error) {
      for (const sequence of growing) {
        if (this.context.rollback(this.#held[sequence].decoded, sequence)) continue;
        // A recurrent state cannot go back: the next decode reads the branch from its beginning.
        this.context.rollback(0, sequence);
        this.#held[sequence].decoded = 0;
      }
      throw error;
    }
  }

  #decodeAll(growing: readonly number[], mayContinue: () => boolean): number {
    let count = 0;
    for (const sequence of growing) {
      const { tokens, decoded } = this.#held[sequence];
      count += tokens.length - decoded;
      const before = tokens.slice(decoded, -1);
      if (before.length > 0)
        this.context.decode(Int32Array.from(before), decoded, { sequence, outputs: 0, mayContinue });
    }
    if (count === 0) return 0;
    const last = growing.map((sequence) => {
      const { tokens } = this.#held[sequence];
      return { sequence, token: tokens[tokens.length - 1], position: tokens.length - 1 };
    });
    this.context.decodeParallel(last);
    for (const [output, sequence] of growing.entries()) {
      const held = this.#held[sequence];
      held.logits.set(this.context.logits(output));
      held.decoded = held.tokens.length;
    }
    return count;
  }
}

/** LlamafuseError "invalid-option" for branches that go on from none there is, too many, or with unknown tokens. */
export function checkBranches(
  name: string,
  next: readonly Branch[],
  present: number,
  { sequences, vocabularySize }: { sequences: number; vocabularySize: number },
): void {
  const details = { member: name, option: "branches" };
  if (next.length < 1 || next.length > sequences) {
    throw new LlamafuseError(
      "invalid-option",
      `Member "${name}" was given ${next.length} branches but is prepared for 1 to ${sequences}. Prepare it for as many as you need.`,
      { ...details, found: next.length, allowed: `1 … ${sequences}` },
    );
  }
  for (const { from, ids } of next) {
    if (!(Number.isInteger(from) && from >= 0 && from < present)) {
      throw new LlamafuseError(
        "invalid-option",
        `A branch of member "${name}" continues branch ${from}, which does not exist. Branches: 0 … ${present - 1}.`,
        { ...details, found: from, allowed: `0 … ${present - 1}` },
      );
    }
    const bad = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabularySize));
    if (bad === undefined) continue;
    throw new LlamafuseError(
      "invalid-option",
      `Token id ${bad} is outside the vocabulary of member "${name}" (0 … ${vocabularySize - 1}).`,
      { ...details, found: bad, allowed: `0 … ${vocabularySize - 1}` },
    );
  }
}

/** What a member with branches, or without, says to feedback of the other kind. */
export function wrongFeedback(name: string, kind: string, hasBranches: boolean): LlamafuseError {
  const message = hasBranches
    ? `Member "${name}" is prepared for branches and accepts only feedback of the kind "branches", not "${kind}".`
    : `Member "${name}" is not prepared for branches. Prepare it with branches: 2 or more before it begins.`;
  return new LlamafuseError("invalid-option", message, { member: name, found: kind, option: "branches" });
}

/** Prompts are scored, and texts looked ahead in, as one text. */
export function readsNoBranches(name: string): LlamafuseError {
  const message = `Member "${name}" is prepared for branches and can neither score a prompt nor look ahead. Prepare it without branches first.`;
  return new LlamafuseError("invalid-option", message, { member: name, option: "branches" });
}
