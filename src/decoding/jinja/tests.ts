/** What can stand behind `is`. */
import { asInteger, asText } from "./arguments.js";
import { JinjaError } from "./errors.js";
import type { Machine } from "./machine.js";
import { contains, equals, isIterable, isSequence, order } from "./operators.js";
import { Markup, Text } from "./text.js";
import { Attributes, Callable, Dict, Float, numeric, typeName, Undefined, type Value } from "./values.js";

type Test = (value: Value, args: Value[], machine: Machine) => boolean;

const compared = (operator: string, holds: (sign: number) => boolean): Test => {
  return (value, [other], { budget }) => holds(order(value, other, budget, operator));
};
const [ge, gt, le, lt] = [
  compared(">=", (sign) => sign >= 0),
  compared(">", (sign) => sign > 0),
  compared("<=", (sign) => sign <= 0),
  compared("<", (sign) => sign < 0),
];
const eq: Test = (value, [other], { budget }) => equals(value, other, budget);
const ne: Test = (value, [other], { budget }) => !equals(value, other, budget);
const remainder = (value: Value, by: number): number => {
  const number = numeric(value);
  if (value instanceof Undefined) throw value.fail();
  if (number === undefined)
    throw new JinjaError("TypeError", `unsupported operand type(s) for %: '${typeName(value)}' and 'int'`);
  if (by === 0) throw new JinjaError("ZeroDivisionError", "integer modulo by zero");
  return number - Math.floor(number / by) * by;
};

export const TESTS: Record<string, Test> = {
  boolean: (value) => typeof value === "boolean",
  callable: (value) => value instanceof Callable || (value instanceof Attributes && value.call !== undefined),
  defined: (value) => !(value instanceof Undefined),
  divisibleby: (value, [by]) => remainder(value, asInteger(by)) === 0,
  escaped: (value) => value instanceof Markup,
  even: (value) => remainder(value, 2) === 0,
  false: (value) => value === false,
  float: (value) => value instanceof Float,
  in: (value, [container], { budget }) => contains(container, value, budget),
  integer: (value) => typeof value === "number",
  iterable: (value) => isIterable(value),
  lower: (value) => cased(value, (text) => text.toLowerCase()),
  mapping: (value) => value instanceof Dict,
  none: (value) => value === null,
  number: (value) => numeric(value) !== undefined,
  odd: (value) => remainder(value, 2) === 1,
  sameas: (value, [other]) => value === other,
  sequence: (value) => isSequence(value),
  string: (value) => value instanceof Text,
  true: (value) => value === true,
  undefined: (value) => value instanceof Undefined,
  upper: (value) => cased(value, (text) => text.toUpperCase()),
  ...{
    eq,
    equalto: eq,
    "==": eq,
    ne,
    "!=": ne,
    ge,
    ">=": ge,
    gt,
    greaterthan: gt,
    ">": gt,
    le,
    "<=": le,
    lt,
    lessthan: lt,
    "<": lt,
  },
};

function cased(value: Value, change: (text: string) => string): boolean {
  const { value: text } = asText(value);
  return text.toLowerCase() !== text.toUpperCase() && change(text) === text;
}
