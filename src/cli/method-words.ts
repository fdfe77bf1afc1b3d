/** What names a method on the command line, `unite:k=20`, and its options, `-o k=20`. */
import type { MethodOptions } from "../during/methods.js";
import { LlamafuseError } from "../errors.js";

type OptionValue = string | number | boolean | number[];
export type MethodOption = [name: string, value: OptionValue];

/**
 * `NAME`, or `NAME:OPTION=VALUE,…`, and more options. Errors: invalid-option; whether names and values are right is for
 * the method to say.
 */
export function readMethod(word: string, more: readonly MethodOption[] = []): MethodOptions {
  const [, name, rest] = /^([^:]+)(?::(.+))?$/s.exec(word) ?? [];
  // A comma begins an option, or continues a list: a=1,2,b=3.
  const pairs = (rest?.split(/,(?=[^,=]+=)/) ?? []).map(optionOf);
  if (name === undefined || !pairs.every((pair) => pair !== undefined)) {
    const message = `--method needs NAME or NAME:OPTION=VALUE, such as unite:k=20; found ${JSON.stringify(word)}.`;
    throw new LlamafuseError("invalid-option", message, {
      found: word,
      allowed: "NAME:OPTION=VALUE,…",
      option: "--method",
    });
  }
  return { ...nestedOptions([...pairs, ...more]), name } as MethodOptions;
}

/** What --method and --option say together; undefined where both are absent. */
export function methodOptions(method: string | undefined, options: readonly MethodOption[] = []) {
  return method === undefined && options.length === 0 ? undefined : readMethod(method ?? "unite", options);
}

/** A parser for commander: one method, once. */
export function onlyMethod(text: string, previous?: string): string {
  if (previous === undefined) return text;
  throw new LlamafuseError(
    "invalid-option",
    `--method was given twice, ${previous} and ${text}. Name one; "llamafuse eval" compares several.`,
    { found: [previous, text], allowed: 1, option: "--method" },
  );
}

/** `NAME=VALUE`; undefined for other texts. */
function optionOf(text: string): MethodOption | undefined {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  return name === undefined || name === "name" ? undefined : [name, parseValue(value)];
}

/** A parser for commander: every NAME=VALUE of a repeated option. */
export function collectOption(text: string, previous: readonly MethodOption[] = []): MethodOption[] {
  const option = optionOf(text);
  if (option !== undefined) return [...previous, option];
  const message = `--option needs NAME=VALUE, such as --option k=10; found ${JSON.stringify(text)}.`;
  throw new LlamafuseError("invalid-option", message, { found: text, allowed: "NAME=VALUE", option: "--option" });
}

/** Options by name; `alignment.k=20` belongs to the part `alignment`, which `alignment=top-union` names. */
export function nestedOptions(options: readonly MethodOption[]): Record<string, unknown> {
  const nested: Record<string, unknown> = {};
  const part = (name: string) => {
    const known = nested[name];
    return isPart(known) ? known : known === undefined ? {} : { name: known };
  };
  for (const [name, value] of options) {
    const [, outer, inner] = /^([^.]+)\.(.+)$/.exec(name) ?? [];
    if (outer !== undefined) nested[outer] = { ...part(outer), [inner]: value };
    else nested[name] = isPart(nested[name]) ? { ...part(name), name: value } : value;
  }
  return nested;
}

function isPart(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && !Array.isArray(value);
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** `true` and `false` are booleans, what reads as a decimal number or several, `1,2`, is that, the rest is text. */
export function parseValue(text: string): OptionValue {
  if (text === "true" || text === "false") return text === "true";
  const parts = text.split(",");
  if (!parts.every((part) => DECIMAL.test(part))) return text;
  return parts.length === 1 ? Number(text) : parts.map(Number);
}
