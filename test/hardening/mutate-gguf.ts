/**
 * Seeded damage to GGUF files, of the kinds that files really have and of those that somebody builds on purpose: bits
 * flipped, pieces spliced, counts and lengths, types, hyper-parameters, tensors, vocabularies, chat templates.
 */
import { RandomGenerator } from "../../src/random.js";

export const KINDS = [
  "flips",
  "splice",
  "counts",
  "types",
  "hyper-parameters",
  "tensors",
  "vocabulary",
  "template",
] as const;
export type Kind = (typeof KINDS)[number];

export interface Mutant {
  kind: Kind;
  bytes: Buffer;
}

/** Where things stand in a file's header. */
interface Layout {
  /** Places of counts and lengths, eight bytes each. */
  counts: number[];
  /** Places of value types, element types and tensor types, four bytes each. */
  types: number[];
  /** Values of one number outside arrays: place, size, whether it is a float, key. */
  numbers: { at: number; size: number; isFloat: boolean; key: string }[];
  /** Places of tensors' dimensions and offsets, eight bytes each. */
  tensors: number[];
  /** Elements of the vocabulary: texts of tokens and merges without their lengths, and the arrays of numbers. */
  vocabulary: { start: number; end: number }[];
  /** Place of a key's string value: its length, then its text. */
  strings: Map<string, { at: number; end: number }>;
  headerEnd: number;
}

const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const FLOATS = new Set([6, 12]);
const STRING = 8;
const ARRAY = 9;

/** Templates that loop, grow, recurse, are wrong, or are none. */
const TEMPLATES = [
  "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
  "{% set ns = namespace(t='x') %}{% for i in range(60) %}{% set ns.t = ns.t + ns.t %}{% endfor %}{{ ns.t }}",
  "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
  "{{ 'x' * 10000000000 }}",
  "{% for m in messages %}{{ m.content | replace('', 'xxxxxxxxxxxxxxxxxxxx') | replace('', 'yyyyyyyyyyyyyyyyyyyy') }}{% endfor %}",
  "{{ messages | tojson(indent=100000) }}",
  "{% for m in messages %}",
  "{{ raise_exception('no') }}",
  "{{ messages[99].content.nowhere }}",
  "{% set x = [] %}{% for i in range(1000000) %}{% set _ = x.append(x) %}{% endfor %}{{ x }}",
  "{{ ''.__class__.__mro__ }}",
  "",
  "\u0000\uffff{{",
  "{{ range(1000000000) | list | length }}",
  "{{ messages | map(attribute='content') | join('x' * 100000) }}",
  `${"{% if true %}".repeat(3000)}x${"{% endif %}".repeat(3000)}`,
  `{{ ${"(".repeat(20_000)}1${")".repeat(20_000)} }}`,
];

const ODD_COUNTS = [
  0n,
  1n,
  2n,
  255n,
  65_536n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 40n,
  2n ** 61n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const ODD_NUMBERS = [0, 1, 2, 3, 7, 31, 33, 255, 4096, 65_537, 1_000_003, 2 ** 31 - 1, -1, -(2 ** 31)];
const ODD_FLOATS = [0, -0, 1, -1, 1e-45, 1e38, -1e38, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/** The mutant of an index: the same seed, index and files give the same bytes. */
export function mutate(files: readonly Buffer[], seed: number, index: number): Mutant {
  const random = new RandomGenerator(seed * 1_000_003 + index);
  const bytes = Buffer.from(files[index % files.length]);
  const kind = KINDS[Math.floor(index / files.length) % KINDS.length];
  const layout = layoutOf(bytes);
  return { kind, bytes: MAKERS[kind]({ bytes, layout, files, pick: (count) => Math.floor(random.next() * count) }) };
}

interface Job {
  bytes: Buffer;
  layout: Layout;
  files: readonly Buffer[];
  /** A whole number below. */
  pick(count: number): number;
}

const MAKERS: Record<Kind, (job: Job) => Buffer> = {
  flips({ bytes, layout, pick }) {
    // Half of them where a header can still be read: in texts of tokens, and among the weights.
    const place = [
      () => pick(layout.headerEnd),
      () => layout.headerEnd + pick(bytes.length - layout.headerEnd),
      () => layout.vocabulary[pick(layout.vocabulary.length)].start,
    ][pick(4) === 0 ? 2 : pick(2)];
    for (let flips = 1 + pick(8); flips > 0; flips--) bytes[place()] ^= 1 << pick(8);
    return bytes;
  },
  splice({ bytes, layout, files, pick }) {
    const other = files[pick(files.length)];
    const start = pick(layout.headerEnd);
    const length = 1 + pick(pick(4) === 0 ? bytes.length : 64);
    const from = pick(other.length);
    const piece = other.subarray(from, from + length);
    const cuts: (() => Buffer)[] = [
      () => bytes.subarray(0, start),
      () => Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + length)]),
      () => Buffer.concat([bytes.subarray(0, start), piece, bytes.subarray(start)]),
      () => Buffer.concat([bytes.subarray(0, start), piece, bytes.subarray(start + piece.length)]),
      () => Buffer.concat([bytes, piece]),
      () => bytes.subarray(0, bytes.length - pick(bytes.length - layout.headerEnd)),
    ];
    return Buffer.from(cuts[pick(cuts.length)]());
  },
  counts({ bytes, layout, pick }) {
    for (let changes = 1 + pick(2); changes > 0; changes--) {
      const at = layout.counts[pick(3) === 0 ? pick(2) : pick(layout.counts.length)];
      const value = bytes.readBigUInt64LE(at);
      const near = [value + 1n, value === 0n ? 1n : value - 1n, value * 2n, value / 2n];
      const odd = pick(2) === 0 ? near[pick(near.length)] : ODD_COUNTS[pick(ODD_COUNTS.length)];
      bytes.writeBigUInt64LE(BigInt.asUintN(64, odd), at);
    }
    return bytes;
  },
  types({ bytes, layout, pick }) {
    for (let changes = 1 + pick(2); changes > 0; changes--) {
      bytes.writeUInt32LE(pick(8) === 0 ? 2 ** 32 - 1 - pick(3) : pick(42), layout.types[pick(layout.types.length)]);
    }
    return bytes;
  },
  "hyper-parameters"({ bytes, layout, pick }) {
    for (let changes = 1 + pick(2); changes > 0; changes--) {
      const { at, size, isFloat } = layout.numbers[pick(layout.numbers.length)];
      if (isFloat) {
        const value = ODD_FLOATS[pick(ODD_FLOATS.length)];
        if (size === 4) bytes.writeFloatLE(value, at);
        else bytes.writeDoubleLE(value, at);
      } else {
        const value = BigInt(ODD_NUMBERS[pick(ODD_NUMBERS.length)]);
        const image = Buffer.alloc(8);
        image.writeBigInt64LE(value);
        image.copy(bytes, at, 0, size);
      }
    }
    return bytes;
  },
  tensors({ bytes, layout, pick }) {
    // Weights that are no numbers, in a file that is sound otherwise.
    if (pick(3) === 0) {
      const at = layout.headerEnd + pick(bytes.length - layout.headerEnd);
      return bytes.fill(255, at, Math.min(bytes.length, at + 1 + pick(4096)));
    }
    for (let changes = 1 + pick(2); changes > 0; changes--) {
      const at = layout.tensors[pick(layout.tensors.length)];
      const value = bytes.readBigUInt64LE(at);
      const odd = [value + 1n, value * 2n, value / 2n, value + 32n, value ^ 4n, ...ODD_COUNTS];
      bytes.writeBigUInt64LE(BigInt.asUintN(64, odd[pick(odd.length)]), at);
    }
    return bytes;
  },
  vocabulary({ bytes, layout, pick }) {
    const element = () => layout.vocabulary[pick(layout.vocabulary.length)];
    for (let changes = 1 + pick(6); changes > 0; changes--) {
      const { start, end } = pick(8) === 0 ? layout.vocabulary.at(-1 - pick(2))! : element();
      const at = start + pick(end - start);
      const way = pick(8);
      if (way < 4) bytes[at] ^= 1 << pick(8);
      else if (way < 7) bytes[at] = pick(256);
      else {
        const other = element();
        bytes.copy(bytes, start, other.start, Math.min(other.end, other.start + end - start));
      }
    }
    return bytes;
  },
  template({ bytes, layout, pick }) {
    const text = TEMPLATES[pick(TEMPLATES.length)];
    const cut = pick(3) === 0 ? text.slice(0, pick(text.length + 1)) : text;
    return replaceString(bytes, layout, "tokenizer.chat_template", cut);
  },
};

