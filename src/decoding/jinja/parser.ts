/** Statements, and with them whole templates. */
import { unsupported } from "./errors.js";
import { tokenise } from "./lexer.js";
import type { Expression, MacroBody, Parameter, Statement, Target } from "./nodes.js";
import { ExpressionParser } from "./parse-expression.js";
import { Text } from "./text.js";

/** Errors: JinjaError (TemplateSyntaxError, RecursionError, Unsupported). */
export function parseTemplate(source: string): Statement[] {
  return new Parser(tokenise(source)).template();
}

/** What needs other templates, which a model file does not have. */
const OTHER_TEMPLATES = new Set(["include", "import", "from", "extends"]);

class Parser extends ExpressionParser {
  /** Whether `break` and `continue` have a loop. */
  #loops = 0;

  template(): Statement[] {
    const body = this.#body([]);
    this.expect("end");
    return body;
  }

  /** Statements up to one of these words, which is the next token then. */
  #body(ends: readonly string[]): Statement[] {
    const body: Statement[] = [];
    while (true) {
      if (this.is("end")) {
        if (ends.length > 0) throw this.error(`Unexpected end of template; looking for ${ends.join(" or ")}`);
        return body;
      }
      const token = this.next();
      if (token.kind === "text") body.push({ kind: "text", text: new Text(token.value) });
      else if (token.kind === "valueBegin") {
        body.push({ kind: "output", value: this.tupleOrExpression() });
        this.expect("valueEnd");
      } else {
        if (ends.some((end) => this.is("name", end))) return body;
        const statement = this.nested(() => this.#statement());
        if (statement !== undefined) body.push(statement);
        this.expect("blockEnd");
      }
    }
  }

  /** The body of a block that has begun, and its end's name. */
  #block(...ends: string[]): Statement[] {
    this.expect("blockEnd");
    return this.#body(ends);
  }

  #blockTo(end: string): Statement[] {
    const body = this.#block(end);
    this.next();
    return body;
  }

  #statement(): Statement | undefined {
    const word = this.expect("name").value;
    switch (word) {
      case "if":
        return this.#if();
      case "for":
        return this.#for();
      case "set":
        return this.#set();
      case "macro":
        return this.#macro();
      case "call":
        return this.#call();
      case "filter": {
        const filter = this.filterChain(undefined, true);
        return { kind: "filterBlock", filter, body: this.#blockTo("endfilter") };
      }
      case "with":
        return this.#with();
      case "break":
      case "continue":
        if (this.#loops === 0) throw this.error(`'${word}' outside loop`);
        return { kind: word };
      case "generation":
        return { kind: "scope", body: this.#blockTo("endgeneration") };
      case "block":
        return this.#namedBlock();
      case "autoescape":
        throw unsupported("the autoescape tag");
      default:
        if (OTHER_TEMPLATES.has(word)) throw unsupported(`the tag '${word}', which needs other templates,`);
        throw this.error(`Encountered unknown tag '${word}'`);
    }
  }

  #if(): Statement {
    const branches: { test: Expression; body: Statement[] }[] = [];
    let otherwise: Statement[] = [];
    do {
      const test = this.tupleOrExpression(false);
      branches.push({ test, body: this.#block("elif", "else", "endif") });
    } while (this.skipIf("name", "elif"));
    if (this.next().value === "else") otherwise = this.#blockTo("endif");
    return { kind: "if", branches, otherwise };
  }

  #for(): Statement {
    const target = this.#target();
    this.expect("name", "in");
    const items = this.#loopItems();
    const test = this.skipIf("name", "if") ? this.expression() : undefined;
    const recursive = this.skipIf("name", "recursive");
    this.#loops++;
    const body = this.#block("else", "endfor");
    this.#loops--;
    const otherwise = this.next().value === "else" ? this.#blockTo("endfor") : [];
    return { kind: "for", target, items, test, body, otherwise, recursive };
  }

  /** Without a conditional, whose `if` would be the loop's filter; `recursive` ends it as well. */
  #loopItems(): Expression {
    return this.tupleOrExpression(false);
  }

  protected override endsTuple(): boolean {
    return super.endsTuple() || this.is("name", "recursive");
  }

  #set(): Statement {
    const target = this.#target();
    if (this.skipIf("operator", "=")) return { kind: "set", target, value: this.tupleOrExpression() };
    const filter = this.isOperator("|") ? this.filterChain(undefined) : undefined;
    return { kind: "setBlock", target, filter, body: this.#blockTo("endset") };
  }

  #target(): Target {
    const items = [this.#oneTarget()];
    let isTuple = false;
    while (this.skipIf("operator", ",")) {
      isTuple = true;
      if (this.endsTuple() || this.isOperator("=")) break;
      items.push(this.#oneTarget());
    }
    return isTuple ? { kind: "tuple", items } : items[0];
  }

  #oneTarget(): Target {
    if (this.skipIf("operator", "(")) {
      const inside = this.#target();
      this.expect("operator", ")");
      return inside;
    }
    const name = this.expect("name").value;
    if (!this.skipIf("operator", ".")) return { kind: "name", name };
    return { kind: "attribute", name, attribute: this.expect("name").value };
  }

  #macro(): Statement {
    const name = this.expect("name").value;
    const parameters = this.#parameters();
    return { kind: "macro", name, parameters, ...this.#separately(() => this.#blockTo("endmacro")) };
  }

  #call(): Statement {
    const parameters = this.isOperator("(") ? this.#parameters() : [];
    const call = this.expression();
    if (call.kind !== "call") throw this.error("expected call");
    return { kind: "callBlock", call, parameters, ...this.#separately(() => this.#blockTo("endcall")) };
  }

  /** A loop outside of a macro is not one for what is inside. */
  #separately(read: () => Statement[]): MacroBody {
    const loops = this.#loops;
    const around = this.unasked;
    const uses = (this.unasked = new Set());
    this.#loops = 0;
    const body = read();
    this.#loops = loops;
    this.unasked = new Set([...around, ...uses]);
    return { body, uses };
  }

  #parameters(): Parameter[] {
    const parameters: Parameter[] = [];
    this.expect("operator", "(");
    while (!this.skipIf("operator", ")")) {
      if (parameters.length > 0) this.expect("operator", ",");
      const name = this.expect("name").value;
      if (this.skipIf("operator", "=")) parameters.push({ name, default: this.expression() });
      else if (parameters.at(-1)?.default !== undefined)
        throw this.error("non-default argument follows default argument");
      else parameters.push({ name });
    }
    return parameters;
  }

  #with(): Statement {
    const bindings: { target: Target; value: Expression }[] = [];
    while (!this.is("blockEnd")) {
      if (bindings.length > 0) this.expect("operator", ",");
      const target = this.#oneTarget();
      this.expect("operator", "=");
      bindings.push({ target, value: this.expression() });
    }
    return { kind: "with", bindings, body: this.#blockTo("endwith") };
  }

  #namedBlock(): Statement {
    this.expect("name");
    while (this.skipIf("name", "scoped") || this.skipIf("name", "required"));
    const body = this.#blockTo("endblock");
    this.skipIf("name");
    return { kind: "scope", body };
  }
}
