/** The parts of a template's program. */
import type { Text } from "./text.js";

export type Expression =
  | { kind: "constant"; value: null | boolean | number | { float: number } | Text }
  | { kind: "name"; name: string }
  | { kind: "list" | "tuple"; items: Expression[] }
  | { kind: "dict"; entries: [Expression, Expression][] }
  | { kind: "attribute"; object: Expression; name: string }
  | { kind: "item"; object: Expression; index: Expression }
  | { kind: "slice"; object: Expression; bounds: (Expression | undefined)[] }
  | { kind: "call"; callee: Expression; arguments: Arguments }
  | { kind: "filter"; input: Expression | undefined; name: string; arguments: Arguments }
  | { kind: "test"; input: Expression; name: string; arguments: Arguments; negated: boolean }
  | { kind: "unary"; operator: "-" | "+" | "not"; operand: Expression }
  | { kind: "binary"; operator: "+" | "-" | "*" | "/" | "//" | "%" | "**"; left: Expression; right: Expression }
  | { kind: "and" | "or"; left: Expression; right: Expression }
  | { kind: "concat"; parts: Expression[] }
  | { kind: "compare"; first: Expression; rest: { operator: Comparison; operand: Expression }[] }
  | { kind: "conditional"; test: Expression; then: Expression; otherwise: Expression | undefined };

export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in";

export interface Arguments {
  positional: Expression[];
  named: [string, Expression][];
  /** `*list` and `**dict`. */
  list?: Expression;
  dict?: Expression;
}

export const NO_ARGUMENTS: Arguments = { positional: [], named: [] };

/** What a value is bound to. */
export type Target =
  | { kind: "name"; name: string }
  | { kind: "attribute"; name: string; attribute: string }
  | { kind: "tuple"; items: Target[] };

export interface Parameter {
  name: string;
  default?: Expression;
}

export interface MacroBody {
  body: Statement[];
  /** Which of the names that a macro gets unasked it uses: caller, varargs, kwargs. */
  uses: ReadonlySet<string>;
}

export type Statement =
  | { kind: "text"; text: Text }
  | { kind: "output"; value: Expression }
  | { kind: "if"; branches: { test: Expression; body: Statement[] }[]; otherwise: Statement[] }
  | {
      kind: "for";
      target: Target;
      items: Expression;
      test: Expression | undefined;
      body: Statement[];
      otherwise: Statement[];
      recursive: boolean;
    }
  | { kind: "break" | "continue" }
  | { kind: "set"; target: Target; value: Expression }
  | { kind: "setBlock"; target: Target; filter: Expression | undefined; body: Statement[] }
  | ({ kind: "macro"; name: string; parameters: Parameter[] } & MacroBody)
  | ({ kind: "callBlock"; call: Expression; parameters: Parameter[] } & MacroBody)
  | { kind: "filterBlock"; filter: Expression; body: Statement[] }
  | { kind: "with"; bindings: { target: Target; value: Expression }[]; body: Statement[] }
  /** A part that is there as it stands, with variables of its own: `block`, `generation`. */
  | { kind: "scope"; body: Statement[] };
