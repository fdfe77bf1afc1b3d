/** What Python's operators do with a template's values. */
import type { Budget } from "./budget.js";
import { JinjaError, unsupported } from "./errors.js";
import { formatPercent } from "./format-percent.js";
import { iterate, lengthOf } from "./iterate.js";
import { escaped, markup } from "./markup.js";
import { Markup, Text } from "./text.js";
import {
  Dict,
  Float,
  Generator,
  integer,
  isWhole,
  numeric,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from "./values.js";

export function isTrue(value: Value): boolean {
  if (value === null || value === false || value instanceof Undefined) return false;
  if (value instanceof Text) return value.value !== "";
  const number = numeric(value);
  if (number !== undefined) return number !== 0;
  return lengthOf(value) !== 0;
}

export function equals(a: Value, b: Value, budget: Budget): boolean {
  budget.spend(1);
  if (a === b) return true;
  if (a instanceof Text) {
    if (!(b instanceof Text) || a.value.length !== b.value.length) return false;
    budget.reads(a);
    return a.value === b.value;
  }
  const [left, right] = [numeric(a), numeric(b)];
  if (left !== undefined || right !== undefined) return left === right;
  if (a instanceof Undefined) return b instanceof Undefined;
  if (a instanceof Tuple && b instanceof Tuple) return sameItems(a.items, b.items, budget);
  if (Array.isArray(a) && Array.isArray(b)) return sameItems(a, b, budget);
  if (a instanceof Range && b instanceof Range) return sameItems(iterate(a, budget), iterate(b, budget), budget);
  if (a instanceof Dict && b instanceof Dict) {
    if (a.size !== b.size) return false;
    budget.items(a.size);
    return a.entries().every(([key, value]) => {
      budget.reads(key);
      const other = b.get(key);
      return other !== undefined && equals(value, other, budget);
    });
  }
  return a === b;
}

function sameItems(a: readonly Value[], b: readonly Value[], budget: Budget): boolean {
  return a.length === b.length && a.every((item, index) => equals(item, b[index], budget));
}

/** Negative, 0 or positive. Errors: TypeError where Python cannot order them. */
export function order(a: Value, b: Value, budget: Budget, operator = "<"): number {
  budget.spend(1);
  const [left, right] = [numeric(a), numeric(b)];
  if (left !== undefined && right !== undefined) return left - right;
  if (a instanceof Text && b instanceof Text) {
    // Read unit by unit, not in words.
    budget.spend(Math.min(a.value.length, b.value.length) / 8);
    return compareStrings(a.value, b.value);
  }
  if (a instanceof Undefined) throw a.fail();
  if (b instanceof Undefined) throw b.fail();
  const lists =
    Array.isArray(a) && Array.isArray(b)
      ? [a, b]
      : a instanceof Tuple && b instanceof Tuple
        ? [a.items, b.items]
        : undefined;
  if (lists !== undefined) {
    for (const [index, item] of lists[0].entries()) {
      if (index === lists[1].length) return 1;
      if (!equals(item, lists[1][index], budget)) return order(item, lists[1][index], budget, operator);
    }
    return lists[0].length - lists[1].length;
  }
  throw new JinjaError(
    "TypeError",
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

/** By code points. */
function compareStrings(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    if (a[at] === b[at]) continue;
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
    if (isSurrogate(left) !== isSurrogate(right)) return isSurrogate(left) ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

/** `item in container` */
export function contains(container: Value, item: Value, budget: Budget): boolean {
  if (container instanceof Text) {
    if (item instanceof Undefined)
      throw new JinjaError("TypeError", "'in <string>' requires string as left operand, not Undefined");
    if (!(item instanceof Text))
      throw new JinjaError("TypeError", `'in <string>' requires string as left operand, not ${typeName(item)}`);
    budget.text(container.value.length);
    return container.value.includes(item.value);
  }
  budget.reads(item);
  if (container instanceof Dict) return container.has(item);
  if (container instanceof View && container.kind === "keys") return container.dict.has(item);
  let items: readonly Value[];
  try {
    items = iterate(container, budget);
  } catch (error) {
    if (!(error instanceof JinjaError) || error.name !== "TypeError") throw error;
    throw new JinjaError("TypeError", `argument of type '${typeName(container)}' is not iterable`);
  }
  budget.spend(items.length);
  return items.some((one) => equals(one, item, budget));
}

export function binary(operator: string, a: Value, b: Value, budget: Budget): Value {
  if (operator === "%" && a instanceof Text && !(a instanceof Markup) && !(b instanceof Undefined))
    return formatPercent(a, b, budget);
  if (a instanceof Undefined) throw a.fail();
  if (b instanceof Undefined) throw b.fail();
  if (a instanceof Markup || b instanceof Markup) {
    if (operator !== "+" || !(a instanceof Text && b instanceof Text))
      throw unsupported("calculating with escaped text");
    return markup(add(escaped(a, budget), escaped(b, budget), budget) as Text);
  }
  const [left, right] = [numeric(a), numeric(b)];
  if (left !== undefined && right !== undefined) return calculate(operator, left, right, isWhole(a) && isWhole(b));
  if (operator === "+") return add(a, b, budget);
  if (operator === "*") {
    if (isWhole(b)) return repeat(a, Number(b), budget);
    if (isWhole(a)) return repeat(b, Number(a), budget);
  }
  throw wrongOperands(operator, a, b);
}

function wrongOperands(operator: string, a: Value, b: Value): JinjaError {
  const shown = operator === "**" ? "** or pow()" : operator;
  return new JinjaError("TypeError", `unsupported operand type(s) for ${shown}: '${typeName(a)}' and '${typeName(b)}'`);
}

function add(a: Value, b: Value, budget: Budget): Value {
  if (a instanceof Text) {
    if (!(b instanceof Text))
      throw new JinjaError("TypeError", `can only concatenate str (not "${typeName(b)}") to str`);
    budget.text(a.value.length + b.value.length);
    return Text.join([a, b]);
  }
  if (Array.isArray(a)) {
    if (!Array.isArray(b))
      throw new JinjaError("TypeError", `can only concatenate list (not "${typeName(b)}") to list`);
    budget.items(a.length + b.length);
    return [...a, ...b];
  }
  if (a instanceof Tuple) {
    if (!(b instanceof Tuple))
      throw new JinjaError("TypeError", `can only concatenate tuple (not "${typeName(b)}") to tuple`);
    budget.items(a.items.length + b.items.length);
    return new Tuple([...a.items, ...b.items]);
  }
  throw wrongOperands("+", a, b);
}

function repeat(value: Value, times: number, budget: Budget): Value {
  const count = Math.max(0, times);
  if (value instanceof Text) {
    budget.text(value.value.length * count);
    if (!value.isContent) return new Text(value.value.repeat(count));
    return Text.join([new Text(""), ...Array.from({ length: count }, () => value)]);
  }
  if (!Array.isArray(value) && !(value instanceof Tuple)) throw wrongOperands("*", value, times);
  const items = Array.isArray(value) ? value : value.items;
  budget.items(items.length * count);
  const repeated = Array.from({ length: items.length * count }, (_, index) => items[index % items.length]);
  return Array.isArray(value) ? repeated : new Tuple(repeated);
}

function calculate(operator: string, a: number, b: number, isInteger: boolean): Value {
  const result = (value: number) => (isInteger ? integer(value) : new Float(value));
  const divide = (what: string) => {
    if (b === 0) throw new JinjaError("ZeroDivisionError", what);
  };
  switch (operator) {
    case "+":
      return result(a + b);
    case "-":
      return result(a - b);
    case "*":
      return result(a * b);
    case "/":
      divide(isInteger ? "division by zero" : "float division by zero");
      return new Float(a / b);
    case "//":
      divide(isInteger ? "integer division or modulo by zero" : "float floor division by zero");
      return result(Math.floor(a / b));
    case "%":
      divide(isInteger ? "integer modulo by zero" : "float modulo");
      return result(a - Math.floor(a / b) * b);
    default:
      if (a === 0 && b < 0) throw new JinjaError("ZeroDivisionError", "0.0 cannot be raised to a negative power");
      return isInteger && b >= 0 ? integer(a ** b) : new Float(a ** b);
  }
}

export function negative(value: Value, sign: 1 | -1): Value {
  if (value instanceof Undefined) throw value.fail();
  const number = numeric(value);
  if (number === undefined)
    throw new JinjaError("TypeError", `bad operand type for unary ${sign < 0 ? "-" : "+"}: '${typeName(value)}'`);
  return isWhole(value) ? integer(sign * number) : new Float(sign * number);
}

export function isSequence(value: Value): boolean {
  return (
    value instanceof Text ||
    Array.isArray(value) ||
    value instanceof Tuple ||
    value instanceof Dict ||
    value instanceof Range ||
    value instanceof Undefined
  );
}

export function isIterable(value: Value): boolean {
  return isSequence(value) || value instanceof View || value instanceof Generator;
}
