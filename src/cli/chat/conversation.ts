/** What has been said so far, and what of it still fits. */
import { contentText } from "../../decoding/messages.js";
import type { ChatMessage } from "../../decoding/prompt.js";

export class Conversation {
  /** What the members are told first. */
  system: string | undefined;
  #turns: ChatMessage[] = [];

  constructor(system?: string) {
    this.system = system;
  }

  /** The conversation as the members' chat templates take it. */
  get messages(): ChatMessage[] {
    return this.system === undefined ? [...this.#turns] : [{ role: "system", content: this.system }, ...this.#turns];
  }

  /** Questions that have been asked. */
  get questions(): number {
    return this.#turns.filter(({ role }) => role === "user").length;
  }

  ask(question: string): void {
    this.#turns.push({ role: "user", content: question });
  }

  /** Record the answer to the last question. Without a word of answer, the question is forgotten too. */
  answer(text: string): void {
    const content = text.trim();
    if (content === "") this.#turns.pop();
    else this.#turns.push({ role: "assistant", content });
  }

  /** Forget the oldest question with its answer, never the last question. False if nothing is left to forget. */
  dropOldest(): boolean {
    if (this.#turns.length < 3) return false;
    this.#turns.splice(0, 2);
    return true;
  }

  reset(): void {
    this.#turns = [];
  }

  /** Everything that was said, to be given to `restore`. */
  snapshot(): readonly ChatMessage[] {
    return this.messages;
  }

  /** Begin again from these messages: a system message or none, then questions, each with its answer. */
  restore(messages: readonly ChatMessage[]): void {
    const [first, ...rest] = messages;
    const hasSystem = first?.role === "system";
    this.system = hasSystem ? contentText(first) : undefined;
    this.#turns = [...(hasSystem ? rest : messages)];
  }
}
