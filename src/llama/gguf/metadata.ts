/**
 * The metadata of a GGUF file: typed access to its key-value pairs. Arrays stay as bytes of the header and are decoded
 * when asked, so that a vocabulary of 256k tokens is one buffer and one offset table, not 256k strings.
 */
import { Cure, invalidModel, quoted } from "../checks/model-error.js";

/** The value types of the format, by id; `short` is how llama.cpp names them in its own errors. */
export const VALUE_TYPES = [
  { name: "uint8", short: "u8", bytes: 1 },
  { name: "int8", short: "i8", bytes: 1 },
  { name: "uint16", short: "u16", bytes: 2 },
  { name: "int16", short: "i16", bytes: 2 },
  { name: "uint32", short: "u32", bytes: 4 },
  { name: "int32", short: "i32", bytes: 4 },
  { name: "float32", short: "f32", bytes: 4 },
  { name: "bool", short: "bool", bytes: 1 },
  { name: "string", short: "str", bytes: 0 },
  { name: "array", short: "arr", bytes: 0 },
  { name: "uint64", short: "u64", bytes: 8 },
  { name: "int64", short: "i64", bytes: 8 },
  { name: "float64", short: "f64", bytes: 8 },
] as const;

export type ValueType = (typeof VALUE_TYPES)[number]["name"];
export type ElementType = Exclude<ValueType, "array">;
export type MetadataValue = number | bigint | boolean | string | GgufArray;
export type NumericArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** One array of the metadata, still in the bytes of the file. */
export class GgufArray {
  constructor(
    readonly elementType: ElementType,
    readonly length: number,
    /** The elements as in the file: numbers without gaps, strings each behind their 8-byte length. */
    readonly bytes: Uint8Array,
    /** For strings: where each one begins in `bytes` (past its length), and one entry more; else empty. */
    readonly starts: Uint32Array,
  ) {}

  /** String `index` as bytes; a view, not a copy. */
  bytesAt(index: number): Uint8Array {
    return this.bytes.subarray(this.starts[index], this.starts[index + 1]! - 8);
  }

  /** String `index` as text; bytes that are not UTF-8 become U+FFFD. */
  stringAt(index: number): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength).toString(
      "utf8",
      this.starts[index],
      this.starts[index + 1]! - 8,
    );
  }

  /** All numbers as a typed array of their own type (bool as 0 and 1). Not for strings. */
  numbers(): NumericArray {
    // A copy with its own buffer: elements in a file are not aligned to their size.
    const own = new Uint8Array(this.bytes).buffer;
    switch (this.elementType) {
      case "uint8":
      case "bool":
        return new Uint8Array(own);
      case "int8":
        return new Int8Array(own);
      case "uint16":
        return new Uint16Array(own);
      case "int16":
        return new Int16Array(own);
      case "uint32":
        return new Uint32Array(own);
      case "int32":
        return new Int32Array(own);
      case "uint64":
        return new BigUint64Array(own);
      case "int64":
        return new BigInt64Array(own);
      case "float32":
        return new Float32Array(own);
      case "float64":
        return new Float64Array(own);
      case "string":
        return new Uint8Array(0);
    }
  }
}

export interface MetadataEntry {
  type: ValueType;
  value: MetadataValue;
}

/**
 * Typed access. A key that is absent gives undefined; a key of another type is an error, because llama.cpp reads each
 * key as one exact type (u32 is not i32) and refuses or aborts on any other.
 */
export class GgufMetadata {
  constructor(
    readonly file: string,
    readonly entries: ReadonlyMap<string, MetadataEntry>,
  ) {}

  has(key: string): boolean {
    return this.entries.has(key);
  }

  string(key: string): string | undefined {
    return this.#scalar(key, "string") as string | undefined;
  }

  bool(key: string): boolean | undefined {
    return this.#scalar(key, "bool") as boolean | undefined;
  }

  uint16(key: string): number | undefined {
    return this.#scalar(key, "uint16") as number | undefined;
  }

  uint32(key: string): number | undefined {
    return this.#scalar(key, "uint32") as number | undefined;
  }

  int32(key: string): number | undefined {
    return this.#scalar(key, "int32") as number | undefined;
  }

  float32(key: string): number | undefined {
    return this.#scalar(key, "float32") as number | undefined;
  }

  /** An array whose elements are of one of the given types. */
  array(key: string, elementTypes: readonly ElementType[]): GgufArray | undefined {
    const value = this.#scalar(key, "array") as GgufArray | undefined;
    if (value === undefined || elementTypes.includes(value.elementType)) return value;
    throw this.#wrongType(
      key,
      `an array of ${short(value.elementType)}`,
      elementTypes.map(short).join(" or "),
      "an array of ",
    );
  }

  /** A value for each of `count` layers: one number for all of them, or an array with exactly `count` entries. */
  perLayer(key: string, count: number): readonly number[] | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.type !== "array") return new Array<number>(count).fill(this.uint32(key)!);
    const array = this.array(key, ["uint32", "int32", "bool"])!;
    if (array.length !== count) {
      throw invalidModel(
        this.file,
        `${quoted(key)} has ${array.length} entries; it needs one for each of the ${count} layers.`,
        Cure.convert,
        { key, found: array.length, allowed: count },
      );
    }
    return Array.from(array.numbers() as Int32Array);
  }

  #scalar(key: string, type: ValueType): MetadataValue | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined || entry.type === type) return entry?.value;
    throw this.#wrongType(key, short(entry.type), short(type));
  }

  #wrongType(key: string, found: string, allowed: string, kind = ""): Error {
    const problem = `${quoted(key)} is of type ${found}; llama.cpp reads it as ${kind}${allowed}.`;
    return invalidModel(this.file, problem, Cure.convert, { key, found, allowed });
  }
}

function short(type: ValueType): string {
  return VALUE_TYPES.find((entry) => entry.name === type)!.short;
}
