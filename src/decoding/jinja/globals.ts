/** What a template finds without being given it: Jinja's functions, and those that Hugging Face adds. */
import { asInteger, asText, bind, required } from "./arguments.js";
import { entriesOf } from "./entries.js";
import { JinjaError, unsupported } from "./errors.js";
import type { Machine } from "./machine.js";
import { EMPTY, Text } from "./text.js";
import { Attributes, Callable, Dict, Namespace, Range, type Value } from "./values.js";

/** The sandbox allows no longer one. */
const MAX_RANGE = 100_000;

/** `formatDate`: what strftime_now is to write, for a format. */
export function makeGlobals(machine: Machine, formatDate: (format: string) => string): Map<string, Value> {
  const functions: Record<string, Callable["call"]> = {
    range: (args, kwargs) => makeRange(args, kwargs),
    dict: (args, kwargs) => {
      const dict = new Dict();
      for (const [key, value] of args.length === 0 ? [] : entriesOf(args[0], machine.budget)) dict.set(key, value);
      for (const [key, value] of kwargs) dict.set(new Text(key), value);
      return dict;
    },
    namespace: (args, kwargs) => {
      const namespace = new Namespace();
      for (const [key, value] of args.length === 0 ? [] : entriesOf(args[0], machine.budget))
        namespace.attributes.set(asText(key).value, value);
      for (const [key, value] of kwargs) namespace.attributes.set(key, value);
      return namespace;
    },
    cycler: (args) => new Cycler(args),
    joiner: (args, kwargs) => {
      const [separator = new Text(", ")] = bind("joiner", ["sep"], args, kwargs);
      let used = false;
      return new Callable("joiner", () => {
        const text = used ? separator : EMPTY;
        used = true;
        return text;
      });
    },
    lipsum: () => {
      throw unsupported("the function lipsum, whose text is random,");
    },
    raise_exception: (args, kwargs) => {
      const [message] = bind("raise_exception", ["message"], args, kwargs);
      const said = required("raise_exception", "message", message);
      throw new JinjaError("TemplateError", said instanceof Text ? said.value : String(said));
    },
    strftime_now: (args, kwargs) => {
      const [format] = bind("strftime_now", ["format"], args, kwargs);
      return new Text(formatDate(asText(required("strftime_now", "format", format)).value));
    },
  };
  return new Map(Object.entries(functions).map(([name, call]) => [name, new Callable(name, call)]));
}

function makeRange(args: readonly Value[], kwargs: ReadonlyMap<string, Value>): Range {
  if (kwargs.size > 0) throw new JinjaError("TypeError", "range() takes no keyword arguments");
  if (args.length < 1 || args.length > 3)
    throw new JinjaError("TypeError", `range expected at least 1 argument, got ${args.length}`);
  const numbers = args.map(asInteger);
  const [start, stop, step = 1] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  if (step === 0) throw new JinjaError("ValueError", "range() arg 3 must not be zero");
  const size = Math.max(0, Math.ceil((stop - start) / step));
  if (size > MAX_RANGE) {
    throw new JinjaError(
      "OverflowError",
      `Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MAX_RANGE}).`,
    );
  }
  return new Range(start, step, size, stop);
}

class Cycler extends Attributes {
  readonly typeName = "Cycler";
  #place = 0;

  constructor(private readonly items: readonly Value[]) {
    super();
    if (items.length === 0) throw new JinjaError("TypeError", "at least one item has to be provided");
  }

  attribute(name: string): Value | undefined {
    if (name === "current") return this.items[this.#place];
    if (name === "next") {
      return new Callable(name, () => {
        const item = this.items[this.#place];
        this.#place = (this.#place + 1) % this.items.length;
        return item;
      });
    }
    if (name !== "reset") return undefined;
    return new Callable(name, () => {
      this.#place = 0;
      return null;
    });
  }
}
