/** Anchors of a pattern. A form is about the whole text, and its reader passes over them wherever they stand. */

/** A class of characters, an escape, or a character. */
const PART = /\[(?:\\.|[^\]\\])*\]|\\.|./gsu;

/**
 * The anchor that says more than that: not a `^` that begins the pattern or one of its branches, or a `$` that ends it, within
 * brackets around the whole of it too.
 */
export function innerAnchor(pattern: string): "^" | "$" | undefined {
  const parts = withoutBrackets(pattern.match(PART) ?? []);
  let depth = 0;
  for (const [index, part] of parts.entries()) {
    if (part === "(") depth++;
    if (part === ")") depth--;
    if (part !== "^" && part !== "$") continue;
    const beside = part === "^" ? parts[index - 1] : parts[index + 1];
    if (depth !== 0 || (beside !== undefined && beside !== "|")) return part;
  }
  return undefined;
}

function withoutBrackets(parts: readonly string[]): readonly string[] {
  if (parts[0] !== "(") return parts;
  let depth = 0;
  const close = parts.findIndex((part) => {
    if (part === "(") depth++;
    if (part === ")") depth--;
    return depth === 0;
  });
  if (close < 0 || close !== parts.length - 1) return parts;
  return withoutBrackets(parts.slice(parts[1] === "?" && parts[2] === ":" ? 3 : 1, -1));
}
