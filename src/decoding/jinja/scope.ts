/** Variables: a block sees those around it, and what it sets goes with it. */
import { Undefined, type Value } from "./values.js";

export class Scope {
  readonly #values = new Map<string, Value>();

  constructor(private readonly around?: Scope) {}

  get(name: string): Value {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.around) {
      const value = scope.#values.get(name);
      if (value !== undefined) return value;
    }
    return new Undefined(`'${name}' is undefined`);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}
