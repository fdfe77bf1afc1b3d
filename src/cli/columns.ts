/** Text in terminal columns: how wide it is, and how it is cut, padded, wrapped and made visible. */

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** East Asian wide and fullwidth characters by block (Unicode 16, UAX 11), and what is drawn as an emoji. */
const WIDE = new RegExp(
  [
    "[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3]", // Hangul, CJK, kana, Yi
    "[\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]", // compatibility and fullwidth forms
    "[\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]", // Tangut, Khitan, kana supplements, CJK planes
    "\\p{Emoji_Presentation}|\ufe0f", // U+FE0F asks for the emoji form of the character before it
  ].join("|"),
  "u",
);

const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

function graphemesOf(text: string): string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** Columns that a terminal gives a text without control characters: 0, 1 or 2 a grapheme. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const grapheme of graphemesOf(text)) width += INVISIBLE.test(grapheme) ? 0 : WIDE.test(grapheme) ? 2 : 1;
  return width;
}

/** Exactly `columns` wide: cut with "…" or filled with spaces. */
export function fitted(text: string, columns: number): string {
  const width = displayWidth(text);
  if (width <= columns) return text + " ".repeat(columns - width);
  let kept = "";
  let used = 0;
  for (const grapheme of graphemesOf(text)) {
    const next = displayWidth(grapheme);
    if (used + next > columns - 1) break;
    kept += grapheme;
    used += next;
  }
  return `${kept}…${" ".repeat(columns - 1 - used)}`;
}

const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\" };

/** Characters that show nothing or steer the terminal: controls, formats, unassigned, separators other than the space. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]|[^\P{Zs} ]/u;

/** In quotes, on one line, with everything written out that a reader or a terminal could miss or obey. */
export function quoted(text: string): string {
  const visible = graphemesOf(text).map((grapheme) =>
    Array.from(grapheme, (character) => {
      const joins = character === "\u200d" && grapheme.length > 1; // holds an emoji of several people together
      return NAMED[character] ?? (HIDDEN.test(character) && !joins ? escaped(character) : character);
    }).join(""),
  );
  return `"${visible.join("")}"`;
}

/** Bytes that are no text: printable ASCII as it is, the others as \xNN. */
export function quotedBytes(hex: string): string {
  const characters = (hex.match(/../g) ?? []).map((pair) => {
    const code = Number.parseInt(pair, 16);
    if (code < 0x20 || code > 0x7e) return `\\x${pair}`;
    return NAMED[String.fromCharCode(code)] ?? String.fromCharCode(code);
  });
  return `"${characters.join("")}"`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/** A run of text and how it is painted. */
export interface Painted {
  text: string;
  paint: (text: string) => string;
}

/**
 * Break painted text into lines of at most `columns`, at spaces where there are any; line breaks in the text stay.
 * The spaces at which a line is broken are dropped.
 */
export function wrapped(runs: readonly Painted[], columns: number): string {
  const lines: Cell[][] = [[]];
  let wordStart = 0;
  let width = 0;
  for (const { text, paint } of runs) {
    for (const grapheme of graphemesOf(text.replace(/\t/g, "    "))) {
      let line = lines[lines.length - 1];
      if (/^[\r\n]+$/.test(grapheme)) {
        lines.push([]);
        wordStart = 0;
        width = 0;
        continue;
      }
      const cell = { grapheme, width: displayWidth(grapheme), paint };
      if (width + cell.width > columns) {
        if (grapheme === " ") {
          wordStart = line.length;
          continue;
        }
        // A word too long for a line is broken where it is.
        const moved = wordStart > 0 ? line.splice(wordStart) : [];
        while (line.at(-1)?.grapheme === " ") line.pop();
        line = moved;
        lines.push(line);
        wordStart = 0;
        width = moved.reduce((sum, { width }) => sum + width, 0);
      }
      line.push(cell);
      width += cell.width;
      if (grapheme === " ") wordStart = line.length;
    }
  }
  return lines.map(paintLine).join("\n");
}

interface Cell {
  grapheme: string;
  width: number;
  paint: Painted["paint"];
}

/** Neighbours of one paint share its codes. */
function paintLine(cells: readonly Cell[]): string {
  let line = "";
  for (let at = 0; at < cells.length; ) {
    const { paint } = cells[at];
    let text = "";
    while (at < cells.length && cells[at].paint === paint) text += cells[at++].grapheme;
    line += paint(text);
  }
  return line;
}
