/** How much this thread copies: what a step costs beyond the models, counted instead of timed. */

/** Elements copied by typed arrays, buffers and lists so far, while `during` runs. */
export async function copying<T>(during: (count: () => number) => Promise<T>): Promise<T> {
  let copied = 0;
  const typed = Object.getPrototypeOf(Int32Array) as { from: unknown; prototype: object };
  const places: [object, string, (result: unknown, args: readonly unknown[]) => number][] = [
    [Buffer, "concat", lengthOf],
    [Array, "from", lengthOf],
    [typed, "from", lengthOf],
    [typed.prototype, "slice", lengthOf],
    [typed.prototype, "set", (_, [source]) => lengthOf(source)],
    [Array.prototype, "slice", lengthOf],
    [Array.prototype, "concat", lengthOf],
    [TextDecoder.prototype, "decode", lengthOf],
  ];
  const originals = places.map(([owner, name]) => Object.getOwnPropertyDescriptor(owner, name)!);
  for (const [place, [owner, name, count]] of places.entries()) {
    const original = originals[place].value as (...args: unknown[]) => unknown;
    Object.defineProperty(owner, name, {
      ...originals[place],
      value(this: unknown, ...args: unknown[]) {
        const result = Reflect.apply(original, this, args);
        copied += count(result, args);
        return result;
      },
    });
  }
  try {
    return await during(() => copied);
  } finally {
    for (const [place, [owner, name]] of places.entries()) Object.defineProperty(owner, name, originals[place]);
  }
}

function lengthOf(value: unknown): number {
  return (value as { length?: number } | undefined)?.length ?? 0;
}
