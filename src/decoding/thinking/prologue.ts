/**
 * What happens between a conversation and its answer: members that think do so, each by itself, side by side or in turn
 * as the ensemble is scheduled. Then all begin the answer, each behind its own thoughts, which nobody else has read.
 */
import type { Voice } from "../../during/method.js";
import type { MemberPrompt } from "../../member/member.js";
import { MAX_SEED } from "../../random.js";
import { settleAll } from "../../settle-all.js";
import type { RenderedPrompt } from "../prompt.js";
import type { ReasoningPiece } from "../result.js";
import { Sampler } from "../sampler.js";
import type { SamplerOptions } from "../sampler-options.js";
import type { Schedule } from "../schedule.js";
import { mayThink } from "./plan.js";
import { Soliloquy, type Thought } from "./soliloquy.js";

export interface PrologueOptions {
  voices: readonly Voice[];
  rendered: readonly RenderedPrompt[];
  schedule: Schedule;
  /** Steps that the answer may take. */
  maxTokens: number;
  sampling: SamplerOptions;
  seed: number;
  signal: AbortSignal;
  /** Told of a thinker that failed; whether the others go on without it. Default: they do not. */
  survives?(error: unknown): boolean;
  /** Give the event loop a turn if it has had none for a while. */
  breathe?(): Promise<void>;
}

export class Prologue {
  /** Name → tokens decoded for thoughts, which grow while they are thought. */
  readonly tokens: Record<string, number> = {};
  readonly #options: PrologueOptions;
  /** Where in the ensemble those who may think are. */
  #thinkers: readonly number[] = [];
  #thoughts: readonly (Thought | undefined)[] = [];
  readonly #texts = new Map<string, string>();

  constructor(options: PrologueOptions) {
    this.#options = options;
    for (const { member } of options.voices) this.tokens[member.name] = 0;
  }

  /** Find the members that may think, when all have read their prompts; false where there are none. */
  findThinkers(): boolean {
    const { voices, rendered } = this.#options;
    this.#thinkers = Array.from(voices.keys()).filter((place) => {
      const thinking = rendered[place]?.thinking;
      return thinking !== undefined && mayThink(voices[place].member, thinking);
    });
    return this.#thinkers.length > 0;
  }

  /** The thoughts as they come. The members' preparations are changed. Errors: those of the members, aborted. */
  async *pieces(): AsyncGenerator<ReasoningPiece, void, void> {
    const { voices, schedule } = this.#options;
    const names = this.#thinkers.map((place) => voices[place].member.name);
    const sources = this.#thinkers.map((place) => this.#unlessFailed(this.#soliloquyOf(place).pieces()));
    const pieces = schedule === "parallel" ? sideBySide(sources) : inTurn(sources);
    for (let next = await pieces.next(); ; next = await pieces.next()) {
      if (next.done) {
        this.#thoughts = next.value;
        return;
      }
      const { source, text } = next.value;
      this.#texts.set(names[source], (this.#texts.get(names[source]) ?? "") + text);
      yield { member: names[source], text };
    }
  }

  /** The prompts that the answer begins behind. */
  get prompts(): MemberPrompt[] {
    return this.#options.rendered.map(({ prompt }, place) => {
      const thought = this.#thoughts[this.#thinkers.indexOf(place)];
      return { ...(thought?.prompt ?? prompt), reuse: true };
    });
  }

  /** Where each member's thought stands among its tokens; absent where it did not think. */
  get ranges(): (readonly [from: number, to: number] | undefined)[] {
    return this.#options.rendered.map((_, place) => {
      const thought = this.#thoughts[this.#thinkers.indexOf(place)];
      const end = thought?.prompt.tokens?.length;
      return thought === undefined || end === undefined ? undefined : [end - thought.tokens, end];
    });
  }

  async *#unlessFailed(pieces: Source): Source {
    try {
      return yield* pieces;
    } catch (error) {
      if (this.#options.survives?.(error) !== true) throw error;
      return undefined;
    }
  }

  /** What was thought so far, in the members' order; undefined where nothing was. */
  get reasoning(): Record<string, string> | undefined {
    const thought = this.#options.voices.map(({ member }) => member.name).filter((name) => this.#texts.has(name));
    return thought.length === 0 ? undefined : Object.fromEntries(thought.map((name) => [name, this.#texts.get(name)!]));
  }

  #soliloquyOf(place: number): Soliloquy {
    const { voices, rendered, maxTokens, sampling, seed, signal, breathe } = this.#options;
    const { member } = voices[place];
    const { prompt, thinking } = rendered[place];
    return new Soliloquy({
      member,
      prompt,
      plan: thinking!,
      maxTokens,
      // Of its own, so that nobody's thoughts depend on how long another one thinks.
      sampler: new Sampler({ ...sampling, seed: (seed + place + 1) % (MAX_SEED + 1) }),
      advance: async () => {
        await member.advance();
        this.tokens[member.name] += member.output.decodedTokens;
        await breathe?.();
      },
      signal,
    });
  }
}

type Source = AsyncGenerator<string, Thought | undefined, void>;
type Pieces = AsyncGenerator<{ source: number; text: string }, (Thought | undefined)[], void>;

async function* inTurn(sources: readonly Source[]): Pieces {
  const thoughts: (Thought | undefined)[] = [];
  for (const [source, pieces] of sources.entries()) {
    let next = await pieces.next();
    for (; !next.done; next = await pieces.next()) yield { source, text: next.value };
    thoughts.push(next.value);
  }
  return thoughts;
}

/** Whoever has something to say is heard first; who is not read waits with its next piece. */
async function* sideBySide(sources: readonly Source[]): Pieces {
  const thoughts: (Thought | undefined)[] = [];
  const pending = new Map<number, Promise<{ source: number; next: IteratorResult<string, Thought | undefined> }>>();
  const ask = (source: number) => {
    const asked = sources[source].next();
    pending.set(
      source,
      asked.then((next) => ({ source, next })),
    );
  };
  try {
    for (const source of sources.keys()) ask(source);
    while (pending.size > 0) {
      const { source, next } = await Promise.race(pending.values());
      pending.delete(source);
      if (next.done) {
        thoughts[source] = next.value;
        continue;
      }
      yield { source, text: next.value };
      ask(source);
    }
    return thoughts;
  } finally {
    // All members have come to rest when this ends, whatever ended it.
    await Promise.allSettled(pending.values());
    await settleAll(sources.map((source) => source.return(undefined)));
  }
}
