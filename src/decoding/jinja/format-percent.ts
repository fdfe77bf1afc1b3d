/** `"%s has %d" % (name, count)` */
import { type Budget, PIECE } from "./budget.js";
import { JinjaError } from "./errors.js";
import { type Format, formatNumber, formatText } from "./format-spec.js";
import { represent, toText } from "./print.js";
import { EMPTY, Text } from "./text.js";
import { Dict, Float, isWhole, numeric, Tuple, typeName, type Value } from "./values.js";

const CONVERSION = /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+))?[hlL]?([\s\S])?/g;

/** Errors: TypeError, ValueError, KeyError, as Python's. */
export function formatPercent(format: Text, argument: Value, budget: Budget): Text {
  const values = argument instanceof Tuple ? argument.items : [argument];
  let used = 0;
  const next = (): Value => {
    if (used === values.length) throw new JinjaError("TypeError", "not enough arguments for format string");
    return values[used++];
  };
  const parts: Text[] = [EMPTY];
  let at = 0;
  let usesKeys = false;
  for (const match of format.value.matchAll(CONVERSION)) {
    const [whole, key, flags, width, precision, type] = match;
    budget.spend(PIECE);
    parts.push(format.cut(at, match.index));
    at = match.index + whole.length;
    if (type === undefined) throw new JinjaError("ValueError", "incomplete format");
    if (type === "%") {
      parts.push(new Text("%"));
      continue;
    }
    if (key !== undefined) usesKeys = true;
    const count = (written: string | undefined) => (written === "*" ? Number(numeric(next())) : Number(written ?? 0));
    const [wide, exact] = [count(width), precision === undefined ? undefined : count(precision)];
    const value = key === undefined ? next() : named(argument, key);
    parts.push(convert(value, type, flags, wide, exact, budget));
  }
  const takesAll = usesKeys || argument instanceof Dict;
  if (used < values.length && !takesAll)
    throw new JinjaError("TypeError", "not all arguments converted during string formatting");
  const result = Text.join([...parts, format.cut(at)]);
  budget.text(result.value.length);
  return result;
}

function named(argument: Value, key: string): Value {
  if (!(argument instanceof Dict)) throw new JinjaError("TypeError", "format requires a mapping");
  const value = argument.get(new Text(key));
  if (value === undefined) throw new JinjaError("KeyError", `'${key}'`);
  return value;
}

function convert(
  value: Value,
  type: string,
  flags: string,
  width: number,
  precision: number | undefined,
  budget: Budget,
): Text {
  const left = flags.includes("-");
  const format: Format = {
    fill: flags.includes("0") && !left ? "0" : " ",
    align: left ? "<" : flags.includes("0") ? "=" : ">",
    sign: flags.includes("+") ? "+" : flags.includes(" ") ? " " : "-",
    alternate: flags.includes("#"),
    width,
    grouping: "",
    precision,
    type,
  };
  if (type === "s" || type === "r" || type === "a") {
    const text = type === "s" ? toText(value, budget) : represent(value, budget);
    return formatText(text, { ...format, fill: " ", align: left ? "<" : ">", type: "s" }, budget);
  }
  if (!"diuxXofFeEgGc".includes(type)) {
    throw new JinjaError(
      "ValueError",
      `unsupported format character '${type}' (0x${type.codePointAt(0)!.toString(16)})`,
    );
  }
  if (type === "c") {
    const text =
      value instanceof Text && value.length === 1
        ? value
        : isWhole(value)
          ? new Text(String.fromCodePoint(Number(value)))
          : undefined;
    if (text === undefined) throw new JinjaError("TypeError", "%c requires int or char");
    return formatText(text, { ...format, type: "s" }, budget);
  }
  const number = numeric(value);
  if (number === undefined) {
    const wanted = "diu".includes(type)
      ? `%${type} format: a real number is required`
      : "xXo".includes(type)
        ? `%${type} format: an integer is required`
        : "must be real number";
    throw new JinjaError("TypeError", `${wanted}, not ${typeName(value)}`);
  }
  if ("diu".includes(type)) return formatNumber(Math.trunc(number), { ...format, type: "d" }, budget);
  if ("xXo".includes(type)) {
    if (!isWhole(value)) throw new JinjaError("TypeError", `%${type} format: an integer is required, not float`);
    return formatNumber(Number(value), format, budget);
  }
  return formatNumber(new Float(number), format, budget);
}
