/** The filter `tojson`, as Hugging Face defines it: Python's json.dumps with its letters kept. */
import type { Budget } from "./budget.js";
import { entriesOf } from "./entries.js";
import { JinjaError } from "./errors.js";
import { iterate } from "./iterate.js";
import { equals, order } from "./operators.js";
import { floatText, mapCharacters } from "./print.js";
import { EMPTY, Text } from "./text.js";
import { Dict, Float, Tuple, typeName, type Value } from "./values.js";

export interface JsonOptions {
  ensureAscii: boolean;
  /** What one level is indented by; undefined: all on one line. */
  indent: string | undefined;
  separators: [item: Text, key: Text];
  sortKeys: boolean;
}

/** Errors: TypeError for what JSON does not know. */
export function toJson(value: Value, options: JsonOptions, budget: Budget): Text {
  const parts: Text[] = [EMPTY];
  const put = (text: Text | string) => {
    const part = typeof text === "string" ? new Text(text) : text;
    budget.text(part.value.length);
    parts.push(part);
  };
  write(value, "\n", options, budget, put);
  return Text.join(parts);
}

type Put = (text: Text | string) => void;

function write(value: Value, line: string, options: JsonOptions, budget: Budget, put: Put): void {
  budget.spend(1);
  if (value === null || typeof value === "boolean" || typeof value === "number") put(String(value));
  else if (value instanceof Float) put(jsonFloat(value.value));
  else if (value instanceof Text) put(quoted(value, options.ensureAscii, budget));
  else if (Array.isArray(value) || value instanceof Tuple) {
    const items = iterate(value, budget);
    const writers = items.map((item) => (inner: string) => write(item, inner, options, budget, put));
    writeAll("[", writers, "]", line, options, put);
  } else if (value instanceof Dict) {
    const entries = options.sortKeys ? sorted(entriesOf(value, budget), budget) : entriesOf(value, budget);
    const writers = entries.map(([key, item]) => (inner: string) => {
      put(quoted(keyText(key), options.ensureAscii, budget));
      put(options.separators[1]);
      write(item, inner, options, budget, put);
    });
    writeAll("{", writers, "}", line, options, put);
  } else throw new JinjaError("TypeError", `Object of type ${typeName(value)} is not JSON serializable`);
}

function writeAll(
  open: string,
  writers: readonly ((line: string) => void)[],
  close: string,
  line: string,
  { indent, separators }: JsonOptions,
  put: Put,
): void {
  put(open);
  const inner = indent === undefined ? "" : line + indent;
  for (const [index, write] of writers.entries()) {
    if (index > 0) put(separators[0]);
    if (indent !== undefined) put(inner);
    write(inner);
  }
  if (indent !== undefined && writers.length > 0) put(line);
  put(close);
}

function sorted(entries: [Value, Value][], budget: Budget): [Value, Value][] {
  return entries.sort(([a], [b]) => (equals(a, b, budget) ? 0 : order(a, b, budget)));
}

function keyText(key: Value): Text {
  if (key instanceof Text) return key;
  if (key === null || typeof key === "boolean" || typeof key === "number") return new Text(String(key));
  if (key instanceof Float) return new Text(jsonFloat(key.value));
  throw new JinjaError("TypeError", `keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function jsonFloat(value: number): string {
  return Number.isFinite(value) ? floatText(value) : String(value);
}

const SHORT: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\f": "\\f",
  "\b": "\\b",
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON escapes.
const ESCAPED = /["\\\x00-\x1f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON escapes.
const NOT_ASCII = /["\\\x00-\x1f]|[^\x00-\x7f]/g;

function quoted(text: Text, ensureAscii: boolean, budget: Budget): Text {
  budget.text(text.value.length);
  const escaped = (unit: string) => SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const quote = new Text('"');
  return Text.join([quote, mapCharacters(text, ensureAscii ? NOT_ASCII : ESCAPED, budget, escaped), quote]);
}
