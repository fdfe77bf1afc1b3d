/** What a chat is held with, and what its commands change: the conversation, the method, the options, the trace. */
import type { GenerateOptions } from "../../decoding/request.js";
import { checkSamplerOptions, SAMPLER_OPTIONS } from "../../decoding/sampler-options.js";
import { checkStopStrings } from "../../decoding/stop-rules.js";
import { LlamafuseError, unknownName } from "../../errors.js";
import type { Answering, Company } from "../load-ensemble.js";
import { parseThinking } from "../prompt-options.js";
import { samplerFlags } from "../sampler-flags.js";
import { manner, withMethod } from "./change-method.js";
import type { Conversation } from "./conversation.js";

/** What /set takes of numbers: the names of the flags, with the options that they become. */
const SETTINGS: Readonly<Record<string, keyof GenerateOptions>> = {
  "max-tokens": "maxTokens",
  ...Object.fromEntries(
    SAMPLER_OPTIONS.filter((option) => option !== "dryBreakers").map((option) => [
      samplerFlags[option].slice(2),
      option,
    ]),
  ),
};

/** What /set takes of words. */
const WORDS: Readonly<Record<string, (value: string) => GenerateOptions>> = {
  stop: (value) => {
    checkStopStrings([value]);
    return { stop: [value] };
  },
  thinking: (value) => ({ thinking: parseThinking(value) }),
  speculation: (value) => {
    if (value === "auto" || value === "off") return { speculation: value === "auto" && value };
    const message = `/set speculation takes auto, off or default; found ${JSON.stringify(value)}.`;
    throw new LlamafuseError("invalid-option", message, { found: value, allowed: "auto, off", option: "speculation" });
  },
};
const NAMES = ["max-tokens", ...Object.keys(WORDS), ...Object.keys(SETTINGS).slice(1)];

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

  /** `fused by unite`, `routed by knn`, `selected by mbr`, `asked in turn by mot` */
  get how(): string {
    return `${manner(this.#answering)} by ${this.#answering.methodName}`;
  }

  /** Errors: those of `withMethod`; the method stays as it was. */
  async changeMethod(word: string): Promise<void> {
    this.#answering = await withMethod(this.company.members, word);
  }

  /** Set an option, or with "default" unset it. Errors: invalid-option; nothing is changed then. */
  set(name: string, value: string): void {
    if (name === "healing") {
      const message = "healing continues a prompt that is a text; a chat has none.";
      throw new LlamafuseError("invalid-option", message, { option: name, allowed: NAMES });
    }
    if (Object.hasOwn(WORDS, name)) {
      this.options = { ...this.options, ...(value === "default" ? { [name]: undefined } : WORDS[name](value)) };
      return;
    }
    if (!Object.hasOwn(SETTINGS, name)) throw unknownName("option of /set", name, NAMES);
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
    checkBeside(name, value, options, this.options);
    this.options = options;
  }

  /** The options with a value, `temperature 0.7`, a line each. */
  get settings(): string {
    const lines = Object.entries(SETTINGS).flatMap(([name, option]) => {
      const value = this.options[option];
      return value === undefined ? [] : [`${name} ${value}`];
    });
    const { stop, thinking, speculation } = this.options;
    if (stop !== undefined && stop.length > 0)
      lines.push(
        `stop ${[stop]
          .flat()
          .map((text) => JSON.stringify(text))
          .join(" ")}`,
      );
    if (thinking !== undefined) lines.push(`thinking ${typeof thinking === "object" ? thinking.budget : thinking}`);
    if (speculation !== undefined) lines.push(`speculation ${speculation === false ? "off" : speculation}`);
    return lines.length === 0 ? "All options have their defaults." : lines.join("\n");
  }
}

/** Errors: invalid-option; where a value does not go with what was set before, it says what to unset. */
function checkBeside(name: string, value: string, options: GenerateOptions, before: GenerateOptions): void {
  try {
    checkSamplerOptions(options);
  } catch (error) {
    const other = error instanceof LlamafuseError ? (error.details.option as keyof GenerateOptions) : undefined;
    const [flag] = Object.entries(SETTINGS).find(([, option]) => option === other) ?? [];
    if (flag === undefined || flag === name || other === undefined || before[other] === undefined) throw error;
    const message = `${name} ${value} does not go with ${flag} ${String(before[other])}, which was set before. Type /set ${flag} default first.`;
    throw new LlamafuseError("invalid-option", message, { found: value, option: name }, error);
  }
}
