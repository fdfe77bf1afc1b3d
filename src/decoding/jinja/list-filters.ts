/** Filters that go through values. */
import { asInteger, asText, bind, required } from "./arguments.js";
import { missing, ownAttribute } from "./attributes.js";
import { entriesOf } from "./entries.js";
import { JinjaError } from "./errors.js";
import type { Filter } from "./filters.js";
import { iterate, lengthOf } from "./iterate.js";
import type { Machine } from "./machine.js";
import { binary, equals, isTrue, order } from "./operators.js";
import { toText } from "./print.js";
import { joined } from "./string-methods.js";
import { EMPTY, Text } from "./text.js";
import { Dict, Generator, isWhole, orElse, Tuple, typeName, Undefined, type Value, View } from "./values.js";

/** `list|map(attribute="a.b.0")` */
function picker(
  attribute: Value | undefined,
  machine: Machine,
  ignoreCase = false,
  otherwise?: Value,
): (item: Value) => Value {
  const path =
    attribute === undefined || attribute === null
      ? []
      : isWhole(attribute)
        ? [Number(attribute)]
        : asText(attribute)
            .value.split(".")
            .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return (item) => {
    let value = item;
    for (const part of path) {
      value = machine.item(value, typeof part === "number" ? part : new Text(part));
      if (otherwise !== undefined && value instanceof Undefined) value = otherwise;
    }
    if (!ignoreCase || !(value instanceof Text)) return value;
    machine.budget.reads(value);
    return value.become(value.value.toLowerCase());
  };
}

const chooser =
  (keep: boolean, byAttribute: boolean): Filter =>
  (input, args, kwargs, machine) => {
    const rest = [...args];
    const name = byAttribute ? "selectattr" : "select";
    const pick = byAttribute ? picker(required(name, "attribute", rest.shift()), machine) : (item: Value) => item;
    const test = rest.shift();
    const holds = (item: Value) =>
      test === undefined ? isTrue(item) : machine.test(asText(test).value, item, rest, kwargs);
    return new Generator(() =>
      isTrue(input) ? iterate(input, machine.budget).filter((item) => holds(pick(item)) === keep) : [],
    );
  };

const extreme =
  (sign: 1 | -1): Filter =>
  (input, args, kwargs, machine) => {
    const [sensitive, attribute] = bind("max", ["case_sensitive", "attribute"], args, kwargs);
    const items = iterate(input, machine.budget);
    if (items.length === 0) return new Undefined("No aggregated item, sequence was empty.");
    const pick = picker(attribute, machine, sensitive === undefined || !isTrue(sensitive));
    return items.reduce((best, item) =>
      sign * order(pick(item), pick(best), machine.budget, sign > 0 ? ">" : "<") > 0 ? item : best,
    );
  };

const length: Filter = (input, _, __, { budget }) => {
  const count = lengthOf(input);
  if (count === undefined) throw new JinjaError("TypeError", `object of type '${typeName(input)}' has no len()`);
  budget.spend(1 + (input instanceof Text ? input.value.length / 16 : 0));
  return count;
};

const fallback: Filter = (input, args, kwargs) => {
  const [otherwise, boolean] = bind("default", ["default_value", "boolean"], args, kwargs);
  const isMissing = input instanceof Undefined || (boolean !== undefined && isTrue(boolean) && !isTrue(input));
  return isMissing ? orElse(otherwise, EMPTY) : input;
};

/** Stable, by an ordering that Python would refuse where it does. */
function sorted(items: readonly Value[], key: (item: Value) => Value, reverse: boolean, machine: Machine): Value[] {
  machine.budget.spend(items.length * Math.ceil(Math.log2(items.length + 2)));
  const sign = reverse ? -1 : 1;
  return items
    .map((item) => ({ item, key: key(item) }))
    .sort((a, b) => (equals(a.key, b.key, machine.budget) ? 0 : sign * order(a.key, b.key, machine.budget)))
    .map(({ item }) => item);
}

