/** Expressions: Jinja's grammar, one function a level of precedence. */
import { MAX_DEPTH } from "./budget.js";
import { JinjaError } from "./errors.js";
import type { Token, TokenKind } from "./lexer.js";
import { type Arguments, type Comparison, type Expression, NO_ARGUMENTS } from "./nodes.js";
import { Text } from "./text.js";

const COMPARISONS = new Set(["==", "!=", "<", "<=", ">", ">="]);
const CONSTANTS = new Map<string, null | boolean>([
  ...([
    ["true", true],
    ["True", true],
    ["false", false],
    ["False", false],
    ["none", null],
    ["None", null],
  ] as const),
]);
const UNASKED = new Set(["caller", "varargs", "kwargs"]);
const ARGUMENT_KINDS: readonly TokenKind[] = ["name", "string", "integer", "float"];

export class ExpressionParser {
  /** The names among those that a macro gets unasked, which have been read since its body began. */
  protected unasked = new Set<string>();
  #at = 0;
  #depth = 0;

  constructor(protected readonly tokens: readonly Token[]) {}

  protected get token(): Token {
    return this.tokens[this.#at];
  }

  protected next(): Token {
    return this.tokens[this.#at++];
  }

  protected is(kind: TokenKind, value?: string, ahead = 0): boolean {
    const token = this.tokens[Math.min(this.#at + ahead, this.tokens.length - 1)];
    return token.kind === kind && (value === undefined || token.value === value);
  }

  protected skipIf(kind: TokenKind, value?: string): boolean {
    if (!this.is(kind, value)) return false;
    this.#at++;
    return true;
  }

  protected expect(kind: TokenKind, value?: string): Token {
    if (!this.is(kind, value))
      throw this.error(`expected ${value ?? kind}, got ${this.token.value || this.token.kind}`);
    return this.next();
  }

  protected error(message: string): JinjaError {
    return new JinjaError("TemplateSyntaxError", `${message} (line ${this.token.line})`);
  }

  protected isOperator(value: string): boolean {
    return this.is("operator", value);
  }

  protected nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new JinjaError("RecursionError", "the template is nested too deeply");
    const result = read();
    this.#depth--;
    return result;
  }

  /** One expression, or several with commas between: a tuple. */
  protected tupleOrExpression(withConditional = true): Expression {
    const items = [this.expression(withConditional)];
    let isTuple = false;
    while (this.skipIf("operator", ",")) {
      isTuple = true;
      if (this.endsTuple()) break;
      items.push(this.expression(withConditional));
    }
    return isTuple ? { kind: "tuple", items } : items[0];
  }

  protected endsTuple(): boolean {
    return this.is("valueEnd") || this.is("blockEnd") || this.isOperator(")") || this.is("name", "in");
  }

  protected expression(withConditional = true): Expression {
    return this.nested(() => (withConditional ? this.#conditional() : this.#or()));
  }

  #conditional(): Expression {
    let then = this.#or();
    while (this.skipIf("name", "if")) {
      const test = this.#or();
      const otherwise = this.skipIf("name", "else") ? this.nested(() => this.#conditional()) : undefined;
      then = { kind: "conditional", test, then, otherwise };
    }
    return then;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.skipIf("name", "or")) left = { kind: "or", left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.skipIf("name", "and")) left = { kind: "and", left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    if (!this.skipIf("name", "not")) return this.#compare();
    return { kind: "unary", operator: "not", operand: this.nested(() => this.#not()) };
  }

  #compare(): Expression {
    const first = this.#sum();
    const rest: { operator: Comparison; operand: Expression }[] = [];
    while (true) {
      let operator: Comparison;
      if (this.is("operator") && COMPARISONS.has(this.token.value)) operator = this.next().value as Comparison;
      else if (this.skipIf("name", "in")) operator = "in";
      else if (this.is("name", "not") && this.is("name", "in", 1)) {
        this.#at += 2;
        operator = "not in";
      } else break;
      rest.push({ operator, operand: this.#sum() });
    }
    return rest.length === 0 ? first : { kind: "compare", first, rest };
  }

  #sum(): Expression {
    let left = this.#concat();
    while (this.isOperator("+") || this.isOperator("-")) {
      const operator = this.next().value as "+" | "-";
      left = { kind: "binary", operator, left, right: this.#concat() };
    }
    return left;
  }

  #concat(): Expression {
    const parts = [this.#product()];
    while (this.skipIf("operator", "~")) parts.push(this.#product());
    return parts.length === 1 ? parts[0] : { kind: "concat", parts };
  }

  #product(): Expression {
    let left = this.#power();
    while (["*", "/", "//", "%"].some((operator) => this.isOperator(operator))) {
      const operator = this.next().value as "*" | "/" | "//" | "%";
      left = { kind: "binary", operator, left, right: this.#power() };
    }
    return left;
  }

  #power(): Expression {
    let left = this.#unary();
    while (this.skipIf("operator", "**")) left = { kind: "binary", operator: "**", left, right: this.#unary() };
    return left;
  }

  #unary(withFilters = true): Expression {
    let node: Expression;
    if (this.isOperator("-") || this.isOperator("+")) {
      const operator = this.next().value as "-" | "+";
      node = { kind: "unary", operator, operand: this.nested(() => this.#unary(false)) };
    } else node = this.primary();
    node = this.#postfix(node);
    return withFilters ? this.filters(node) : node;
  }

  protected primary(): Expression {
    const token = this.next();
    if (token.kind === "name") {
      if (UNASKED.has(token.value)) this.unasked.add(token.value);
      const constant = CONSTANTS.get(token.value);
      return constant === undefined ? { kind: "name", name: token.value } : { kind: "constant", value: constant };
    }
    if (token.kind === "string") {
      let value = token.value;
      while (this.is("string")) value += this.next().value;
      return { kind: "constant", value: new Text(value) };
    }
    if (token.kind === "integer") return { kind: "constant", value: this.#integer(token.value) };
    if (token.kind === "float") return { kind: "constant", value: { float: Number(token.value) } };
    if (token.kind === "operator" && token.value === "(") return this.#parentheses();
    if (token.kind === "operator" && token.value === "[") return { kind: "list", items: this.#items("]") };
    if (token.kind === "operator" && token.value === "{") return this.#dict();
    this.#at--;
    throw this.error(`unexpected ${token.value || token.kind}`);
  }

  #integer(digits: string): number {
    if (/^0\d*[1-9]/.test(digits)) throw this.error(`leading zeros in ${digits}`);
    const value = Number(digits);
    if (!Number.isSafeInteger(value)) throw this.error(`the number ${digits} is too large`);
    return value;
  }

  #parentheses(): Expression {
    if (this.skipIf("operator", ")")) return { kind: "tuple", items: [] };
    const inside = this.tupleOrExpression();
    this.expect("operator", ")");
    return inside;
  }

  #items(closing: string): Expression[] {
    const items: Expression[] = [];
    while (!this.skipIf("operator", closing)) {
      if (items.length > 0) this.expect("operator", ",");
      if (this.skipIf("operator", closing)) break;
      items.push(this.expression());
    }
    return items;
  }

  #dict(): Expression {
    const entries: [Expression, Expression][] = [];
    while (!this.skipIf("operator", "}")) {
      if (entries.length > 0) this.expect("operator", ",");
      if (this.skipIf("operator", "}")) break;
      const key = this.expression();
      this.expect("operator", ":");
      entries.push([key, this.expression()]);
    }
    return { kind: "dict", entries };
  }

  #postfix(start: Expression): Expression {
    let node = start;
    while (true) {
      if (this.skipIf("operator", ".")) node = this.#member(node);
      else if (this.skipIf("operator", "[")) node = this.#subscript(node);
      else if (this.isOperator("(")) node = { kind: "call", callee: node, arguments: this.#arguments() };
      else return node;
    }
  }

  #member(object: Expression): Expression {
    if (this.is("name")) return { kind: "attribute", object, name: this.next().value };
    return { kind: "item", object, index: { kind: "constant", value: Number(this.expect("integer").value) } };
  }

  #subscript(object: Expression): Expression {
    const parts: Expression[] = [];
    let bounds: (Expression | undefined)[] | undefined;
    while (!this.skipIf("operator", "]")) {
      if (parts.length > 0 || bounds !== undefined) this.expect("operator", ",");
      const start = this.isOperator(":") ? undefined : this.expression();
      if (!this.skipIf("operator", ":")) {
        parts.push(start as Expression);
        continue;
      }
      bounds = [start, this.#bound(), this.skipIf("operator", ":") ? this.#bound() : undefined];
    }
    if (bounds !== undefined) {
      if (parts.length > 0) throw this.error("a slice beside an index");
      return { kind: "slice", object, bounds };
    }
    const index: Expression = parts.length === 1 ? parts[0] : { kind: "tuple", items: parts };
    return { kind: "item", object, index };
  }

  #bound(): Expression | undefined {
    return [":", "]", ","].some((operator) => this.isOperator(operator)) ? undefined : this.expression();
  }

  protected filters(start: Expression): Expression {
    let node = start;
    while (true) {
      if (this.isOperator("|")) node = this.filterChain(node);
      else if (this.is("name", "is")) node = this.#test(node);
      else if (this.isOperator("(")) node = { kind: "call", callee: node, arguments: this.#arguments() };
      else return node;
    }
  }

  /** `first`: without a bar before it, as a filter block has it. */
  protected filterChain(input: Expression | undefined, first = false): Expression {
    let node = input;
    for (let bar = !first; bar ? this.skipIf("operator", "|") : true; bar = true) {
      const name = this.#dotted();
      const args = this.isOperator("(") ? this.#arguments() : NO_ARGUMENTS;
      node = { kind: "filter", input: node, name, arguments: args };
    }
    return node as Expression;
  }

  #test(input: Expression): Expression {
    this.next();
    const negated = this.skipIf("name", "not");
    const name = this.#dotted();
    let args = NO_ARGUMENTS;
    if (this.isOperator("(")) args = this.#arguments();
    else if (this.#startsArgument()) args = { positional: [this.#postfix(this.primary())], named: [] };
    return { kind: "test", input, name, arguments: args, negated };
  }

  #startsArgument(): boolean {
    if (["else", "or", "and"].some((word) => this.is("name", word))) return false;
    if (this.is("name", "is")) throw this.error("You cannot chain multiple tests with is");
    return ARGUMENT_KINDS.includes(this.token.kind) || this.isOperator("[") || this.isOperator("{");
  }

  #dotted(): string {
    let name = this.expect("name").value;
    while (this.skipIf("operator", ".")) name += `.${this.expect("name").value}`;
    return name;
  }

  #arguments(): Arguments {
    const found: Arguments = { positional: [], named: [] };
    const refuse = (isWrong: boolean) => {
      if (isWrong) throw this.error("invalid syntax for function call expression");
    };
    this.expect("operator", "(");
    for (let first = true; !this.skipIf("operator", ")"); first = false) {
      if (!first) this.expect("operator", ",");
      if (!first && this.skipIf("operator", ")")) break;
      if (this.skipIf("operator", "*")) {
        refuse(found.list !== undefined || found.dict !== undefined);
        found.list = this.expression();
      } else if (this.skipIf("operator", "**")) {
        refuse(found.dict !== undefined);
        found.dict = this.expression();
      } else if (this.is("name") && this.is("operator", "=", 1)) {
        refuse(found.dict !== undefined);
        const name = this.next().value;
        this.next();
        found.named.push([name, this.expression()]);
      } else {
        refuse(found.list !== undefined || found.dict !== undefined || found.named.length > 0);
        found.positional.push(this.expression());
      }
    }
    return found;
  }
}
