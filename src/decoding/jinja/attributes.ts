/** `value.name` and `value[index]`: methods, items, and what the sandbox refuses. */
import { bind } from "./arguments.js";
import { JinjaError, unsupported } from "./errors.js";
import { formatWith } from "./format-method.js";
import { itemOf, iterate } from "./iterate.js";
import type { Machine } from "./machine.js";
import { markup } from "./markup.js";
import { equals } from "./operators.js";
import { represent } from "./print.js";
import { MISSING_STRING_METHODS, stringMethod } from "./string-methods.js";
import { Markup, Text } from "./text.js";
import {
  Attributes,
  Callable,
  Dict,
  Float,
  Namespace,
  orElse,
  Range,
  Refused,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from "./values.js";

/** They would change a value that is not the template's own. */
const CHANGES_LIST = new Set(["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"]);
const CHANGES_DICT = new Set(["clear", "pop", "popitem", "setdefault", "update"]);

/** Errors: UndefinedError where the value is undefined itself. */
export function attributeOf(value: Value, name: string, machine: Machine): Value {
  if (value instanceof Undefined) throw value.fail();
  const own = ownAttribute(value, name, machine);
  if (own !== undefined) return own;
  const item = value instanceof Dict ? value.get(new Text(name)) : undefined;
  return orElse(item, missing(value, name));
}

export function indexed(value: Value, index: Value, machine: Machine): Value {
  if (value instanceof Undefined) throw value.fail();
  // The place of a code point is found by going through the text.
  machine.budget.spend(value instanceof Text ? value.value.length / 4 : 1);
  machine.budget.reads(index);
  const item = itemOf(value, index);
  if (item !== undefined) return item;
  if (!(index instanceof Text)) return missing(value, represent(index, machine.budget).value);
  return orElse(ownAttribute(value, index.value, machine), missing(value, index.value));
}

export function missing(value: Value, name: string): Undefined {
  const label = value === null ? "None" : `${typeName(value)} object`;
  return new Undefined(`'${label}' has no attribute '${name}'`);
}

/** Without what can be got as an item. */
export function ownAttribute(value: Value, name: string, machine: Machine): Value | undefined {
  if (name.startsWith("__")) return refused(name, value);
  if (value instanceof Text) return textAttribute(value, name, machine);
  if (value instanceof Dict) return dictAttribute(value, name, machine);
  if (Array.isArray(value) && CHANGES_LIST.has(name)) return refused(name, value);
  if (Array.isArray(value) || value instanceof Tuple || value instanceof Range)
    return listAttribute(value, name, machine);
  if (value instanceof Namespace) return value.attributes.get(name);
  if (value instanceof Attributes) return value.attribute(name);
  if (value instanceof Callable) return value.attributes.get(name);
  if (value instanceof Float && name === "is_integer") return new Callable(name, () => Number.isInteger(value.value));
  if (value instanceof View && name === "mapping") throw unsupported("dict views' mapping");
  return undefined;
}

function refused(name: string, value: Value): Refused {
  return new Refused(`access to attribute '${name}' of '${typeName(value)}' object is unsafe.`);
}

function textAttribute(text: Text, name: string, machine: Machine): Value | undefined {
  if (text instanceof Markup) return markupAttribute(text, name, machine);
  const method = stringMethod(text, name, machine.budget);
  if (method !== undefined) return new Callable(name, method);
  if (MISSING_STRING_METHODS.has(name)) throw unsupported(`str.${name}`);
  if (name !== "format") return undefined;
  return new Callable(name, (args, kwargs) => formatWith(text, args, kwargs, machine, machine.budget));
}

/** Methods without arguments alone: the others would have to escape them. */
function markupAttribute(text: Markup, name: string, machine: Machine): Value | undefined {
  const method = stringMethod(text, name, machine.budget);
  return new Callable(name, (args, kwargs) => {
    if (method === undefined || args.length + kwargs.size > 0) throw unsupported(`Markup.${name}`);
    const result = method(args, kwargs);
    return result instanceof Text ? markup(result) : result;
  });
}

function dictAttribute(dict: Dict, name: string, { budget }: Machine): Value | undefined {
  if (CHANGES_DICT.has(name)) return refused(name, dict);
  if (name === "items" || name === "keys" || name === "values") {
    return new Callable(name, (args, kwargs) => {
      bind(name, [], args, kwargs);
      return new View(name, dict);
    });
  }
  if (name === "get") {
    return new Callable(name, (args, kwargs) => {
      const [key, otherwise] = bind(name, ["key", "default"], args, kwargs);
      if (key === undefined) throw new JinjaError("TypeError", "get expected at least 1 argument, got 0");
      return orElse(dict.get(key), orElse(otherwise, null));
    });
  }
  if (name === "copy") {
    return new Callable(name, () => {
      budget.items(dict.size);
      const copy = new Dict();
      for (const [key, value] of dict.entries()) copy.set(key, value);
      return copy;
    });
  }
  if (name === "fromkeys") throw unsupported("dict.fromkeys");
  return undefined;
}

function listAttribute(list: Value, name: string, machine: Machine): Value | undefined {
  if (list instanceof Tuple && list.names.includes(name)) return list.items[list.names.indexOf(name)];
  if (name === "count")
    return new Callable(
      name,
      ([sought]) => iterate(list, machine.budget).filter((item) => equals(item, sought, machine.budget)).length,
    );
  if (name === "index") {
    return new Callable(name, ([sought]) => {
      const at = iterate(list, machine.budget).findIndex((item) => equals(item, sought, machine.budget));
      if (at < 0) throw new JinjaError("ValueError", `${represent(sought, machine.budget).value} is not in list`);
      return at;
    });
  }
  if (name === "copy" && Array.isArray(list)) return new Callable(name, () => [...iterate(list, machine.budget)]);
  if (list instanceof Range && (name === "start" || name === "stop" || name === "step")) return list[name];
  return undefined;
}
