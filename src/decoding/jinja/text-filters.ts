/** Filters that make texts and numbers. */
import { asInteger, asNumber, asText, bind, required } from "./arguments.js";
import { entriesOf } from "./entries.js";
import { JinjaError } from "./errors.js";
import type { Filter } from "./filters.js";
import { formatPercent } from "./format-percent.js";
import { pad } from "./format-spec.js";
import { toJson } from "./json.js";
import type { Machine } from "./machine.js";
import { escaped, markup } from "./markup.js";
import { isTrue } from "./operators.js";
import { toText } from "./print.js";
import { replaced } from "./string-methods.js";
import { capitalised, splitLines } from "./string-parts.js";
import { EMPTY, stripped, Text } from "./text.js";
import { Dict, Float, integer, isWhole, numeric, orElse, Tuple, type Value } from "./values.js";

const changed = (make: (value: string) => string, stepsACharacter = 0): Filter => {
  return (input, _, __, { budget }) => {
    const text = toText(input, budget);
    budget.text(text.value.length);
    budget.spend(stepsACharacter * text.value.length);
    return text.become(make(text.value));
  };
};

const escapeMarkup: Filter = (input, _, __, { budget }) => escaped(toText(input, budget), budget);

export const TEXT_FILTERS: Record<string, Filter> = {
  abs: (input) => {
    const number = asNumber(input);
    return isWhole(input) ? Math.abs(number) : new Float(Math.abs(number));
  },
  capitalize: changed(capitalised, 1 / 8),
  center: (input, args, kwargs, { budget }) => {
    const [width] = bind("center", ["width"], args, kwargs);
    return pad(toText(input, budget), width === undefined ? 80 : asInteger(width), " ", "center", budget);
  },
  e: escapeMarkup,
  escape: escapeMarkup,
  float: (input, args, kwargs) => {
    const [otherwise] = bind("float", ["default"], args, kwargs);
    const number = input instanceof Text ? readFloat(input.value) : numeric(input);
    return number === undefined ? orElse(otherwise, new Float(0)) : new Float(number);
  },
  forceescape: (input, _, __, { budget }) => {
    const text = toText(input, budget);
    return escaped(new Text(text.value, text.runs), budget);
  },
  format: (input, args, kwargs, { budget }) => {
    if (args.length > 0 && kwargs.size > 0)
      throw new JinjaError("TypeError", "can't handle positional and keyword arguments at the same time");
    return formatPercent(toText(input, budget), kwargs.size > 0 ? Dict.of(kwargs) : new Tuple(args), budget);
  },
  indent: (input, args, kwargs, { budget }) => {
    const [width, first, blank] = bind("indent", ["width", "first", "blank"], args, kwargs);
    const by =
      width instanceof Text
        ? width.value
        : " ".repeat(checkedWidth(width === undefined ? 4 : asInteger(width), budget));
    const text = asText(input);
    const lines = splitLines(Text.join([text, new Text("\n")]), false, budget);
    budget.text(text.value.length + lines.length * by.length);
    const indented = lines.map((line, index) => {
      const wants =
        index === 0
          ? first !== undefined && isTrue(first)
          : (blank !== undefined && isTrue(blank)) || line.value !== "";
      return wants ? Text.join([new Text(by), line]) : line;
    });
    return Text.join(indented.flatMap((line, index) => (index === 0 ? [line] : [new Text("\n"), line])));
  },
  int: (input, args, kwargs, { budget }) => {
    if (input instanceof Text) budget.spend(input.value.length / 4);
    const [otherwise, base] = bind("int", ["default", "base"], args, kwargs);
    const number =
      input instanceof Text ? readInteger(input.value, base === undefined ? 10 : asInteger(base)) : numeric(input);
    return number === undefined || !Number.isFinite(number) ? orElse(otherwise, 0) : integer(Math.trunc(number));
  },
  lower: changed((value) => value.toLowerCase()),
  replace: (input, args, kwargs, { budget }) => {
    const [old, by, count] = bind("replace", ["old", "new", "count"], args, kwargs);
    const text = toText(input, budget);
    const most = count === undefined || count === null ? -1 : asInteger(count);
    return replaced(
      text,
      asText(required("replace", "old", old)).value,
      asText(required("replace", "new", by)),
      most,
      budget,
    );
  },
  round: (input, args, kwargs) => {
    const [precision, method] = bind("round", ["precision", "method"], args, kwargs);
    return rounded(
      input,
      precision === undefined ? 0 : asInteger(precision),
      method === undefined ? "common" : asText(method).value,
    );
  },
  safe: (input, _, __, { budget }) => markup(toText(input, budget)),
  string: (input, _, __, { budget }) => toText(input, budget),
  title: changed((value) => value.replace(/[^-\s({[<]+/g, (word) => capitalised(word)), 1 / 2),
  tojson: (input, args, kwargs, { budget }) => {
    const names = ["ensure_ascii", "indent", "separators", "sort_keys"];
    const [ascii, indent, separators, sort] = bind("tojson", names, args, kwargs);
    const levels =
      indent === undefined || indent === null
        ? undefined
        : indent instanceof Text
          ? indent.value
          : " ".repeat(checkedWidth(asInteger(indent), budget));
    const given = Array.isArray(separators) ? separators : separators instanceof Tuple ? separators.items : undefined;
    return toJson(
      input,
      {
        ensureAscii: ascii !== undefined && isTrue(ascii),
        indent: levels,
        separators:
          given === undefined
            ? [new Text(levels === undefined ? ", " : ","), new Text(": ")]
            : [asText(given[0]), asText(given[1])],
        sortKeys: sort !== undefined && isTrue(sort),
      },
      budget,
    );
  },
  trim: (input, args, kwargs, { budget }) => {
    const [set] = bind("trim", ["chars"], args, kwargs);
    const text = toText(input, budget);
    if (set !== undefined) budget.spend(text.value.length / 4);
    return text.cut(...stripped(text.value, "both", set === undefined || set === null ? undefined : asText(set).value));
  },
  truncate: (input, args, kwargs, { budget }) =>
    truncated(toText(input, budget), bind("truncate", ["length", "killwords", "end", "leeway"], args, kwargs)),
  upper: changed((value) => value.toUpperCase()),
  urlencode: (input, _, __, machine) => {
    if (input instanceof Text) return input.become(quotedUrl(input.value, "/"));
    const pairs = entriesOf(input, machine.budget).map(([key, value]) =>
      [key, value].map((part) => {
        const text = toText(part, machine.budget);
        return text.become(quotedUrl(text.value, "").replaceAll("%20", "+"));
      }),
    );
    return Text.join([
      EMPTY,
      ...pairs.flatMap(([key, value], index) => [new Text(index === 0 ? "" : "&"), key, new Text("="), value]),
    ]);
  },
  wordcount: (input, _, __, { budget }) => (toText(input, budget).value.match(/[\p{L}\p{N}_]+/gu) ?? []).length,
};

function checkedWidth(width: number, budget: Machine["budget"]): number {
  budget.text(Math.max(0, width));
  return Math.max(0, width);
}

function readFloat(text: string): number | undefined {
  const written = text.trim().replace(/(?<=\d)_(?=\d)/g, "");
  if (/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(written)) return Number(written);
  if (/^[-+]?inf(?:inity)?$/i.test(written))
    return written.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /^[-+]?nan$/i.test(written) ? Number.NaN : undefined;
}

function readInteger(text: string, base: number): number | undefined {
  const written = text
    .trim()
    .replace(/(?<=\w)_(?=\w)/g, "")
    .toLowerCase();
  const digits =
    base === 16
      ? written.replace(/^([-+]?)0x/, "$1")
      : base === 8
        ? written.replace(/^([-+]?)0o/, "$1")
        : base === 2
          ? written.replace(/^([-+]?)0b/, "$1")
          : written;
  const allowed = "0123456789abcdefghijklmnopqrstuvwxyz".slice(0, base);
  const [, sign, body] = /^([-+]?)(.+)$/.exec(digits) ?? [];
  if (body !== undefined && Array.from(body).every((digit) => allowed.includes(digit)))
    return Number.parseInt(body, base) * (sign === "-" ? -1 : 1);
  return readFloat(text);
}

/** Python rounds halves to even. */
function rounded(input: Value, precision: number, method: string): Value {
  const number = asNumber(input);
  if (!["common", "ceil", "floor"].includes(method))
    throw new JinjaError("TypeError", "method must be common, ceil or floor");
  const scale = 10 ** precision;
  if (method !== "common") return new Float((method === "ceil" ? Math.ceil : Math.floor)(number * scale) / scale);
  if (isWhole(input)) return precision >= 0 ? Number(input) : integer(halfToEven(number * scale) / scale);
  if (precision === 0) return new Float(halfToEven(number));
  return new Float(
    precision > 0 && precision <= 100 ? Number(number.toFixed(precision)) : halfToEven(number * scale) / scale,
  );
}

function halfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

function truncated(text: Text, [length, kill, end, leeway]: (Value | undefined)[]): Text {
  const most = length === undefined ? 255 : asInteger(length);
  const tail = end === undefined ? new Text("...") : asText(end);
  const spare = leeway === undefined || leeway === null ? 5 : asInteger(leeway);
  if (most < tail.length) throw new JinjaError("ValueError", `expected length >= ${tail.length}, got ${most}`);
  if (text.length <= most + spare) return text;
  const cut = text.cut(0, text.unitAt(most - tail.length));
  if (kill !== undefined && isTrue(kill)) return Text.join([cut, tail]);
  const at = cut.value.lastIndexOf(" ");
  return Text.join([at < 0 ? cut : cut.cut(0, at), tail]);
}

function quotedUrl(value: string, alsoSafe: string): string {
  return encodeURIComponent(value)
    .replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%2F", alsoSafe === "/" ? "/" : "%2F");
}
