/** Seeded damage to JSON documents: values replaced, fields and elements lost, doubled or swapped, texts cut, bits of packed arrays flipped. */
import { RandomGenerator } from "../../src/random.js";

const ODD: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  1e308,
  -1e308,
  2 ** 53,
  "",
  "x",
  "Infinity",
  "AAAA",
  [],
  {},
  [null],
  [[]],
  { a: null },
  "__proto__",
];

/** The text of a damaged document; the same seed and document give the same text. */
export function damagedJson(document: unknown, seed: number): string {
  const random = new RandomGenerator(seed);
  const pick = (count: number) => Math.floor(random.next() * count);
  const copy = JSON.parse(JSON.stringify(document));
  for (let changes = 1 + pick(3); changes > 0; changes--) {
    const places = placesOf(copy);
    if (places.length === 0) break;
    const { parent, key } = places[pick(places.length)];
    const value = parent[key];
    const ways: (() => unknown)[] = [
      () => ODD[pick(ODD.length)],
      () => undefined,
      () => (typeof value === "string" ? flippedBase64(value, pick) : value),
      () => (typeof value === "number" ? -value * 1e9 : [value, value]),
      () => (Array.isArray(value) ? value.slice(0, pick(value.length + 1)) : { value }),
      () => (Array.isArray(value) ? [...value, ...value] : ODD[pick(ODD.length)]),
    ];
    const next = ways[pick(ways.length)]();
    if (next === undefined && Array.isArray(parent)) parent.splice(Number(key), 1);
    else if (next === undefined) delete parent[key];
    else parent[key] = next;
  }
  const text = JSON.stringify(copy);
  if (pick(12) === 0) return text.slice(0, pick(text.length));
  // JSON has no such number, and JSON.parse makes it infinite all the same.
  return pick(12) === 0 ? text.replace(/:-?\d+(\.\d+)?/, ":1e999") : text;
}

type Holder = Record<string, unknown>;

function placesOf(value: unknown, found: { parent: Holder; key: string }[] = []): { parent: Holder; key: string }[] {
  if (typeof value !== "object" || value === null) return found;
  for (const [key, child] of Object.entries(value).slice(0, 40)) {
    found.push({ parent: value as Holder, key });
    placesOf(child, found);
  }
  return found;
}

/** Packed numbers with other bytes: among them NaN and infinities. */
function flippedBase64(text: string, pick: (count: number) => number): string {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length < 8) return "";
  const at = pick(bytes.length >> 3) * 8;
  bytes.fill(pick(2) === 0 ? 0xff : 0x7f, at, at + 8);
  return bytes.toString("base64");
}