/** Another text for a key, with the data moved to where the format's alignment puts it. */
function replaceString(bytes: Buffer, layout: Layout, key: string, text: string): Buffer {
  const place = layout.strings.get(key);
  if (place === undefined) throw new Error(`no ${key}`);
  const length = Buffer.alloc(8);
  const value = Buffer.from(text);
  length.writeBigUInt64LE(BigInt(value.length));
  const head = Buffer.concat([bytes.subarray(0, place.at), length, value, bytes.subarray(place.end, layout.headerEnd)]);
  const aligned = (size: number) => Math.ceil(size / 32) * 32;
  const gap = Buffer.alloc(aligned(head.length) - head.length);
  return Buffer.concat([head, gap, bytes.subarray(aligned(layout.headerEnd))]);
}

function layoutOf(bytes: Buffer): Layout {
  const layout: Layout = {
    counts: [8, 16],
    types: [],
    numbers: [],
    tensors: [],
    vocabulary: [],
    strings: new Map(),
    headerEnd: 0,
  };
  let at = 24;
  const count = () => {
    layout.counts.push(at);
    at += 8;
    return Number(bytes.readBigUInt64LE(at - 8));
  };
  const text = () => {
    const length = count();
    at += length;
    return bytes.toString("utf8", at - length, at);
  };
  const type = () => {
    layout.types.push(at);
    at += 4;
    return bytes.readUInt32LE(at - 4);
  };
  const tensorCount = Number(bytes.readBigUInt64LE(8));
  for (let left = Number(bytes.readBigUInt64LE(16)); left > 0; left--) {
    const key = text();
    const valueType = type();
    const start = at;
    if (valueType === STRING) {
      text();
      layout.strings.set(key, { at: start, end: at });
    } else if (valueType === ARRAY) {
      const elementType = type();
      const length = count();
      const first = at;
      for (let element = 0; elementType === STRING && element < length; element++) {
        text();
        const size = Number(bytes.readBigUInt64LE(layout.counts.at(-1)!));
        if (size > 0) layout.vocabulary.push({ start: at - size, end: at });
      }
      if (elementType !== STRING) {
        at += length * SIZES[elementType];
        layout.vocabulary.push({ start: first, end: at });
      }
    } else {
      at += SIZES[valueType];
      layout.numbers.push({ at: start, size: SIZES[valueType], isFloat: FLOATS.has(valueType), key });
    }
  }
  for (let left = tensorCount; left > 0; left--) {
    text();
    const dimensions = bytes.readUInt32LE(at);
    at += 4;
    for (let dimension = 0; dimension < dimensions; dimension++, at += 8) layout.tensors.push(at);
    type();
    layout.tensors.push(at);
    at += 8;
  }
  layout.headerEnd = at;
  return layout;
}
