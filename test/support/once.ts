/** What was made for the arguments so far, and for those that go on from them. */
class Known<Value> {
  readonly #named = new Map<unknown, Known<Value>>();
  readonly #objects = new WeakMap<object, Known<Value>>();
  made: { value: Value } | undefined;

  behind(given: unknown): Known<Value> {
    const isObject = typeof given === "object" && given !== null;
    const known = isObject ? this.#objects.get(given) : this.#named.get(given);
    if (known !== undefined) return known;
    const next = new Known<Value>();
    if (isObject) this.#objects.set(given, next);
    else this.#named.set(given, next);
    return next;
  }
}

/**
 * The same function, which makes its value only once for the same arguments: a test that is called again need not write its
 * file again.
 */
export function once<Given extends readonly unknown[], Value>(make: (...given: Given) => Value): typeof make {
  const root = new Known<Value>();
  return (...given) => {
    const known = given.reduce((at: Known<Value>, each) => at.behind(each), root);
    known.made ??= { value: make(...given) };
    return known.made.value;
  };
}
