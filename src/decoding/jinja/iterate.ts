/** Going through values, as Python's iter(), len() and indexing do. */
import type { Budget } from "./budget.js";
import { JinjaError } from "./errors.js";
import { Text } from "./text.js";
import { Dict, Generator, isWhole, Range, Tuple, typeName, Undefined, type Value, View } from "./values.js";

/** What stands in a value, in order. Errors: TypeError for what cannot be gone through. */
export function iterate(value: Value, budget: Budget): readonly Value[] {
  const count = lengthOf(value);
  if (count !== undefined) budget.items(count);
  if (Array.isArray(value)) return value;
  if (value instanceof Tuple) return value.items;
  if (value instanceof Dict) return value.keys();
  if (value instanceof View) return value.items;
  if (value instanceof Text) return value.characters();
  if (value instanceof Range) return Array.from({ length: value.size }, (_, index) => value.at(index));
  if (value instanceof Generator) {
    const items = value.take();
    budget.items(items.length);
    return items;
  }
  if (value instanceof Undefined) return [];
  throw new JinjaError("TypeError", `'${typeName(value)}' object is not iterable`);
}

/** Undefined where a value has none. */
export function lengthOf(value: Value): number | undefined {
  if (value instanceof Text) return value.length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof View) return value.dict.size;
  if (value instanceof Dict || value instanceof Range) return value.size;
  return value instanceof Undefined ? 0 : undefined;
}

/** `value[index]`; undefined where there is nothing. */
export function itemOf(value: Value, index: Value): Value | undefined {
  if (value instanceof Dict) return index instanceof Dict || Array.isArray(index) ? undefined : value.get(index);
  if (!isWhole(index)) return undefined;
  const length = value instanceof Dict ? 0 : lengthOf(value);
  if (length === undefined) return undefined;
  const place = Number(index) < 0 ? length + Number(index) : Number(index);
  if (place < 0 || place >= length) return undefined;
  if (value instanceof Text) {
    const at = value.unitAt(place);
    return value.cut(at, at + (value.value.codePointAt(at)! > 0xffff ? 2 : 1));
  }
  if (value instanceof Range) return value.at(place);
  if (Array.isArray(value)) return value[place];
  return value instanceof Tuple ? value.items[place] : undefined;
}

/** `value[start:stop:step]`. Errors: TypeError, ValueError for a step of 0. */
export function sliceOf(value: Value, bounds: readonly Value[], budget: Budget): Value {
  if (value instanceof Undefined) throw value.fail();
  const isSliceable = value instanceof Text || Array.isArray(value) || value instanceof Tuple || value instanceof Range;
  if (!isSliceable) throw new JinjaError("TypeError", `'${typeName(value)}' object is not subscriptable`);
  budget.reads(value);
  const places = slicePlaces(lengthOf(value) as number, bounds, budget);
  if (value instanceof Text) {
    const isSolid = places.every((place, index) => index === 0 || place === places[index - 1] + 1);
    if (places.length === 0) return new Text("");
    if (isSolid) return value.cut(value.unitAt(places[0]), value.unitAt(places[places.length - 1] + 1));
    budget.items(value.value.length);
    const characters = value.characters();
    return Text.join([new Text(""), ...places.map((place) => characters[place])]);
  }
  const items = iterate(value, budget);
  const chosen = places.map((place) => items[place]);
  return value instanceof Tuple ? new Tuple(chosen) : chosen;
}

function slicePlaces(length: number, bounds: readonly Value[], budget: Budget): number[] {
  const [start, stop, step] = bounds.map((bound) => {
    if (bound === null || isWhole(bound)) return bound === null ? undefined : Number(bound);
    throw new JinjaError("TypeError", "slice indices must be integers or None or have an __index__ method");
  });
  const by = step ?? 1;
  if (by === 0) throw new JinjaError("ValueError", "slice step cannot be zero");
  const [low, high] = by > 0 ? [0, length] : [-1, length - 1];
  const within = (bound: number | undefined, otherwise: number) =>
    bound === undefined ? otherwise : Math.min(high, Math.max(low, bound < 0 ? bound + length : bound));
  const [from, to] = by > 0 ? [within(start, 0), within(stop, length)] : [within(start, length - 1), within(stop, -1)];
  const count = Math.max(0, Math.ceil((to - from) / by));
  budget.items(count);
  return Array.from({ length: count }, (_, index) => from + index * by);
}
