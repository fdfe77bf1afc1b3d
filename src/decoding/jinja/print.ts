/** Values as Python prints them: `str()` and `repr()`. */
import { type Budget, PIECE } from "./budget.js";
import { entriesOf } from "./entries.js";
import { unsupported } from "./errors.js";
import { iterate } from "./iterate.js";
import { EMPTY, Text } from "./text.js";
import { Dict, Float, Namespace, Range, Tuple, typeName, Undefined, type Value, View } from "./values.js";

/** `str(value)` */
export function toText(value: Value, budget: Budget): Text {
  if (value instanceof Text) return value;
  if (value instanceof Undefined) return EMPTY;
  const text = represent(value, budget);
  budget.text(text.value.length);
  return text;
}

/** `repr(value)` */
export function represent(value: Value, budget: Budget): Text {
  budget.spend(4);
  if (value instanceof Text) {
    budget.text(value.value.length);
    return representText(value, budget);
  }
  if (value === null) return new Text("None");
  if (typeof value === "boolean") return new Text(value ? "True" : "False");
  if (typeof value === "number") return new Text(String(value));
  if (value instanceof Float) return new Text(floatText(value.value));
  if (value instanceof Undefined) return new Text("Undefined");
  if (value instanceof Range)
    return new Text(`range(${value.start}, ${value.stop}${value.step === 1 ? "" : `, ${value.step}`})`);
  const all = () => iterate(value, budget).map((item) => represent(item, budget));
  if (Array.isArray(value)) return listed("[", all(), "]", budget);
  if (value instanceof Tuple) return listed("(", all(), value.items.length === 1 ? ",)" : ")", budget);
  if (value instanceof View) return listed(`dict_${value.kind}([`, all(), "])", budget);
  if (value instanceof Dict || value instanceof Namespace) {
    const entries: [Value, Value][] =
      value instanceof Dict
        ? entriesOf(value, budget)
        : Array.from(value.attributes, ([name, item]) => [new Text(name), item]);
    const shown = entries.map(([key, item]) =>
      Text.join([represent(key, budget), new Text(": "), represent(item, budget)]),
    );
    return value instanceof Dict ? listed("{", shown, "}", budget) : listed("<Namespace {", shown, "}>", budget);
  }
  throw unsupported(`printing a ${typeName(value)}`);
}

function listed(open: string, items: readonly Text[], close: string, budget: Budget): Text {
  budget.text(items.reduce((sum, item) => sum + item.value.length + 2, 0));
  const comma = new Text(", ");
  return Text.join([
    new Text(open),
    ...items.flatMap((item, index) => (index === 0 ? [item] : [comma, item])),
    new Text(close),
  ]);
}

const ESCAPES: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };
/** Python escapes everything that is not a letter, mark, number, punctuation or symbol, and all white space but the space. */
const TO_ESCAPE = /[\\\n\r\t]|[\p{C}\p{Z}]/gu;

function representText(text: Text, budget: Budget): Text {
  const quote = text.value.includes("'") && !text.value.includes('"') ? '"' : "'";
  const escaped = mapCharacters(text, quote === "'" ? /['\\\n\r\t]|[\p{C}\p{Z}]/gu : TO_ESCAPE, budget, (character) => {
    if (character === " ") return " ";
    if (character === "'") return "\\'";
    return ESCAPES[character] ?? escapeCode(character.codePointAt(0)!);
  });
  return Text.join([new Text(quote), escaped, new Text(quote)]);
}

function escapeCode(code: number): string {
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}

/** Replace single characters; what takes their place comes from where they came from. */
export function mapCharacters(
  text: Text,
  pattern: RegExp,
  budget: Budget,
  replace: (character: string) => string,
): Text {
  const parts: Text[] = [EMPTY];
  let at = 0;
  for (const { 0: character, index } of text.value.matchAll(pattern)) {
    budget.spend(PIECE);
    const piece = text.cut(index, index + character.length);
    parts.push(text.cut(at, index), piece.become(replace(character)));
    at = index + character.length;
  }
  return at === 0 ? text : Text.join([...parts, text.cut(at)]);
}

/** `repr` of a float: the shortest digits, an exponent below 1e-4 and from 1e16 on. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [digits, exponent] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power < -4 || power >= 16) return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  const plain = power < 0 ? value.toFixed(Math.max(0, digits.replace(/[-.]/g, "").length - 1 - power)) : String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
}
