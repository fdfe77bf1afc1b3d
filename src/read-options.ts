/**
 * What a caller hands over, read once and before anything depends on it: a misspelt option, a getter that throws and a
 * proxy end in a LlamafuseError, and nobody can change the options of a request that is under way.
 */
import { LlamafuseError, unknownName } from "./errors.js";

/** Every key of the options, for the check; TypeScript misses a key that is left out. */
export type OptionNames<Options> = Record<keyof Options, true>;

/**
 * A plain copy of the options. `what`: as in `Unknown option of createEnsemble "shedule"`.
 * Errors: invalid-option for no object, for a key that is not among the known ones, and for a getter that throws.
 */
export function readOptions<Options extends object>(
  what: string,
  given: unknown,
  known: OptionNames<Options>,
  example = "{ … }",
): Options {
  return guarded(`The options of ${what}`, () => {
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      throw new LlamafuseError(
        "invalid-option",
        `The options of ${what} must be an object, as ${example}; found ${shown(given)}.`,
        { found: shown(given), allowed: "an object" },
      );
    }
    const names = Object.keys(known);
    for (const key of Object.keys(given)) {
      if (!names.includes(key)) throw unknownName(`option of ${what}`, key, names);
    }
    const options: Record<string, unknown> = {};
    for (const name of names) {
      const value = (given as Record<string, unknown>)[name];
      if (value !== undefined) options[name] = value;
    }
    return options as Options;
  });
}

/** Errors: invalid-option for what is neither absent nor an AbortSignal. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || (signal instanceof AbortSignal && typeof signal.aborted === "boolean")) return;
  refuse("signal", signal, "an AbortSignal, such as new AbortController().signal");
}

/** Errors: invalid-option for what is neither absent nor true or false. */
export function checkSwitch(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== "boolean") refuse(option, value, "true or false");
}

/** A plain copy of an object; `what`: as errors call it. Errors: invalid-option for anything else, and a getter that throws. */
export function readPlain<Plain extends object>(what: string, given: Plain, allowed = "an object: { … }"): Plain {
  return guarded(what, () => {
    if (typeof given !== "object" || given === null || Array.isArray(given)) refuse(what, given, allowed);
    return { ...given };
  });
}

/** Errors: invalid-option unless the argument is what it must be, whatever it does when it is looked at. */
export function checkArgument(what: string, value: unknown, allowed: string, holds: () => boolean): void {
  guarded(what, () => {
    if (!holds()) refuse(what, value, allowed);
  });
}

/** Error: invalid-option unless it is a text. */
export function checkText(what: string, value: unknown, allowed = "a text"): void {
  if (typeof value !== "string") refuse(what, value, allowed);
}

/** Error: invalid-option unless it is a list of texts. */
export function checkTexts(what: string, value: unknown): void {
  checkArgument(what, value, "a list of texts", () => {
    return Array.isArray(value) && Array.from(value).every((text) => typeof text === "string");
  });
}

/** What takes long can be cancelled and watched. Errors: invalid-option. */
export function checkWatching({ signal, onProgress }: { signal?: unknown; onProgress?: unknown }): void {
  checkSignal(signal);
  if (onProgress !== undefined && typeof onProgress !== "function") refuse("onProgress", onProgress, "a function");
}

/** LlamafuseError "invalid-option": `${option} is ${value}; allowed is ${allowed}.` */
export function refuse(option: string, value: unknown, allowed: string): never {
  throw new LlamafuseError("invalid-option", `${option} is ${shown(value)}; allowed is ${allowed}.`, {
    option,
    found: shown(value),
    allowed,
  });
}

/** Read what a caller gave; what it throws on the way becomes a LlamafuseError "invalid-option". */
export function guarded<Value>(what: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof LlamafuseError) throw error;
    throw new LlamafuseError("invalid-option", `${what} cannot be read: ${messageOf(error)}.`, {}, error);
  }
}

const LONGEST = 80;

/** A value in one short line, whatever it is. */
export function shown(value: unknown): string {
  try {
    if (typeof value === "string") return shortened(JSON.stringify(value));
    if (typeof value === "function") return "a function";
    if (value === null || typeof value !== "object") return String(value);
    return shortened(JSON.stringify(value, firstOf) ?? Object.prototype.toString.call(value));
  } catch {
    return typeof value;
  }
}

/** Of a long list no more than is shown, and of packed numbers their kind. */
function firstOf(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Object.prototype.toString.call(value);
  return Array.isArray(value) && value.length > LONGEST ? value.slice(0, LONGEST) : value;
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

function messageOf(error: unknown): string {
  try {
    const { message } = error as Partial<Error>;
    return String(message ?? error).replace(/\.$/, "");
  } catch {
    return "an error without a message";
  }
}
