/** Values that people and programs hand over by mistake or on purpose; the same index gives the same value. */
import { RandomGenerator } from "../../src/random.js";

const thrower = (name: string, error: () => unknown) =>
  Object.defineProperty({}, name, {
    enumerable: true,
    get() {
      throw error();
    },
  });

const cyclic = (): object => {
  const value: Record<string, unknown> = { name: "unite" };
  value.self = value;
  return value;
};

const deep = (levels: number): unknown => {
  let value: unknown = [];
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
};

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

/** Made anew each time, so that no call sees what another has done to one. */
const PLAIN: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  ...[
    true,
    false,
    0,
    -0,
    1,
    -1,
    0.5,
    1.5,
    2,
    7,
    64,
    1e-320,
    1e9,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    -(2 ** 53),
    1e308,
    -1e308,
  ].map((value) => () => value),
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value) => () => value),
  ...[0n, -1n, 2n ** 64n].map((value) => () => value),
  () => Symbol("odd"),
  () => Symbol.iterator,
  ...["", " ", "x", "0", "-1", "1e9", "NaN", "null", "true", "unite", "__proto__", "constructor", "toString"].map(
    (value) => () => value,
  ),
  ...[
    "\u0000",
    "\ud800",
    "\udfff\ud800",
    "\u001b[31m",
    "\ufeff",
    "é",
    "😀",
    "a\nb",
    "/",
    "..",
    "/dev/null",
    "%s%n",
    "hf:",
    "https://",
  ].map((value) => () => value),
  () => "x".repeat(100_000),
  () => "\u202e".repeat(1000),
  () => [],
  () => [[]],
  () => [null],
  () => [undefined],
  () => ["a", "a"],
  () => [1, 2, 3],
  () => [Number.NaN],
  () => new Array(5),
  () => new Array(10_000),
  () => Object.assign([1], { length: 3 }),
  () => ({}),
  () => ({ name: null }),
  () => ({ name: "unite" }),
  () => ({ length: 1e9 }),
  () => ({ length: -1, 0: "a" }),
  // biome-ignore lint/suspicious/noThenProperty: what a promise is taken for.
  () => ({ then: 1 }),
  () => ({ toString: 1, valueOf: 2 }),
  () => ({ toJSON: () => 1n }),
  () => JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'),
  () => Object.create(null),
  () => Object.create({ name: "unite" }),
  () => Object.freeze({ name: "gac" }),
  cyclic,
  () => deep(100),
  () => deep(20_000),
  () => () => {},
  () => () => {
    throw new TypeError("odd");
  },
  () => async () => {
    throw new TypeError("odd");
  },
  () => class Odd {},
  () => new Date(Number.NaN),
  () => new Date(0),
  () => /x/g,
  () => new Map([["name", "unite"]]),
  () => new Set(["unite"]),
  () => new WeakMap(),
  () => Promise.resolve("unite"),
  () => new Error("odd"),
  () => new Uint8Array(),
  () => Uint8Array.of(0xff, 0xfe),
  () => new Float64Array([Number.NaN, 1]),
  () => new SharedArrayBuffer(8),
  () => new DataView(new ArrayBuffer(8)),
  () => new String("unite"),
  () => new Number(3),
  () => new AbortController(),
  () => AbortSignal.abort("odd"),
  () => new Proxy({}, {}),
  () => new Proxy([], { get: () => Symbol("odd") }),
  () =>
    new Proxy(
      {},
      {
        ownKeys() {
          throw new RangeError("odd");
        },
      },
    ),
  revoked,
  () => thrower("name", () => new TypeError("odd")),
  () => thrower("length", () => "odd"),
  () => thrower("signal", () => null),
  () => thrower("toString", () => undefined),
  () => globalThis,
  () => process.stdout,
];

export const PLAIN_COUNT = PLAIN.length;

/** Beyond the plain ones they are lists and objects of others. `names`: keys that somebody may look for. */
export function oddValue(index: number, names: readonly string[] = []): unknown {
  if (index < PLAIN.length) return PLAIN[index]();
  const random = new RandomGenerator(index);
  const pick = (count: number) => Math.floor(random.next() * count);
  const make = (depth: number): unknown => {
    const way = depth > 3 ? 0 : pick(4);
    if (way <= 1) return PLAIN[pick(PLAIN.length)]();
    if (way === 2) return Array.from({ length: pick(4) }, () => make(depth + 1));
    const keys = [...names, "name", "k", "x"];
    return Object.fromEntries(Array.from({ length: 1 + pick(4) }, () => [keys[pick(keys.length)], make(depth + 1)]));
  };
  return names.length > 0
    ? Object.fromEntries(Array.from({ length: 1 + pick(3) }, () => [names[pick(names.length)], make(1)]))
    : make(0);
}
