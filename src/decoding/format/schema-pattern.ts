/** Patterns of strings in JSON, where some characters stand otherwise than as themselves. */

/** A class of characters, an escape or a character; what else is in a pattern matches no character by itself. */
const ATOM = /\[(?:\\.|[^\]\\])*\]|\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|u\{[\da-fA-F]+\}|.)|[^\\(){}|*+?^$]/gsu;
/** What JSON writes with a backslash: quotation marks, backslashes and control characters. */
const ESCAPED = ['"', "\\", ...Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code))];

/** Whether it matches only texts without characters that JSON escapes. Other faults of a pattern are found by its reader. */
export function isOfStrings(pattern: string): boolean {
  return (pattern.match(ATOM) ?? []).every((atom) => {
    const only = expression(atom);
    return only !== undefined && !ESCAPED.some((character) => only.test(character));
  });
}

/** Undefined for an escape that other readers take for something else. */
function expression(atom: string): RegExp | undefined {
  for (const flags of ["u", ""]) {
    try {
      return new RegExp(`^(?:${atom})$`, flags);
    } catch {
      if (/\\[a-zA-Z]/.test(atom)) return undefined;
    }
  }
  return /^(?!)/;
}
