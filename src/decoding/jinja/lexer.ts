/**
 * A template's source → tokens, with the white space taken off as `trim_blocks` and `lstrip_blocks` have it (Hugging
 * Face's settings): the line break behind a block or comment goes, and so does what indents one at the start of a line.
 */
import { JinjaError } from "./errors.js";
import { SPACE, stripped } from "./text.js";

export type TokenKind =
  | "text"
  | "blockBegin"
  | "blockEnd"
  | "valueBegin"
  | "valueEnd"
  | "name"
  | "string"
  | "integer"
  | "float"
  | "operator"
  | "end";

export interface Token {
  kind: TokenKind;
  value: string;
  line: number;
}

const BEGIN = /\{([%#{])([-+]?)/g;
const RAW = /\{%[-+]?\s*raw\s*(?:-%\}\s*|%\})/y;
const END_RAW = /\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)/g;
const END_COMMENT = /(?:\+#\}|-#\}\s*|#\}\n?)/g;
const BLOCK_END = /(?:\+%\}|-%\}\s*|%\}\n?)/y;
const VALUE_END = /-\}\}\s*|\}\}/y;
const WHITE = /\s+/y;
const NUMBER = /(?:\d+_)*\d+(?:\.(?:\d+_)*\d+)?(?:e[+-]?(?:\d+_)*\d+)?/iy;
const PREFIXED = /0(?:b(?:_?[01])+|o(?:_?[0-7])+|x(?:_?[\da-f])+)/iy;
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy;
const STRING = /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y;
const CLOSING: Record<string, string> = { "{": "}", "(": ")", "[": "]" };

export function tokenise(source: string): Token[] {
  return new Lexer(source.replace(/\r\n?/g, "\n").replace(/\n$/, "")).tokens();
}

class Lexer {
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  /** Up to where `#line` counts. */
  #counted = 0;
  /** Whether what comes next begins a line. */
  #startsLine = true;

  constructor(private readonly source: string) {}

  tokens(): Token[] {
    while (this.#at < this.source.length) this.#readText();
    this.#push("end", "");
    return this.#tokens;
  }

  #readText(): void {
    BEGIN.lastIndex = this.#at;
    const begin = BEGIN.exec(this.source);
    if (begin === null) {
      this.#push("text", this.source.slice(this.#at));
      this.#at = this.source.length;
      return;
    }
    const [tag, kind, sign] = begin;
    const text = this.source.slice(this.#at, begin.index);
    this.#push("text", this.#shortened(text, sign, kind !== "{"));
    this.#at = begin.index;
    if (kind === "#") this.#skipComment();
    else if (kind === "%" && this.#match(RAW)) this.#readRaw();
    else {
      this.#at = begin.index + tag.length;
      this.#push(kind === "%" ? "blockBegin" : "valueBegin", tag);
      this.#readInside(kind === "%");
    }
  }

  /** What is left of the text before a tag. */
  #shortened(text: string, sign: string, isBlock: boolean): string {
    if (sign === "-") return text.slice(0, stripped(text, "right")[1]);
    if (sign === "+" || !isBlock) return text;
    const line = text.lastIndexOf("\n") + 1;
    return (line > 0 || this.#startsLine) && SPACE.test(text.slice(line)) ? text.slice(0, line) : text;
  }

  #skipComment(): void {
    END_COMMENT.lastIndex = this.#at + 2;
    const end = END_COMMENT.exec(this.source);
    if (end === null) throw this.#error("Missing end of comment tag");
    this.#goTo(end.index + end[0].length);
  }

  /** The text of a raw block, of which the beginning has been read. */
  #readRaw(): void {
    END_RAW.lastIndex = this.#at;
    const end = END_RAW.exec(this.source);
    if (end === null) throw this.#error("Missing end of raw directive");
    const text = this.source.slice(this.#at, end.index);
    this.#startsLine = false;
    this.#push("text", this.#shortened(text, end[1], true));
    this.#goTo(end.index + end[0].length);
  }

  #readInside(isBlock: boolean): void {
    const open: string[] = [];
    while (this.#at < this.source.length) {
      if (open.length === 0 && this.#match(isBlock ? BLOCK_END : VALUE_END) !== undefined) {
        this.#push(isBlock ? "blockEnd" : "valueEnd", "");
        this.#startsLine = this.source[this.#at - 1] === "\n";
        return;
      }
      if (this.#match(WHITE) !== undefined) continue;
      this.#readToken(open);
    }
    throw this.#error("Unexpected end of template inside a tag");
  }

  #readToken(open: string[]): void {
    const kinds: [TokenKind, RegExp][] = [
      ["integer", PREFIXED],
      ["integer", NUMBER],
      ["name", NAME],
      ["string", STRING],
      ["operator", OPERATOR],
    ];
    for (const [kind, pattern] of kinds) {
      const found = this.#match(pattern);
      if (found === undefined) continue;
      if (pattern === NUMBER) this.#pushNumber(found.replaceAll("_", ""), found);
      else if (kind === "string") this.#push(kind, unescaped(found.slice(1, -1)));
      else {
        if (kind === "operator") this.#balance(found, open);
        this.#push(kind, kind === "integer" ? found.replaceAll("_", "") : found);
      }
      return;
    }
    throw this.#error(`unexpected char ${JSON.stringify(this.source[this.#at])}`);
  }

  #pushNumber(digits: string, written: string): void {
    // Behind a dot stands an index: a.0.1
    if (this.#tokens.at(-1)?.value === "." && digits.includes(".")) {
      this.#at -= written.length - written.indexOf(".");
      this.#push("integer", digits.slice(0, digits.indexOf(".")));
    } else this.#push(/[.e]/i.test(digits) ? "float" : "integer", digits);
  }

  #balance(operator: string, open: string[]): void {
    if (operator in CLOSING) open.push(CLOSING[operator]);
    else if (operator === "}" || operator === ")" || operator === "]") {
      const expected = open.pop();
      if (expected !== operator)
        throw this.#error(`unexpected '${operator}'${expected ? `, expected '${expected}'` : ""}`);
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.source)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #goTo(at: number): void {
    this.#at = at;
    this.#startsLine = this.source[at - 1] === "\n";
  }

  #push(kind: TokenKind, value: string): void {
    if (kind === "text" && value === "") return;
    for (; this.#counted < this.#at; this.#counted++) if (this.source[this.#counted] === "\n") this.#line++;
    this.#tokens.push({ kind, value, line: this.#line });
  }

  #error(message: string): JinjaError {
    return new JinjaError("TemplateSyntaxError", `${message} (line ${this.#line})`);
  }
}

const SIMPLE: Record<string, string> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "\n": "",
};

/** Python's escapes; a backslash before anything else stays. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})|([0-7]{1,3})|([\s\S]))/gi,
    (whole, x, u, large, octal, letter) => {
      if (letter !== undefined) return Object.hasOwn(SIMPLE, letter) ? SIMPLE[letter] : whole;
      const code = octal === undefined ? Number.parseInt(x ?? u ?? large, 16) : Number.parseInt(octal, 8);
      if (code > 0x10ffff) throw new JinjaError("TemplateSyntaxError", `illegal Unicode character ${whole}`);
      return String.fromCodePoint(code);
    },
  );
}
