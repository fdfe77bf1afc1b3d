/** What a function, filter or method was called with, against the parameters that it has. */
import { JinjaError } from "./errors.js";
import { Text } from "./text.js";
import { isWhole, numeric, typeName, Undefined, type Value } from "./values.js";

/** The values of these parameters, by place or by name; undefined where not given. Errors: TypeError. */
export function bind(
  name: string,
  parameters: readonly string[],
  args: readonly Value[],
  kwargs: ReadonlyMap<string, Value>,
): (Value | undefined)[] {
  if (args.length > parameters.length) {
    throw new JinjaError("TypeError", `${name}() takes ${parameters.length} arguments but ${args.length} were given`);
  }
  for (const key of kwargs.keys()) {
    const place = parameters.indexOf(key);
    if (place < 0) throw new JinjaError("TypeError", `${name}() got an unexpected keyword argument '${key}'`);
    if (place < args.length) throw new JinjaError("TypeError", `${name}() got multiple values for argument '${key}'`);
  }
  return parameters.map((parameter, index) => (index < args.length ? args[index] : kwargs.get(parameter)));
}

export function required(name: string, parameter: string, value: Value | undefined): Value {
  if (value !== undefined) return value;
  throw new JinjaError("TypeError", `${name}() missing 1 required positional argument: '${parameter}'`);
}

export function asText(value: Value): Text {
  if (value instanceof Text) return value;
  if (value instanceof Undefined) throw value.fail();
  throw new JinjaError("TypeError", `expected str, got ${typeName(value)}`);
}

export function asInteger(value: Value): number {
  if (isWhole(value)) return Number(value);
  if (value instanceof Undefined) throw value.fail();
  throw new JinjaError("TypeError", `'${typeName(value)}' object cannot be interpreted as an integer`);
}

export function asNumber(value: Value): number {
  const number = numeric(value);
  if (number !== undefined) return number;
  if (value instanceof Undefined) throw value.fail();
  throw new JinjaError("TypeError", `must be real number, not ${typeName(value)}`);
}
