/** What a chat is held with, and what its commands change: the conversation, the method, the options, the trace. */
import type { GenerateOptions } from "../../decoding/request.js";
import { checkSamplerOptions, SAMPLER_OPTIONS } from "../../decoding/sampler-options.js";
import { LlamafuseError, unknownName } from "../../errors.js";
import type { Answering, Company } from "../load-ensemble.js";
import { parseThinking } from "../prompt-options.js";
import { samplerFlags } from "../sampler-flags.js";
import { isRouted, withMethod } from "./change-method.js";
import type { Conversation } from "./conversation.js";

/** What /set takes: the names of the flags, with the options that they become. */
const SETTINGS: Readonly<Record<string, keyof GenerateOptions>> = {
  "max-tokens": "maxTokens",
  ...Object.fromEntries(
    SAMPLER_OPTIONS.filter((option) => option !== "dryBreakers").map((option) => [
      samplerFlags[option].slice(2),
      option,
    ]),
  ),
};

export class ChatSession {
  /** Whether answers are shown step by step, on stderr. */
  isTraced = false;
  /** Whether what members think is shown, on stderr. */
  showsThoughts = false;
  #answering: Answering;

  constructor(
    private readonly company: Pick<Company, "members" | "answering">,
    readonly conversation: Conversation,
    private options: GenerateOptions,
  ) {
    this.#answering = company.answering;
  }

  /** Who answers now. */
  get answering(): Answering {
    return this.#answering;
  }

  get requestOptions(): GenerateOptions {
    return { ...this.options, ...(this.isTraced && { trace: true }) };
  }

  /** `fused by unite`, `routed by knn` */
  get how(): string {
    return `${isRouted(this.#answering) ? "routed" : "fused"} by ${this.#answering.methodName}`;
  }

  /** Errors: those of `withMethod`; the method stays as it was. */
  async changeMethod(word: string): Promise<void> {
    this.#answering = await withMethod(this.company.members, word);
  }

  /** What members may think before they answer: "off", "private", a number of tokens, or "default". Error: invalid-option. */
  setThinking(how: string): void {
    this.options = { ...this.options, thinking: how === "default" ? undefined : parseThinking(how) };
  }

  /** Set an option, or with "default" unset it. Errors: invalid-option; nothing is changed then. */
  set(name: string, value: string): void {
    if (!Object.hasOwn(SETTINGS, name)) throw unknownName("option of /set", name, Object.keys(SETTINGS));
    const option = SETTINGS[name];
    const number = value === "default" ? undefined : Number(value);
    if (Number.isNaN(number) || value.trim() === "") {
      const message = `/set ${name} needs a number, or "default"; found ${JSON.stringify(value)}.`;
      throw new LlamafuseError("invalid-option", message, { found: value, allowed: "a number", option: name });
    }
    if (option === "maxTokens" && number !== undefined && !(Number.isSafeInteger(number) && number >= 1)) {
      const message = `max-tokens must be an integer of at least 1; found ${value}.`;
      throw new LlamafuseError("invalid-option", message, { found: number, allowed: ">= 1", option: "max-tokens" });
    }
    const options = { ...this.options, [option]: number };
    checkSamplerOptions(options);
    this.options = options;
  }

  /** The options with a value, `temperature 0.7`, a line each. */
  get settings(): string {
    const lines = Object.entries(SETTINGS).flatMap(([name, option]) => {
      const value = this.options[option];
      return value === undefined ? [] : [`${name} ${value}`];
    });
    return lines.length === 0 ? "All options have their defaults." : lines.join("\n");
  }
}