export const LIST_FILTERS: Record<string, Filter> = {
  attr: (input, [name], _, machine) => {
    if (input instanceof Undefined) throw input.fail();
    const attribute = asText(name).value;
    return orElse(ownAttribute(input, attribute, machine), missing(input, attribute));
  },
  batch: (input, args, kwargs, { budget }) => {
    const [size, fill] = bind("batch", ["linecount", "fill_with"], args, kwargs);
    const count = asInteger(required("batch", "linecount", size));
    const items = iterate(input, budget);
    if (count < 1) throw new JinjaError("ValueError", "batch of less than one item");
    const rows: Value[][] = [];
    for (let at = 0; at < items.length; at += count) rows.push(items.slice(at, at + count));
    const last = rows.at(-1);
    if (last !== undefined && fill !== undefined && fill !== null) {
      budget.items(count);
      while (last.length < count) last.push(fill);
    }
    return new Generator(() => rows);
  },
  count: length,
  d: fallback,
  default: fallback,
  dictsort: (input, args, kwargs, machine) => {
    const [sensitive, by, reverse] = bind("dictsort", ["case_sensitive", "by", "reverse"], args, kwargs);
    if (!(input instanceof Dict)) throw new JinjaError("TypeError", "dictsort needs a mapping");
    const place = by instanceof Text && by.value === "value" ? 1 : 0;
    const lower = picker(undefined, machine, sensitive === undefined || !isTrue(sensitive));
    const key = (entry: Value) => lower((entry as Tuple).items[place]);
    const entries = entriesOf(input, machine.budget).map((entry) => new Tuple(entry));
    return sorted(entries, key, reverse !== undefined && isTrue(reverse), machine);
  },
  first: (input, _, __, { budget }) => {
    const found = input instanceof Generator ? input.next() : iterate(input, budget)[0];
    return orElse(found, new Undefined("No first item, sequence was empty."));
  },
  groupby: (input, args, kwargs, machine) => {
    const [attribute, otherwise, sensitive] = bind("groupby", ["attribute", "default", "case_sensitive"], args, kwargs);
    const pick = picker(required("groupby", "attribute", attribute), machine, false, otherwise);
    const key = picker(attribute, machine, sensitive === undefined || !isTrue(sensitive), otherwise);
    const groups: { key: Value; items: Value[] }[] = [];
    for (const item of sorted(iterate(input, machine.budget), key, false, machine)) {
      const last = groups.at(-1);
      if (last !== undefined && equals(last.key, key(item), machine.budget)) last.items.push(item);
      else groups.push({ key: key(item), items: [item] });
    }
    return groups.map(({ items }) => new Tuple([pick(items[0]), items], ["grouper", "list"]));
  },
  items: (input, _, __, { budget }) => {
    if (input instanceof Undefined) return new Generator(() => []);
    if (!(input instanceof Dict)) throw new JinjaError("TypeError", "Can only get item pairs from a mapping.");
    return new Generator(() => [...iterate(new View("items", input), budget)]);
  },
  join: (input, args, kwargs, machine) => {
    const [separator, attribute] = bind("join", ["d", "attribute"], args, kwargs);
    const items = iterate(input, machine.budget).map(picker(attribute, machine));
    const by = separator === undefined ? EMPTY : toText(separator, machine.budget);
    return joined(
      by,
      items.map((item) => toText(item, machine.budget)),
      machine.budget,
    );
  },
  last: (input, _, __, { budget }) => {
    if (input instanceof Generator) throw new JinjaError("TypeError", "'generator' object is not reversible");
    return orElse(iterate(input, budget).at(-1), new Undefined("No last item, sequence was empty."));
  },
  length,
  list: (input, _, __, { budget }) => [...iterate(input, budget)],
  map: (input, args, kwargs, machine) => {
    const mapped = (change: (item: Value) => Value) =>
      new Generator(() => (isTrue(input) ? iterate(input, machine.budget).map((item) => change(item)) : []));
    if (args.length === 0 && kwargs.has("attribute")) {
      const { attribute, default: otherwise, ...others } = Object.fromEntries(kwargs);
      const [unknown] = Object.keys(others);
      if (unknown !== undefined) throw new JinjaError("TypeError", `Unexpected keyword argument '${unknown}'`);
      return mapped(picker(attribute, machine, false, otherwise));
    }
    const [name, ...rest] = args;
    if (name === undefined) throw new JinjaError("TypeError", "map requires a filter argument");
    return mapped((item) => machine.filter(asText(name).value, item, rest, kwargs));
  },
  max: extreme(1),
  min: extreme(-1),
  reject: chooser(false, false),
  rejectattr: chooser(false, true),
  reverse: (input, _, __, { budget }) => {
    const reversed = [...iterate(input, budget)].reverse();
    return input instanceof Text ? Text.join([EMPTY, ...(reversed as Text[])]) : new Generator(() => reversed);
  },
  select: chooser(true, false),
  selectattr: chooser(true, true),
  slice: (input, args, kwargs, { budget }) => {
    const [slices, fill] = bind("slice", ["slices", "fill_with"], args, kwargs);
    const count = asInteger(required("slice", "slices", slices));
    const items = iterate(input, budget);
    if (count < 1) throw new JinjaError("ZeroDivisionError", "integer division or modulo by zero");
    budget.items(count);
    const [size, larger] = [Math.floor(items.length / count), items.length % count];
    return new Generator(() =>
      Array.from({ length: count }, (_, index) => {
        const start = index * size + Math.min(index, larger);
        const row = items.slice(start, start + size + (index < larger ? 1 : 0));
        return index >= larger && larger > 0 && fill !== undefined && fill !== null ? [...row, fill] : row;
      }),
    );
  },
  sort: (input, args, kwargs, machine) => {
    const [reverse, sensitive, attribute] = bind("sort", ["reverse", "case_sensitive", "attribute"], args, kwargs);
    const ignoreCase = sensitive === undefined || !isTrue(sensitive);
    const picks =
      attribute instanceof Text
        ? attribute.value.split(",").map((part) => picker(new Text(part), machine, ignoreCase))
        : [picker(attribute, machine, ignoreCase)];
    const key = (item: Value) => (picks.length === 1 ? picks[0](item) : picks.map((pick) => pick(item)));
    return sorted(iterate(input, machine.budget), key, reverse !== undefined && isTrue(reverse), machine);
  },
  sum: (input, args, kwargs, machine) => {
    const [attribute, start] = bind("sum", ["attribute", "start"], args, kwargs);
    const items = iterate(input, machine.budget).map(picker(attribute, machine));
    if (start instanceof Text) throw new JinjaError("TypeError", "sum() can't sum strings [use ''.join(seq) instead]");
    machine.budget.spend(items.length * 4);
    return items.reduce((total, item) => binary("+", total, item, machine.budget), orElse(start, 0));
  },
  unique: (input, args, kwargs, machine) => {
    const [sensitive, attribute] = bind("unique", ["case_sensitive", "attribute"], args, kwargs);
    const pick = picker(attribute, machine, sensitive === undefined || !isTrue(sensitive));
    const seen = new Dict();
    const kept = iterate(input, machine.budget).filter((item) => {
      const key = pick(item);
      machine.budget.reads(key);
      const isNew = !seen.has(key);
      seen.set(key, null);
      return isNew;
    });
    return new Generator(() => kept);
  },
};
