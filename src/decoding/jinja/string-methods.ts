/** The methods of Python's str. */
import { asInteger, asText, bind } from "./arguments.js";
import { type Budget, PIECE } from "./budget.js";
import { JinjaError } from "./errors.js";
import { pad } from "./format-spec.js";
import { iterate } from "./iterate.js";
import { capitalised, isCased, isTitled, splitAt, splitLines, splitWords, titled } from "./string-parts.js";
import { EMPTY, SPACE, stripped, Text } from "./text.js";
import { isWhole, Tuple, typeName, type Value } from "./values.js";

type Method = (text: Text, args: (Value | undefined)[], budget: Budget) => Value;

const optionalText = (value: Value | undefined): Text | undefined =>
  value === undefined || value === null ? undefined : asText(value);

const strip = (which: "both" | "left" | "right"): [string[], Method] => [
  ["chars"],
  (text, [set], budget) => {
    const chars = optionalText(set)?.value;
    // Characters one by one, of both.
    if (chars !== undefined) budget.spend((text.value.length + chars.length) / 4);
    return text.cut(...stripped(text.value, which, chars));
  },
];

const split = (fromEnd: boolean): [string[], Method] => [
  ["sep", "maxsplit"],
  (text, [separator, most], budget) => {
    const limit = most === undefined ? -1 : asInteger(most);
    const by = optionalText(separator);
    budget.text(text.value.length);
    const parts =
      by === undefined ? splitWords(text, limit, fromEnd, budget) : splitAt(text, by.value, limit, fromEnd, budget);
    budget.items(parts.length);
    return parts;
  },
];

const justify = (align: "<" | ">" | "center"): [string[], Method] => [
  ["width", "fillchar"],
  (text, [width, fill], budget) =>
    pad(text, asInteger(width as Value), optionalText(fill)?.value ?? " ", align, budget),
];

const partition = (fromEnd: boolean): [string[], Method] => [
  ["sep"],
  (text, [separator]) => {
    const by = asText(separator as Value).value;
    if (by === "") throw new JinjaError("ValueError", "empty separator");
    const at = fromEnd ? text.value.lastIndexOf(by) : text.value.indexOf(by);
    if (at < 0) return new Tuple(fromEnd ? [EMPTY, EMPTY, text] : [text, EMPTY, EMPTY]);
    return new Tuple([text.cut(0, at), text.cut(at, at + by.length), text.cut(at + by.length)]);
  },
];

/** A text between bounds, and where it begins, in code points. */
function within(
  text: Text,
  start: Value | undefined,
  end: Value | undefined,
): { part: Text; from: number } | undefined {
  const length = text.length;
  const bound = (value: Value | undefined, otherwise: number) => {
    if (value === undefined || value === null) return otherwise;
    const index = asInteger(value);
    return Math.max(0, index < 0 ? index + length : index);
  };
  const [from, to] = [bound(start, 0), Math.min(length, bound(end, length))];
  if (from > to) return undefined;
  return { part: text.cut(text.unitAt(from), text.unitAt(to)), from };
}

const ends = (atEnd: boolean): [string[], Method] => [
  ["prefix", "start", "end"],
  (text, [what, start, end]) => {
    const found = within(text, start, end);
    const options = what instanceof Tuple ? what.items : [what as Value];
    return options.some((option) => {
      if (!(option instanceof Text)) {
        throw new JinjaError(
          "TypeError",
          `${atEnd ? "endswith" : "startswith"} first arg must be str or a tuple of str, not ${typeName(option)}`,
        );
      }
      if (found === undefined) return false;
      return atEnd ? found.part.value.endsWith(option.value) : found.part.value.startsWith(option.value);
    });
  },
];

const find = (fromEnd: boolean, mustBeThere: boolean): [string[], Method] => [
  ["sub", "start", "end"],
  (text, [what, start, end], budget) => {
    budget.text(text.value.length);
    const found = within(text, start, end);
    const sought = asText(what as Value).value;
    const at =
      found === undefined ? -1 : fromEnd ? found.part.value.lastIndexOf(sought) : found.part.value.indexOf(sought);
    if (at < 0 && mustBeThere) throw new JinjaError("ValueError", "substring not found");
    return at < 0 ? -1 : found!.from + found!.part.cut(0, at).length;
  },
];

const every = (pattern: RegExp): [string[], Method] => [[], (text) => pattern.test(text.value)];
const change = (make: (value: string) => string, stepsACharacter = 0): [string[], Method] => [
  [],
  (text, _, budget) => {
    budget.spend(stepsACharacter * text.value.length);
    return text.become(make(text.value));
  },
];

