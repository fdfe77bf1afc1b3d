/** Expressions → values. */
import { attributeOf, indexed } from "./attributes.js";
import type { Budget } from "./budget.js";
import { entriesOf } from "./entries.js";
import { JinjaError } from "./errors.js";
import { FILTERS } from "./filters.js";
import { iterate, sliceOf } from "./iterate.js";
import type { Machine } from "./machine.js";
import type { Arguments, Comparison, Expression } from "./nodes.js";
import { binary, contains, equals, isTrue, negative, order } from "./operators.js";
import { toText } from "./print.js";
import type { Scope } from "./scope.js";
import { TESTS } from "./tests.js";
import { EMPTY, Text } from "./text.js";
import { Attributes, Callable, Dict, Float, Tuple, typeName, Undefined, type Value } from "./values.js";

export class Evaluator implements Machine {
  constructor(readonly budget: Budget) {}

  evaluate(node: Expression, scope: Scope): Value {
    this.budget.spend(1);
    switch (node.kind) {
      case "constant":
        return typeof node.value === "object" && node.value !== null && "float" in node.value
          ? new Float(node.value.float)
          : node.value;
      case "name":
        this.#readName(node.name);
        return scope.get(node.name);
      case "list":
        return node.items.map((item) => this.evaluate(item, scope));
      case "tuple":
        return new Tuple(node.items.map((item) => this.evaluate(item, scope)));
      case "dict": {
        const dict = new Dict();
        for (const [name, value] of node.entries) {
          const key = this.evaluate(name, scope);
          this.budget.reads(key);
          dict.set(key, this.evaluate(value, scope));
        }
        return dict;
      }
      case "attribute":
        return this.attribute(this.evaluate(node.object, scope), node.name);
      case "item":
        return this.item(this.evaluate(node.object, scope), this.evaluate(node.index, scope));
      case "slice": {
        const object = this.evaluate(node.object, scope);
        const bounds = node.bounds.map((bound) => (bound === undefined ? null : this.evaluate(bound, scope)));
        return this.#slice(object, bounds);
      }
      case "call": {
        const callee = this.evaluate(node.callee, scope);
        const { positional, named } = this.arguments(node.arguments, scope);
        return this.call(callee, positional, named);
      }
      case "filter": {
        const input = node.input === undefined ? EMPTY : this.evaluate(node.input, scope);
        const { positional, named } = this.arguments(node.arguments, scope);
        return this.filter(node.name, input, positional, named);
      }
      case "test": {
        const input = this.evaluate(node.input, scope);
        const { positional, named } = this.arguments(node.arguments, scope);
        return this.test(node.name, input, positional, named) !== node.negated;
      }
      case "unary": {
        const operand = this.evaluate(node.operand, scope);
        return node.operator === "not" ? !isTrue(operand) : negative(operand, node.operator === "-" ? -1 : 1);
      }
      case "binary":
        return binary(node.operator, this.evaluate(node.left, scope), this.evaluate(node.right, scope), this.budget);
      case "and":
      case "or": {
        const left = this.evaluate(node.left, scope);
        return isTrue(left) === (node.kind === "and") ? this.evaluate(node.right, scope) : left;
      }
      case "concat": {
        const parts = node.parts.map((part) => toText(this.evaluate(part, scope), this.budget));
        this.budget.text(parts.reduce((sum, { value }) => sum + value.length, 0));
        return Text.join(parts);
      }
      case "compare":
        return this.#compare(node.first, node.rest, scope);
      case "conditional":
        if (isTrue(this.evaluate(node.test, scope))) return this.evaluate(node.then, scope);
        if (node.otherwise !== undefined) return this.evaluate(node.otherwise, scope);
        return new Undefined("the inline if-expression evaluated to false and no else section was defined.");
    }
  }

  arguments(given: Arguments, scope: Scope): { positional: Value[]; named: Map<string, Value> } {
    const positional = given.positional.map((argument) => this.evaluate(argument, scope));
    const named = new Map(
      given.named.map(([name, argument]) => {
        this.#readName(name);
        return [name, this.evaluate(argument, scope)];
      }),
    );
    if (given.list !== undefined) {
      for (const value of iterate(this.evaluate(given.list, scope), this.budget)) positional.push(value);
    }
    if (given.dict !== undefined) {
      for (const [key, value] of entriesOf(this.evaluate(given.dict, scope), this.budget))
        named.set(toText(key, this.budget).value, value);
    }
    return { positional, named };
  }

  attribute(value: Value, name: string): Value {
    this.#readName(name);
    return attributeOf(value, name, this);
  }

  item(value: Value, index: Value): Value {
    return indexed(value, index, this);
  }

  call(callee: Value, args: Value[], kwargs = new Map<string, Value>()): Value {
    if (callee instanceof Undefined) throw callee.fail();
    this.#readAll(args, kwargs);
    if (callee instanceof Attributes && callee.call !== undefined) return callee.call(args, kwargs);
    if (!(callee instanceof Callable))
      throw new JinjaError("TypeError", `'${typeName(callee)}' object is not callable`);
    return callee.call(args, kwargs);
  }

  filter(name: string, input: Value, args: Value[], kwargs: Map<string, Value>): Value {
    if (!Object.hasOwn(FILTERS, name)) throw new JinjaError("TemplateRuntimeError", `No filter named '${name}' found.`);
    this.budget.spend(1);
    this.budget.reads(input);
    this.#readAll(args, kwargs);
    return FILTERS[name](input, args, kwargs, this);
  }

  test(name: string, input: Value, args: Value[], kwargs: Map<string, Value>): boolean {
    this.budget.spend(1);
    this.budget.reads(input);
    this.#readAll(args, kwargs);
    if (name === "filter" || name === "test") {
      const known = name === "filter" ? FILTERS : TESTS;
      return input instanceof Text && Object.hasOwn(known, input.value);
    }
    if (!Object.hasOwn(TESTS, name)) throw new JinjaError("TemplateRuntimeError", `No test named '${name}' found.`);
    return TESTS[name](input, [...args, ...kwargs.values()], this);
  }

  #readAll(args: readonly Value[], kwargs: ReadonlyMap<string, Value>): void {
    for (const arg of args) this.budget.reads(arg);
    for (const arg of kwargs.values()) this.budget.reads(arg);
  }

  /** Looked up by their letters, and long where somebody means harm. */
  #readName(name: string): void {
    if (name.length > 64) this.budget.text(name.length);
  }

  /** Jinja gives undefined where Python could not slice. */
  #slice(object: Value, bounds: Value[]): Value {
    try {
      return sliceOf(object, bounds, this.budget);
    } catch (error) {
      if (!(error instanceof JinjaError) || error.name !== "TypeError") throw error;
      return new Undefined(error.message);
    }
  }

  #compare(first: Expression, rest: readonly { operator: Comparison; operand: Expression }[], scope: Scope): boolean {
    let left = this.evaluate(first, scope);
    for (const { operator, operand } of rest) {
      const right = this.evaluate(operand, scope);
      if (!this.#holds(operator, left, right)) return false;
      left = right;
    }
    return true;
  }

  #holds(operator: Comparison, left: Value, right: Value): boolean {
    switch (operator) {
      case "==":
        return equals(left, right, this.budget);
      case "!=":
        return !equals(left, right, this.budget);
      case "in":
        return contains(right, left, this.budget);
      case "not in":
        return !contains(right, left, this.budget);
      default: {
        const sign = order(left, right, this.budget, operator);
        return operator === "<" ? sign < 0 : operator === "<=" ? sign <= 0 : operator === ">" ? sign > 0 : sign >= 0;
      }
    }
  }
}
