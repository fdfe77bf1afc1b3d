/** The values of a template: those of Python. Whole numbers are JavaScript numbers, all others are `Float`. */
import { JinjaError } from "./errors.js";
import { Markup, Text } from "./text.js";

export type Value =
  | null
  | boolean
  | number
  | Float
  | Text
  | Value[]
  | Tuple
  | Dict
  | View
  | Range
  | Generator
  | Namespace
  | Callable
  | Attributes
  | Undefined;

export class Float {
  constructor(readonly value: number) {}
}

export class Tuple {
  constructor(
    readonly items: readonly Value[],
    /** What the items can be called, too. */
    readonly names: readonly string[] = [],
  ) {}
}

/** What Python's `undefined` of Jinja is: empty where it is printed or gone through, an error where it is used. */
export class Undefined {
  constructor(readonly message: string) {}

  fail(): JinjaError {
    return new JinjaError("UndefinedError", this.message);
  }
}

/** What the sandbox keeps from templates: as undefined, but an error of its own where it is used. */
export class Refused extends Undefined {
  override fail(): JinjaError {
    return new JinjaError("SecurityError", this.message);
  }
}

/** A dictionary that keeps its order. */
export class Dict {
  readonly #entries = new Map<unknown, [Value, Value]>();

  static of(entries: Iterable<[string, Value]>): Dict {
    const dict = new Dict();
    for (const [key, value] of entries) dict.set(new Text(key), value);
    return dict;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(keyOf(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(keyOf(key));
  }

  /** A key that is there stays where it is. */
  set(key: Value, value: Value): void {
    const hash = keyOf(key);
    const known = this.#entries.get(hash);
    if (known === undefined) this.#entries.set(hash, [key, value]);
    else known[1] = value;
  }

  entries(): [Value, Value][] {
    return Array.from(this.#entries.values(), ([key, value]) => [key, value]);
  }

  keys(): Value[] {
    return Array.from(this.#entries.values(), ([key]) => key);
  }

  values(): Value[] {
    return Array.from(this.#entries.values(), ([, value]) => value);
  }
}

/** `dict.items()`, `.keys()`, `.values()`. */
export class View {
  constructor(
    readonly kind: "items" | "keys" | "values",
    readonly dict: Dict,
  ) {}

  get items(): Value[] {
    if (this.kind === "items") return this.dict.entries().map((entry) => new Tuple(entry));
    return this.kind === "keys" ? this.dict.keys() : this.dict.values();
  }
}

export class Range {
  constructor(
    readonly start: number,
    readonly step: number,
    readonly size: number,
    readonly stop: number,
  ) {}

  at(index: number): number {
    return this.start + index * this.step;
  }
}

/** What `map`, `select` and their like give: to be gone through once. */
export class Generator {
  #items: Value[] | undefined;
  #next = 0;

  /** `make` is called when the first of them is asked for, if ever. */
  constructor(private readonly make: () => Value[]) {}

  take(): Value[] {
    const items = this.#items ?? this.make();
    this.#items = [];
    return this.#next === 0 ? items : items.slice(this.#next);
  }

  /** The next one alone. */
  next(): Value | undefined {
    this.#items ??= this.make();
    return this.#items[this.#next++];
  }
}

export class Namespace {
  readonly attributes = new Map<string, Value>();
}

/** A function, macro or method. */
export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: Value[], kwargs: Map<string, Value>) => Value,
    /** What a macro tells of itself. */
    readonly attributes: ReadonlyMap<string, Value> = new Map(),
  ) {}
}

/** An object of Jinja's own with attributes that are computed: `loop`, `cycler`. */
export abstract class Attributes {
  abstract readonly typeName: string;
  abstract attribute(name: string): Value | undefined;
  /** Where it can be called. */
  call?(args: Value[], kwargs: Map<string, Value>): Value;
}

/** None is a value: what takes the place of one that is not there, and of nothing else. */
export function orElse(value: Value | undefined, otherwise: Value): Value {
  return value === undefined ? otherwise : value;
}

/** As Python calls the type. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "int";
  if (value instanceof Float) return "float";
  if (value instanceof Markup) return "Markup";
  if (value instanceof Text) return "str";
  if (Array.isArray(value)) return "list";
  if (value instanceof Tuple) return "tuple";
  if (value instanceof Dict) return "dict";
  if (value instanceof View) return `dict_${value.kind}`;
  if (value instanceof Range) return "range";
  if (value instanceof Generator) return "generator";
  if (value instanceof Namespace) return "Namespace";
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Attributes) return value.typeName;
  return "function";
}

/** Equal keys have equal hashes: 1, 1.0 and True are one key. */
function keyOf(key: Value): unknown {
  if (key instanceof Text) return `s${key.value}`;
  if (key === null) return "None";
  if (typeof key === "boolean") return Number(key);
  if (typeof key === "number") return key;
  if (key instanceof Float) return key.value;
  if (key instanceof Tuple) {
    if (key.items.some((item) => item instanceof Tuple))
      throw new JinjaError("Unsupported", "a tuple of tuples as a key is not supported here");
    return `t${JSON.stringify(key.items.map(keyOf))}`;
  }
  if (key instanceof Undefined) return "undefined";
  if (Array.isArray(key) || key instanceof Dict)
    throw new JinjaError("TypeError", `unhashable type: '${typeName(key)}'`);
  return key;
}

/** A whole number that is one in JavaScript, too. */
export function integer(value: number): number {
  if (!Number.isSafeInteger(value))
    throw new JinjaError("Unsupported", "a whole number beyond 2^53 is not supported here");
  return value === 0 ? 0 : value;
}

/** bool counts as int, as in Python. */
export function numeric(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return value instanceof Float ? value.value : undefined;
}

export function isWhole(value: Value): value is number | boolean {
  return typeof value === "number" || typeof value === "boolean";
}
