/**
 * One member thinks by itself before the answer: it is read on behind its prompt, token by token, until its thought has
 * ended and the answer is what comes next. It then begins the answer with the tokens that it has written.
 *
 * - Whether it thinks is its own choice: its likeliest tokens spell what begins a thought (or the template has begun
 *   one). The tokens of a thought are drawn as those of an answer are, by the request's sampler and a seed of its own.
 * - A thought ends with its closing mark; where the member ends its turn instead, or the budget is used up, the mark is
 *   written for it.
 * - What a member writes between thought and answer (blank lines, gpt-oss's next header) belongs to neither.
 */
import type { FusedDistribution, MethodContext } from "../../during/method.js";
import { LlamafuseError } from "../../errors.js";
import type { Member, MemberPrompt } from "../../member/member.js";
import { byteKey } from "../../vocabulary/vocabulary.js";
import { AnswerText } from "../answer-text.js";
import type { Sampler } from "../sampler.js";
import { MarkedRun, MarkTokens } from "./marked-run.js";
import type { Marks } from "./marks.js";
import { agree, beginnings, type ThinkingPlan } from "./plan.js";
import { ShownThought } from "./shown-thought.js";

/** White space that a member may write before a thought, and between thought and answer, in tokens. */
const MOST_BLANKS = 4;
/** Tokens that a closing mark and what stands before an answer need. */
const CLOSING_TOKENS = 16;

export interface Soliloquist {
  member: Member;
  prompt: MemberPrompt;
  plan: ThinkingPlan;
  /** Steps that the answer may take. */
  maxTokens: number;
  sampler: Sampler;
  /** Bring the member up to date. */
  advance(): Promise<void>;
  signal: AbortSignal;
}

/** What the answer begins behind; undefined where the member does not think. */
export interface Thought {
  prompt: MemberPrompt;
  /** Tokens behind the prompt: the thought, its marks and what stands before the answer. */
  tokens: number;
}

/** A mark was read, and `rest` of the thought in the same token. Without `open`, the answer begins. */
interface Beginning {
  open?: Marks;
  rest: string;
}

export class Soliloquy {
  readonly #asked: Soliloquist;
  readonly #marks: MarkTokens;
  readonly #run: MarkedRun;
  readonly #shown = new ShownThought();
  /** Tokens of the thought so far. */
  #tokens = 0;

  constructor(asked: Soliloquist) {
    this.#asked = asked;
    this.#marks = MarkTokens.of(asked.member.vocabulary, asked.plan.marks);
    this.#run = new MarkedRun(contextOf(asked), this.#marks.ids);
  }

  /** The pieces of the thought as they come, then what the answer begins behind. Errors: those of the member, aborted. */
  async *pieces(): AsyncGenerator<string, Thought | undefined, void> {
    const { member, prompt, plan, signal } = this.#asked;
    await this.#run.prepare();
    const { promptTokens } = await member.begin({ ...prompt, reuse: true }, signal);
    const budget = Math.min(plan.budget, this.#room(promptTokens));
    let next: Beginning | undefined = plan.opened && { open: plan.opened, rest: "" };
    next ??= await this.#beginning(budget);
    if (next === undefined) return undefined;
    while (next?.open !== undefined) {
      const open: Marks = next.open;
      const isClosed: boolean = yield* this.#thought(next, open, budget);
      if (!isClosed) this.#write(closingOf(open));
      next = isClosed ? await this.#passage(open) : undefined;
    }
    const ids = Array.from(await member.cachedTokens());
    return { prompt: { ...prompt, tokens: ids }, tokens: ids.length - promptTokens };
  }

  /** Tokens of thought that leave the answer the steps that it may take, or half of what there is. */
  #room(promptTokens: number): number {
    const { member, maxTokens } = this.#asked;
    const free = member.contextSize - promptTokens;
    return Math.max(0, free - CLOSING_TOKENS - Math.min(maxTokens, free >> 1));
  }

