/** Statements → text: a template at work. */
import type { Budget } from "./budget.js";
import { JinjaError } from "./errors.js";
import { Evaluator } from "./evaluate.js";
import { makeGlobals } from "./globals.js";
import { iterate } from "./iterate.js";
import { Loop } from "./loop.js";
import { makeMacro } from "./macro.js";
import type { Expression, Statement, Target } from "./nodes.js";
import { isTrue } from "./operators.js";
import { toText } from "./print.js";
import { Scope } from "./scope.js";
import { Text } from "./text.js";
import { Namespace, typeName, type Value } from "./values.js";

/** How a body ended: at its end, or where it left a loop. */
type Outcome = "break" | "continue" | undefined;

/** Errors: JinjaError; see there. */
export function renderStatements(
  program: readonly Statement[],
  variables: ReadonlyMap<string, Value>,
  formatDate: (format: string) => string,
  budget: Budget,
): Text {
  const renderer = new Renderer(budget);
  const globals = new Scope();
  for (const [name, value] of makeGlobals(renderer.evaluator, formatDate)) globals.set(name, value);
  const scope = new Scope(globals);
  for (const [name, value] of variables) scope.set(name, value);
  return renderer.text(program, scope);
}

export class Renderer {
  readonly evaluator: Evaluator;

  constructor(readonly budget: Budget) {
    this.evaluator = new Evaluator(budget);
  }

  /** What a body prints. */
  text(body: readonly Statement[], scope: Scope): Text {
    const parts: Text[] = [new Text("")];
    this.#run(body, scope, parts);
    this.budget.text(parts.reduce((sum, { value }) => sum + value.length, 0));
    return Text.join(parts);
  }

  #run(body: readonly Statement[], scope: Scope, out: Text[]): Outcome {
    for (const statement of body) {
      const outcome = this.#statement(statement, scope, out);
      if (outcome !== undefined) return outcome;
    }
    return undefined;
  }

  #statement(statement: Statement, scope: Scope, out: Text[]): Outcome {
    this.budget.spend(1);
    switch (statement.kind) {
      case "text":
        this.#print(statement.text, out);
        return undefined;
      case "output":
        this.#print(toText(this.#value(statement.value, scope), this.budget), out);
        return undefined;
      case "if": {
        const branch = statement.branches.find(({ test }) => isTrue(this.#value(test, scope)));
        return this.#run(branch?.body ?? statement.otherwise, scope, out);
      }
      case "for":
        return this.#loop(statement, this.#value(statement.items, scope), scope, out, 0);
      case "break":
      case "continue":
        return statement.kind;
      case "set":
        this.#assign(statement.target, this.#value(statement.value, scope), scope);
        return undefined;
      case "setBlock": {
        const text = this.text(statement.body, new Scope(scope));
        this.#assign(
          statement.target,
          statement.filter === undefined ? text : this.#filtered(statement.filter, text, scope),
          scope,
        );
        return undefined;
      }
      case "macro":
        scope.set(statement.name, makeMacro(statement, scope, this));
        return undefined;
      case "callBlock": {
        const caller = makeMacro({ name: "caller", ...statement }, scope, this);
        const { call } = statement;
        if (call.kind !== "call") return undefined;
        const { positional, named } = this.evaluator.arguments(call.arguments, scope);
        const callee = this.#value(call.callee, scope);
        this.#print(toText(this.evaluator.call(callee, positional, named.set("caller", caller)), this.budget), out);
        return undefined;
      }
      case "filterBlock": {
        const text = this.text(statement.body, new Scope(scope));
        this.#print(toText(this.#filtered(statement.filter, text, scope), this.budget), out);
        return undefined;
      }
      case "with": {
        const inner = new Scope(scope);
        for (const { target, value } of statement.bindings) this.#assign(target, this.#value(value, inner), inner);
        return this.#run(statement.body, inner, out);
      }
      case "scope":
        return this.#run(statement.body, new Scope(scope), out);
    }
  }

  #value(node: Expression, scope: Scope): Value {
    return this.evaluator.evaluate(node, scope);
  }

  /** Output is charged as it grows: what is printed is kept. */
  #print(text: Text, out: Text[]): void {
    this.budget.spend(text.value.length / 16);
    if (text.value !== "") out.push(text);
  }

  #loop(statement: Statement & { kind: "for" }, items: Value, scope: Scope, out: Text[], depth: number): Outcome {
    const all = iterate(items, this.budget);
    const chosen =
      statement.test === undefined
        ? all
        : all.filter((item) => {
            const inner = new Scope(scope);
            this.#assign(statement.target, item, inner);
            return isTrue(this.#value(statement.test as Expression, inner));
          });
    const recurse = (more: Value): Value => {
      this.budget.enter();
      const parts: Text[] = [new Text("")];
      this.#loop(statement, more, scope, parts, depth + 1);
      this.budget.leave();
      return Text.join(parts);
    };
    const loop = new Loop(chosen, depth, this.budget, statement.recursive ? recurse : undefined);
    for (const [index, item] of chosen.entries()) {
      // Its own variables, and those of the loop.
      this.budget.spend(3);
      loop.index0 = index;
      const inner = new Scope(scope);
      inner.set("loop", loop);
      this.#assign(statement.target, item, inner);
      if (this.#run(statement.body, inner, out) === "break") break;
    }
    if (chosen.length === 0) return this.#run(statement.otherwise, new Scope(scope), out);
    return undefined;
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    if (target.kind === "name") {
      scope.set(target.name, value);
      return;
    }
    if (target.kind === "attribute") {
      const namespace = scope.get(target.name);
      if (!(namespace instanceof Namespace))
        throw new JinjaError("TemplateRuntimeError", "cannot assign attribute on non-namespace object");
      namespace.attributes.set(target.attribute, value);
      return;
    }
    const items = unpackable(value) ? iterate(value, this.budget) : undefined;
    if (items === undefined) throw new JinjaError("TypeError", `cannot unpack non-iterable ${typeName(value)} object`);
    if (items.length !== target.items.length) {
      const count = target.items.length;
      const [what, got] = items.length < count ? ["not enough", `, got ${items.length}`] : ["too many", ""];
      throw new JinjaError("ValueError", `${what} values to unpack (expected ${count}${got})`);
    }
    for (const [index, inner] of target.items.entries()) this.#assign(inner, items[index], scope);
  }

  /** A filter chain whose innermost filter gets the text of a block. */
  #filtered(filter: Expression, text: Text, scope: Scope): Value {
    if (filter.kind !== "filter") return text;
    const input = filter.input === undefined ? text : this.#filtered(filter.input, text, scope);
    const { positional, named } = this.evaluator.arguments(filter.arguments, scope);
    return this.evaluator.filter(filter.name, input, positional, named);
  }
}

function unpackable(value: Value): boolean {
  return typeof value === "object" && value !== null && !(value instanceof Namespace);
}
