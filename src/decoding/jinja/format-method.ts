/** `"<{}>".format(name)`: Python's str.format. */
import { type Budget, PIECE } from "./budget.js";
import { JinjaError } from "./errors.js";
import { formatNumber, formatText, readFormat } from "./format-spec.js";
import { represent, toText } from "./print.js";
import { EMPTY, Text } from "./text.js";
import { Float, isWhole, type Value } from "./values.js";

export type Find = { attribute: (value: Value, name: string) => Value; item: (value: Value, index: Value) => Value };

/** `find` looks up what follows a field's name: `{0.name}`, `{0[key]}`. Errors: ValueError, IndexError, KeyError. */
export function formatWith(
  format: Text,
  args: readonly Value[],
  kwargs: ReadonlyMap<string, Value>,
  find: Find,
  budget: Budget,
): Text {
  let automatic = 0;
  let numbering: "automatic" | "manual" | undefined;
  const read = (template: Text, depth: number): Text => {
    if (depth > 2) throw new JinjaError("ValueError", "Max string recursion exceeded");
    const parts: Text[] = [EMPTY];
    const { value } = template;
    let from = 0;
    for (let at = 0; at < value.length; at++) {
      const letter = value[at];
      if (letter !== "{" && letter !== "}") continue;
      budget.spend(PIECE);
      parts.push(template.cut(from, at));
      if (value[at + 1] === letter) {
        parts.push(template.cut(at, at + 1));
        from = ++at + 1;
        continue;
      }
      if (letter === "}") throw new JinjaError("ValueError", "Single '}' encountered in format string");
      const end = fieldEnd(value, at);
      budget.text(end - at);
      parts.push(field(value.slice(at + 1, end), depth));
      at = end;
      from = end + 1;
    }
    return Text.join([...parts, template.cut(from)]);
  };
  const field = (written: string, depth: number): Text => {
    const { path, conversion, spec } = readField(written);
    const value = follow(path);
    const format = readFormat(spec.includes("{") ? read(new Text(spec), depth + 1).value : spec);
    if (conversion === "r") return formatText(represent(value, budget), format, budget);
    if (conversion === "s" || value instanceof Text) return formatText(toText(value, budget), format, budget);
    if (spec === "") return toText(value, budget);
    if (isWhole(value) || value instanceof Float) return formatNumber(value, format, budget);
    return formatNumber(value, format, budget);
  };
  const follow = (path: string): Value => {
    const [name] = /^[^.[]*/.exec(path)!;
    let value: Value | undefined;
    if (name === "" || /^\d+$/.test(name)) {
      const mine = name === "" ? "automatic" : "manual";
      if ((numbering ??= mine) !== mine)
        throw new JinjaError("ValueError", `cannot mix automatic and manual field numbering`);
      const index = name === "" ? automatic++ : Number(name);
      value = args[index];
      if (value === undefined)
        throw new JinjaError("IndexError", `Replacement index ${index} out of range for positional args tuple`);
    } else {
      value = kwargs.get(name);
      if (value === undefined) throw new JinjaError("KeyError", `'${name}'`);
    }
    for (const [, attribute, item] of path.slice(name.length).matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
      if (attribute !== undefined) value = find.attribute(value, attribute);
      else value = find.item(value, /^\d+$/.test(item) ? Number(item) : new Text(item));
    }
    return value;
  };
  budget.text(format.value.length);
  const result = read(format, 1);
  budget.text(result.value.length);
  return result;
}

function readField(written: string): { path: string; conversion: string | undefined; spec: string } {
  const [, path, conversion, spec] = /^([^!:]*)(?:!([^:]*))?(?::([\s\S]*))?$/.exec(written) ?? [];
  if (path === undefined) throw new JinjaError("ValueError", "expected ':' after conversion specifier");
  if (conversion !== undefined && !["r", "s", "a"].includes(conversion))
    throw new JinjaError("ValueError", `Unknown conversion specifier '${conversion}'`);
  return { path, conversion: conversion === "a" ? "r" : conversion, spec: spec ?? "" };
}

/** Where the field that opens here closes. */
function fieldEnd(value: string, open: number): number {
  let depth = 0;
  for (let at = open; at < value.length; at++) {
    if (value[at] === "{") depth++;
    else if (value[at] === "}" && --depth === 0) return at;
  }
  throw new JinjaError("ValueError", "expected '}' before end of string");
}