  /** Read on while the likeliest tokens spell the beginning of a thought. Undefined where they turn out to be none. */
  async #beginning(budget: number): Promise<Beginning | undefined> {
    const known = beginnings(this.#asked.plan.marks);
    let said = "";
    for (let blanks = 0; ; ) {
      const { entry, text } = await this.#likeliest();
      if (text === undefined) return undefined;
      const now = (said + text).trimStart();
      if (now === "" && ++blanks > MOST_BLANKS) return undefined;
      const fitting = known.filter((each) => agree(now, each.text));
      if (fitting.length === 0) return undefined;
      const answer = fitting.find(({ open }) => open?.answer !== undefined)?.open?.answer;
      if (budget === 0 && now !== "" && answer !== undefined) {
        // What stands before an answer takes the place of what stands before a thought.
        this.#write(answer);
        return { rest: "" };
      }
      this.#run.accept(entry);
      said = now;
      const whole = fitting.find((each) => now.startsWith(each.text));
      if (whole !== undefined) return { open: whole.open, rest: now.slice(whole.text.length) };
    }
  }

  /** Write the thought; says whether its closing mark was reached. */
  async *#thought({ rest }: Beginning, { close }: Marks, budget: number): AsyncGenerator<string, boolean, void> {
    const text = new AnswerText([close]);
    const lead = this.#shown.push(text.push(Buffer.from(rest, "latin1")));
    if (lead !== "") yield lead;
    const mark = Buffer.from(close).toString("latin1");
    let said = "";
    while (this.#tokens < budget && !text.stopped) {
      this.#checkpoint();
      const distribution = await this.#run.step();
      const entry = this.#asked.sampler.choose(distribution);
      if (entry === distribution.endEntry) break;
      const bytes = distribution.bytesOf(entry).slice();
      said = said.slice(1 - mark.length) + byteKey(bytes);
      const at = said.indexOf(mark);
      const behind = at < 0 ? "" : said.slice(at + mark.length);
      // A token that holds the mark and the answer's first letters is written without these.
      if (behind.trim() === "") this.#run.accept(entry);
      else this.#asked.member.append({ kind: "piece", bytes: bytes.subarray(0, bytes.length - behind.length) });
      this.#tokens++;
      const shown = this.#shown.push(text.push(bytes));
      if (shown !== "") yield shown;
    }
    const last = this.#shown.push(text.finish());
    if (last !== "") yield last;
    this.#shown.separate();
    return text.stopped;
  }

  /** From a closed thought to the answer, or to the next thought. */
  async #passage({ answer, turn = "" }: Marks): Promise<Beginning | undefined> {
    if (answer === undefined) {
      for (let blanks = 0; blanks < MOST_BLANKS; blanks++) {
        const { entry, text } = await this.#likeliest();
        if (text === undefined || text.trim() !== "") return undefined;
        this.#run.accept(entry);
      }
      return undefined;
    }
    const known = beginnings(this.#asked.plan.marks);
    const expected = [...known, ...known.map((each) => ({ ...each, text: turn + each.text }))];
    const kept = Array.from(await this.#asked.member.cachedTokens());
    for (let said = ""; ; ) {
      const { entry, text } = await this.#likeliest();
      const now = said + (text ?? "");
      const fitting = text === undefined ? [] : expected.filter((each) => agree(now, each.text));
      if (fitting.length === 0) {
        // The answer comes without its header, or what looked like one was none.
        if (said !== "") await this.#goBack(kept);
        return undefined;
      }
      this.#run.accept(entry);
      said = now;
      const whole = fitting.find((each) => now.startsWith(each.text));
      if (whole !== undefined) return { open: whole.open, rest: now.slice(whole.text.length) };
    }
  }

  async #goBack(ids: readonly number[]): Promise<void> {
    const { member, prompt, signal } = this.#asked;
    await member.begin({ ...prompt, tokens: ids, reuse: true }, signal);
  }

  /** What the member would write next; no text where it would end. */
  async #likeliest(): Promise<{ entry: number; text?: string }> {
    this.#checkpoint();
    const distribution: FusedDistribution = await this.#run.step();
    const entry = distribution.best;
    if (entry === distribution.endEntry) return { entry };
    return { entry, text: byteKey(distribution.bytesOf(entry)) };
  }

  #checkpoint(): void {
    const { signal } = this.#asked;
    if (signal.aborted) throw new LlamafuseError("aborted", "Thinking was cancelled.", {}, signal.reason);
  }

  #write(text: string): void {
    this.#marks.write(this.#asked.member, text);
  }
}

/** With what stands before the answer, which an open thought has kept from being written. */
function closingOf({ closing, answer = "", turn = "" }: Marks): string {
  return closing.includes(answer) ? closing : closing + turn + answer;
}

function contextOf({ member, sampler, advance }: Soliloquist): MethodContext {
  return { voices: [{ member, weight: 1 }], greedy: sampler.greedy, traceTop: 0, advance };
}