const METHODS: Record<string, [parameters: string[], Method]> = {
  capitalize: change(capitalised, 1 / 8),
  casefold: change((value) => value.toLowerCase().replaceAll("ß", "ss")),
  center: justify("center"),
  count: [
    ["sub", "start", "end"],
    (text, [what, start, end], budget) => {
      const found = within(text, start, end);
      const sought = asText(what as Value).value;
      budget.text(text.value.length);
      if (found === undefined) return 0;
      return sought === "" ? found.part.length + 1 : found.part.value.split(sought).length - 1;
    },
  ],
  endswith: ends(true),
  find: find(false, false),
  index: find(false, true),
  isalnum: every(/^[\p{L}\p{Nd}\p{Nl}\p{No}]+$/u),
  isalpha: every(/^\p{L}+$/u),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what ASCII is.
  isascii: every(/^[\x00-\x7f]*$/),
  isdecimal: every(/^\p{Nd}+$/u),
  isdigit: every(/^[\p{Nd}²³¹⁰⁴-⁹₀-₉]+$/u),
  isidentifier: every(/^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*$/u),
  islower: [[], ({ value }) => isCased(value) && value === value.toLowerCase()],
  isnumeric: every(/^\p{N}+$/u),
  isspace: every(SPACE),
  istitle: [
    [],
    ({ value }, _, budget) => {
      budget.spend(value.length / 2);
      return isCased(value) && isTitled(value);
    },
  ],
  isupper: [[], ({ value }) => isCased(value) && value === value.toUpperCase()],
  join: [["iterable"], (text, [items], budget) => joined(text, items as Value, budget)],
  ljust: justify("<"),
  lower: change((value) => value.toLowerCase()),
  lstrip: strip("left"),
  partition: partition(false),
  removeprefix: [
    ["prefix"],
    (text, [prefix]) => {
      const { value } = asText(prefix as Value);
      return text.value.startsWith(value) ? text.cut(value.length) : text;
    },
  ],
  removesuffix: [
    ["suffix"],
    (text, [suffix]) => {
      const { value } = asText(suffix as Value);
      return value !== "" && text.value.endsWith(value) ? text.cut(0, text.value.length - value.length) : text;
    },
  ],
  replace: [
    ["old", "new", "count"],
    (text, [old, by, most], budget) =>
      replaced(
        text,
        asText(old as Value).value,
        asText(by as Value),
        most === undefined ? -1 : asInteger(most),
        budget,
      ),
  ],
  rfind: find(true, false),
  rindex: find(true, true),
  rjust: justify(">"),
  rpartition: partition(true),
  rsplit: split(true),
  rstrip: strip("right"),
  split: split(false),
  splitlines: [
    ["keepends"],
    (text, [keep], budget) => {
      const lines = splitLines(text, keep === true || (isWhole(keep ?? null) && Number(keep) !== 0), budget);
      budget.items(lines.length);
      return lines;
    },
  ],
  startswith: ends(false),
  strip: strip("both"),
  swapcase: change(
    (value) =>
      value.replace(/\p{L}/gu, (letter) =>
        letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
      ),
    1,
  ),
  title: change(titled, 1 / 2),
  upper: change((value) => value.toUpperCase()),
  zfill: [
    ["width"],
    (text, [width], budget) => {
      const sign = /^[-+]/.test(text.value) ? 1 : 0;
      return Text.join([text.cut(0, sign), pad(text.cut(sign), asInteger(width as Value) - sign, "0", ">", budget)]);
    },
  ],
};

/** Methods of Python's str that are not here, `format` apart, which needs more than the text. */
export const MISSING_STRING_METHODS = new Set([
  "encode",
  "expandtabs",
  "format_map",
  "isprintable",
  "maketrans",
  "translate",
]);

/** How many parameters may be left out, counted from the end, where not all may. */
const OPTIONAL: Record<string, number> = {
  replace: 1,
  center: 1,
  ljust: 1,
  rjust: 1,
  count: 2,
  find: 2,
  index: 2,
  rfind: 2,
  rindex: 2,
  startswith: 2,
  endswith: 2,
};
const ALL_OPTIONAL = new Set(["strip", "lstrip", "rstrip", "split", "rsplit", "splitlines"]);

/** Undefined where str has no such method. */
export function stringMethod(text: Text, name: string, budget: Budget) {
  if (!Object.hasOwn(METHODS, name)) return undefined;
  const [parameters, run] = METHODS[name];
  const least = ALL_OPTIONAL.has(name) ? 0 : parameters.length - (OPTIONAL[name] ?? 0);
  return (args: Value[], kwargs: Map<string, Value>): Value => {
    const bound = bind(name, parameters, args, kwargs);
    const missing = bound.slice(0, least).indexOf(undefined);
    if (missing >= 0)
      throw new JinjaError("TypeError", `${name}() takes at least ${least} arguments (${args.length} given)`);
    budget.text(text.value.length);
    return run(text, bound, budget);
  };
}

/** `separator.join(items)` */
export function joined(separator: Text, items: Value, budget: Budget): Text {
  const texts = iterate(items, budget).map((item, index) => {
    if (item instanceof Text) return item;
    throw new JinjaError("TypeError", `sequence item ${index}: expected str instance, ${typeName(item)} found`);
  });
  budget.text(texts.reduce((sum, { value }) => sum + value.length + separator.value.length, 0));
  return Text.join([EMPTY, ...texts.flatMap((text, index) => (index === 0 ? [text] : [separator, text]))]);
}

/** `text.replace(old, by, most)` */
export function replaced(text: Text, old: string, by: Text, most: number, budget: Budget): Text {
  const limit = most < 0 ? Number.POSITIVE_INFINITY : most;
  const places: number[] = [];
  if (old === "") {
    budget.items(text.value.length);
    const starts = text.characters();
    let at = 0;
    for (const { value } of starts) {
      places.push(at);
      at += value.length;
    }
    places.push(at);
  } else for (let at = text.value.indexOf(old); at >= 0; at = text.value.indexOf(old, at + old.length)) places.push(at);
  const chosen = places.slice(0, limit);
  budget.spend(chosen.length * PIECE);
  budget.text(text.value.length + chosen.length * by.value.length);
  const parts: Text[] = [EMPTY];
  let from = 0;
  for (const at of chosen) {
    parts.push(text.cut(from, at), by);
    from = at + old.length;
  }
  return Text.join([...parts, text.cut(from)]);
}
