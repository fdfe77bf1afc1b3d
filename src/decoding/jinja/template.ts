/**
 * Jinja as chat templates use it, and as Python's jinja2 renders it with the settings of Hugging Face's transformers:
 * trim_blocks, lstrip_blocks, loop controls, `{% generation %}`, `tojson` with its letters kept, raise_exception,
 * strftime_now, and a sandbox in which nothing that is given can be changed.
 *
 * What differs from other engines in JavaScript or WebAssembly: every character of what is rendered knows whether the
 * template wrote it (text.ts), and no template can run for long or grow large (budget.ts). What Python can do and this
 * cannot is an error with that name ("Unsupported"), never other text.
 */
import { Budget } from "./budget.js";
import { JinjaError } from "./errors.js";
import type { Statement } from "./nodes.js";
import { parseTemplate } from "./parser.js";
import { renderStatements } from "./render.js";
import { Text } from "./text.js";
import { Dict, Float, type Value } from "./values.js";

/** The largest seen have 40 kB. */
const MAX_SOURCE = 200_000;

export class JinjaTemplate {
  readonly #program: readonly Statement[];

  /** Errors: JinjaError. */
  constructor(source: string) {
    if (source.length > MAX_SOURCE)
      throw new JinjaError("BudgetExceeded", `it has more than ${MAX_SOURCE.toLocaleString("en")} characters`);
    this.#program = withoutOverflow(() => parseTemplate(source));
  }

  /** `budget`: several renderings can share one. Errors: JinjaError. */
  render(
    variables: ReadonlyMap<string, Value>,
    formatDate: (format: string) => string,
    budget = new Budget([...variables.values()]),
  ): Text {
    return withoutOverflow(() => renderStatements(this.#program, variables, formatDate, budget));
  }
}

/** JSON → a template's value. `content`: whether its strings are from outside (see text.ts). */
export function toValue(data: unknown, content: boolean): Value {
  if (data === null || typeof data === "boolean") return data;
  if (typeof data === "number") return Number.isSafeInteger(data) ? data : new Float(data);
  if (typeof data === "string") return content ? Text.content(data) : new Text(data);
  if (Array.isArray(data)) return data.map((item) => toValue(item, content));
  if (typeof data === "object") {
    const entries = Object.entries(data as Record<string, unknown>).filter(([, value]) => value !== undefined);
    const dict = new Dict();
    for (const [key, value] of entries) dict.set(content ? Text.content(key) : new Text(key), toValue(value, content));
    return dict;
  }
  throw new JinjaError("TypeError", `a template cannot be given a ${typeof data}`);
}

/** The depth that is left on the stack depends on who calls. */
function withoutOverflow<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new JinjaError("RecursionError", "maximum recursion depth exceeded");
    throw error;
  }
}
