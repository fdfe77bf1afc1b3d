/** The text of a member on a server, kept here: its tokens, what it must begin with, and feedback that it does not have yet. */
import { byteKey } from "../../vocabulary/vocabulary.js";
import type { TokenTrail } from "../llama/token-trail.js";
import type { Feedback, MemberPrompt } from "../member.js";
import { RequiredText } from "../required-text.js";
import type { Server } from "./server.js";

export type Told = Exclude<Feedback, { kind: "branches" }>;

/** A text: its tokens, and what it must begin with. */
export interface At {
  tokens: readonly number[];
  atFragmentStart: boolean;
  required: RequiredText;
}

export class RemoteText {
  #required: RequiredText;
  /** Told since the last `hand`; the trail does not have it yet. */
  #queue: Told[] = [];

  constructor(
    private readonly server: Server,
    private readonly trail: TokenTrail,
  ) {
    this.#required = RequiredText.of(server.encoder.vocabulary);
  }

  get length(): number {
    return this.trail.length;
  }

  /** Without what is queued. A view, valid until the text changes. */
  get tokens(): Int32Array {
    return this.trail.tokens;
  }

  get required(): RequiredText {
    return this.#required;
  }

  get atFragmentStart(): boolean {
    return this.trail.atFragmentStart;
  }

  push(feedback: Told): void {
    this.#queue.push(feedback);
  }

  /** Become a prompt; what was queued is gone. */
  async begin(prompt: MemberPrompt, signal: AbortSignal | undefined): Promise<void> {
    this.#queue = [];
    // A prompt takes the place of the text, so that doing it twice is doing it once.
    await this.server.encoding([() => this.trail.begin(prompt)], { signal });
    this.#required = RequiredText.of(this.server.encoder.vocabulary, prompt.ahead);
  }

  /** Have the trail take what is queued; whether there was anything. */
  async hand(signal?: AbortSignal): Promise<boolean> {
    const queue = this.#queue;
    if (queue.length === 0) return false;
    // Tried first: what is not known of the tokenizer yet would break it off in the middle.
    await this.server.encoding([() => this.trail.aside(() => this.#tell(queue, this.#required))], { signal });
    this.#required = this.#tell(queue, this.#required);
    this.#queue = [];
    return true;
  }

  /** The text with more behind it; the text itself stays as it is. */
  async behind(told: readonly Told[], signal?: AbortSignal): Promise<At> {
    const look = () =>
      this.trail.aside(() => {
        const required = this.#tell(told, this.#required);
        return { tokens: Array.from(this.trail.tokens), atFragmentStart: this.trail.atFragmentStart, required };
      });
    const [at] = await this.server.encoding([look], { signal });
    return at;
  }

  /** The tokens with the queue, if each feedback is a token of its own; undefined otherwise. */
  guess(): number[] | undefined {
    if (this.#queue.length === 0 || this.trail.length === 0) return undefined;
    const { vocabulary } = this.server.encoder;
    const tokens = Array.from(this.trail.tokens);
    for (const told of this.#queue) {
      const ids = told.kind === "tokens" ? told.ids : [vocabulary.idOf(byteKey(told.bytes))];
      if (ids.some((id) => id < 0)) return undefined;
      tokens.push(...ids);
    }
    return tokens.length > this.server.contextSize ? undefined : tokens;
  }

  /** The first token of each string as the text to come, -1 for one without. */
  firstTokens(strings: readonly Uint8Array[]): Promise<number[]> {
    return this.server.encoding(strings.map((bytes) => () => this.trail.encodeNext(bytes)[0] ?? -1));
  }

  #tell(told: readonly Told[], required: RequiredText): RequiredText {
    for (const feedback of told) {
      required = required.after(feedback, this.trail.atFragmentStart);
      this.trail.append(feedback);
    }
    return required;
  }
}
