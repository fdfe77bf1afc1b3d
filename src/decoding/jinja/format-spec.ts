/** Numbers and padding, for `%` and `str.format`. */
import type { Budget } from "./budget.js";
import { JinjaError, unsupported } from "./errors.js";
import { floatText } from "./print.js";
import { codePoints, Text } from "./text.js";
import { Float, numeric, typeName, type Value } from "./values.js";

export interface Format {
  fill: string;
  align: "<" | ">" | "^" | "=" | "";
  sign: "+" | "-" | " ";
  alternate: boolean;
  width: number;
  grouping: "," | "_" | "";
  precision: number | undefined;
  type: string;
}

const SPEC = /^(?:([\s\S])?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/u;

/** Python's format specification mini-language. Errors: ValueError. */
export function readFormat(spec: string): Format {
  const found = SPEC.exec(spec);
  if (found === null) throw new JinjaError("ValueError", `Invalid format specifier '${spec}'`);
  const [, fill, align, sign, alternate, zero, width, grouping, precision, type] = found;
  return {
    fill: fill ?? (zero && align === undefined ? "0" : " "),
    align: (align ?? (zero ? "=" : "")) as Format["align"],
    sign: (sign ?? "-") as Format["sign"],
    alternate: alternate !== undefined,
    width: Number(width ?? 0),
    grouping: (grouping ?? "") as Format["grouping"],
    precision: precision === undefined ? undefined : Number(precision),
    type: type ?? "",
  };
}

/** `format(value, spec)` of a text. */
export function formatText(text: Text, format: Format, budget: Budget): Text {
  if (format.type !== "" && format.type !== "s")
    throw new JinjaError("ValueError", `Unknown format code '${format.type}' for object of type 'str'`);
  const { precision } = format;
  const cut = precision !== undefined && precision < text.length ? text.cut(0, text.unitAt(precision)) : text;
  return pad(cut, format.width, format.fill, format.align || "<", budget);
}

/** `format(value, spec)` of a number. Errors: ValueError, Unsupported. */
export function formatNumber(value: Value, format: Format, budget: Budget): Text {
  const number = numeric(value);
  if (number === undefined)
    throw new JinjaError("TypeError", `unsupported format string passed to ${typeName(value)}.__format__`);
  const negative = number < 0 || Object.is(number, -0);
  const digits = digitsOf(Math.abs(number), format, value instanceof Float);
  const sign = negative ? "-" : format.sign === "-" ? "" : format.sign;
  const grouped =
    format.grouping === ""
      ? digits
      : digits.replace(/^\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, format.grouping));
  if (format.align !== "=")
    return pad(new Text(sign + grouped), format.width, format.fill, format.align || ">", budget);
  const rest = format.width - sign.length;
  return new Text(sign + pad(new Text(grouped), rest, format.fill, ">", budget).value);
}

function digitsOf(value: number, { type, precision, alternate }: Format, isFloat: boolean): string {
  const places = precision ?? 6;
  if (places > 100) throw unsupported(`a precision of ${places}`);
  switch (type) {
    case "":
      if (precision !== undefined) return general(value, places);
      return isFloat ? floatText(value) : String(value);
    case "d":
    case "n":
      if (isFloat) throw new JinjaError("ValueError", `Unknown format code '${type}' for object of type 'float'`);
      return String(value);
    case "x":
    case "X":
    case "o":
    case "b": {
      const digits =
        (alternate ? { x: "0x", X: "0X", o: "0o", b: "0b" }[type] : "") +
        value.toString({ x: 16, X: 16, o: 8, b: 2 }[type]);
      return type === "X" ? digits.toUpperCase() : digits;
    }
    case "c":
      return String.fromCodePoint(value);
    case "%":
      return `${fixed(value * 100, places)}%`;
    case "e":
    case "E": {
      const text = value.toExponential(places).replace(/e([+-])(\d)$/, "e$10$2");
      return type === "E" ? text.toUpperCase() : text;
    }
    case "g":
    case "G":
      return type === "G" ? general(value, places).toUpperCase() : general(value, places);
    case "s":
      throw new JinjaError("ValueError", `Unknown format code 's' for object of type '${isFloat ? "float" : "int"}'`);
    default:
      return fixed(value, places);
  }
}

function fixed(value: number, places: number): string {
  if (!Number.isFinite(value)) return floatText(value);
  if (value >= 1e21) throw unsupported("a number beyond 10^21 in a format");
  return value.toFixed(places);
}

/** `%g`: so many digits, without the zeros behind them. */
function general(value: number, precision: number): string {
  if (!Number.isFinite(value)) return floatText(value);
  const digits = Math.max(1, precision);
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  const short = (text: string) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (power >= -4 && power < digits) return short(value.toFixed(digits - 1 - power));
  return `${short(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** Fill a text up to a width. */
export function pad(text: Text, width: number, fill: string, align: string, budget: Budget): Text {
  const missing = width - codePoints(text.value);
  if (missing <= 0) return text;
  budget.text(width);
  const half = Math.floor(missing / 2);
  // The odd one: str.center puts it first where the width is odd, too.
  const left = { "<": 0, "^": half, center: half + (missing & width & 1) }[align] ?? missing;
  return Text.join([new Text(fill.repeat(left)), text, new Text(fill.repeat(missing - left))]);
}
