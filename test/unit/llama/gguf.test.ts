import { closeSync, openSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { field, type GgufToWrite, ggufBytes, type TensorToWrite, writeGguf } from "../../../scripts/lib/gguf-writer.js";
import { GGML_TYPES } from "../../../src/llama/gguf/ggml-types.js";
import { type GgufHeader, readGgufHeader } from "../../../src/llama/gguf.js";
import { expectRefusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();

function read(file: string): GgufHeader {
  const descriptor = openSync(file, "r");
  try {
    return readGgufHeader(descriptor, file);
  } finally {
    closeSync(descriptor);
  }
}

let count = 0;
function readBytes(bytes: Uint8Array): GgufHeader {
  return read(at(`${count++}.gguf`, bytes));
}

function tensor(name: string, type: string, shape: number[], bytes: number): TensorToWrite {
  return { name, type, shape, data: () => [new Uint8Array(bytes)] };
}

const twoTensors: GgufToWrite = {
  metadata: { "general.architecture": field.string("llama"), "a.bool": field.bool(true) },
  tensors: [tensor("one", "F32", [3, 2], 24), tensor("two", "Q8_0", [32], 34)],
};

/** The two-tensor file with bytes written over it at a place counted from a text in it. */
function patched(after: string, distance: number, bytes: number[], length?: number): Buffer {
  const file = ggufBytes(twoTensors);
  const start = file.indexOf(after);
  expect(start).toBeGreaterThan(0);
  file.set(bytes, start + after.length + distance);
  return file.subarray(0, length);
}

const uint32 = (value: number) => [...new Uint8Array(new Uint32Array([value]).buffer)];
const uint64 = (value: bigint) => [...new Uint8Array(new BigUint64Array([value]).buffer)];

describe("a GGUF header", () => {
  it("gives back every value type that was written", () => {
    const header = readBytes(
      ggufBytes({
        metadata: {
          u8: field.uint8(255),
          i8: field.int8(-128),
          u16: field.uint16(65_535),
          i16: field.int16(-2),
          u32: field.uint32(0xffff_ffff),
          i32: field.int32(-7),
          u64: field.uint64(2n ** 63n),
          i64: field.int64(-1n),
          f32: field.float32(0.5),
          f64: field.float64(Math.PI),
          yes: field.bool(true),
          text: field.string("grün"),
          texts: field.array("string", ["", "a", Buffer.from([0xff, 0x00, 0x41])]),
          bools: field.array("bool", [true, false]),
          floats: field.array("float32", [1, Number.NaN]),
          longs: field.array("int64", [-1n, 2n]),
        },
        tensors: [],
      }),
    );
    const { metadata } = header;
    expect(
      ["u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "yes", "text"].map(
        (key) => metadata.entries.get(key)?.value,
      ),
    ).toEqual([255, -128, 65_535, -2, 0xffff_ffff, -7, 2n ** 63n, -1n, 0.5, Math.PI, true, "grün"]);
    const texts = metadata.array("texts", ["string"])!;
    expect([texts.stringAt(0), texts.stringAt(1), [...texts.bytesAt(2)]]).toEqual(["", "a", [0xff, 0, 0x41]]);
    expect([...metadata.array("bools", ["bool"])!.numbers()]).toEqual([1, 0]);
    expect([...metadata.array("floats", ["float32"])!.numbers()]).toEqual([1, Number.NaN]);
    expect([...metadata.array("longs", ["int64"])!.numbers()]).toEqual([-1n, 2n]);
    expect(header).toMatchObject({ version: 3, alignment: 32, tensors: [] });
  });

  it("lists tensors with their place, size and shape", () => {
    const header = readBytes(ggufBytes({ ...twoTensors, alignment: 64 }));
    expect(header.alignment).toBe(64);
    expect(header.dataOffset % 64).toBe(0);
    const [one, two] = header.tensors;
    expect(one).toMatchObject({ name: "one", shape: [3, 2], elements: 6, bytes: 24, offset: header.dataOffset });
    expect(two).toMatchObject({ name: "two", elements: 32, bytes: 34, offset: header.dataOffset + 64 });
    expect(two!.type.name).toBe("Q8_0");
  });

  it("reads version 2 like version 3", () => {
    const file = ggufBytes(twoTensors);
    file.writeUInt32LE(2, 4);
    expect(readBytes(file)).toMatchObject({ version: 2, tensors: [{ name: "one" }, { name: "two" }] });
  });

  it("knows a size for every tensor format and no format twice", () => {
    const names = new Set([...GGML_TYPES.values()].map((type) => type.name));
    expect(names.size).toBe(GGML_TYPES.size);
    for (const { blockElements, blockBytes } of GGML_TYPES.values()) {
      expect(blockElements).toBeGreaterThan(0);
      expect(blockBytes).toBeGreaterThan(0);
      // Eight elements a byte is what the reader takes as the densest that a file can be.
      expect(blockElements / blockBytes).toBeLessThan(8);
    }
  });

  it("says which type a key has and which one llama.cpp reads", async () => {
    const file = at("types.gguf", ggufBytes(twoTensors));
    const { metadata } = read(file);
    expect(metadata.uint32("absent")).toBeUndefined();
    await expectRefusal(() => metadata.uint32("a.bool"), "invalid-model", /"a\.bool" is of type bool; .* u32/, file);
    await expectRefusal(() => metadata.array("a.bool", ["string"]), "invalid-model", /of type bool; .* arr/, file);
  });

  it("reads a vocabulary of 262,144 tokens and 520,000 merges in well under 300 ms", () => {
    const text = (index: number) => `▁${index.toString(36)}`;
    const file = at("large.gguf");
    writeGguf(file, {
      metadata: {
        "tokenizer.ggml.tokens": field.array(
          "string",
          Array.from({ length: 262_144 }, (_, id) => text(id)),
        ),
        "tokenizer.ggml.scores": field.array("float32", new Float32Array(262_144)),
        "tokenizer.ggml.merges": field.array(
          "string",
          Array.from({ length: 520_000 }, (_, id) => `${text(id)} x`),
        ),
      },
      tensors: [],
    });
    read(file);
    const start = performance.now();
    const header = read(file);
    expect(performance.now() - start).toBeLessThan(300);
    expect(header.metadata.array("tokenizer.ggml.tokens", ["string"])!.stringAt(262_143)).toBe(text(262_143));
  });
});

describe("a damaged header is refused with the reason", () => {
  const magicAndVersion = (version: number) => {
    const file = ggufBytes(twoTensors);
    file.writeUInt32LE(version, 4);
    return file;
  };
  const absurd = (offset: number, value: bigint) => {
    const file = ggufBytes(twoTensors);
    file.writeBigUInt64LE(value, offset);
    return file;
  };
  const firstKey = "general.architecture";
  // In the file "one" is followed by: dimensions (4), two sizes (16), type (4), offset (8); "two" by one size.
  const cases: [string, Buffer, RegExp, ("unsupported-model" | "invalid-model")?][] = [
    ["another magic", Buffer.concat([Buffer.from("GGML"), magicAndVersion(3).subarray(4)]), /begins with "GGML"/],
    ["version 1", magicAndVersion(1), /GGUF version 1; versions 2 and 3/, "unsupported-model"],
    ["version 4", magicAndVersion(4), /GGUF version 4/],
    ["a big-endian file", magicAndVersion(0x0300_0000), /big-endian/, "unsupported-model"],
    ["2^32 tensors", absurd(8, 2n ** 32n), /4294967296 tensors; 65536 are allowed/],
    ["more tensors than fit", absurd(8, 60_000n), /60000 tensors; only \d+ fit/],
    ["2^63 pairs", absurd(16, 2n ** 63n), /92233720368547\d+ metadata pairs/],
    ["a key of 2^60 bytes", absurd(24, 2n ** 60n), /a string of 11529215046068\d+ bytes/],
    ["a key past the end", absurd(24, 60_000n), /the file ends inside key 1 of 2/],
    ["an empty key", ggufBytes({ metadata: { "": field.string("x") }, tensors: [] }), /key 1 is empty/],
    ["a key with NUL", patched("general.arch", 0, [0]), /not UTF-8 text/],
    ["a key that is not UTF-8", patched("general.arch", 0, [0xff]), /not UTF-8 text/],
    ["a value type that does not exist", patched(firstKey, 0, uint32(13)), /value type 13; types 0 to 12/],
    ["a boolean of 2", patched("a.bool", 4, [2]), /holds the byte 2 as a boolean/],
    ["an array of arrays", patched(firstKey, 0, [...uint32(9), ...uint32(9)]), /array of arrays/],
    [
      "2^63 strings",
      patched(firstKey, 0, [...uint32(9), ...uint32(8), ...uint64(2n ** 63n)]),
      /92233720368547\d+ entries/,
    ],
    ["a boolean array with a 9", ggufWithBools([0, 9]), /holds the byte 9 as a boolean/],
    ["a key twice", sameKeyTwice(), /the key "ab" occurs twice/],
    ["5 dimensions", patched("one", 0, uint32(5)), /5 dimensions; 4 are allowed/],
    ["a size of 0", patched("one", 4, uint64(0n)), /cannot be in a file of/],
    ["a size of 2^62", patched("one", 4, uint64(2n ** 62n)), /cannot be in a file of/],
    ["sizes whose product overflows", patched("one", 4, [...uint64(2n ** 33n), ...uint64(2n ** 33n)]), /cannot be in/],
    ["a format that does not exist", patched("one", 20, uint32(99)), /format number 99/],
    [
      "a format that was removed",
      patched("one", 20, uint32(31)),
      /Q4_0_4_4, which llama\.cpp no longer/,
      "unsupported-model",
    ],
    ["rows that are no whole blocks", patched("one", 20, uint32(8)), /rows of 3 elements; Q8_0 needs a multiple of 32/],
    ["a misaligned offset", patched("two", 16, uint64(33n)), /misaligned: its data is at offset 33, 32 is allowed/],
    ["an overlap", patched("two", 16, uint64(0n)), /overlaps the tensor before it/],
    ["a gap", patched("two", 16, uint64(64n)), /leaves a gap/],
    ["a tensor name twice", patched("two", -3, [...Buffer.from("one")]), /the tensor "one" occurs twice/],
    [
      "tensor data past the end",
      ggufBytes(twoTensors).subarray(0, -32),
      /reaches byte \d+, but the file has \d+ bytes/,
    ],
    ["alignment 0", aligned(0), /"general\.alignment" is 0; a power of two/],
    ["alignment 48", aligned(48), /"general\.alignment" is 48/],
    [
      "a name of 64 bytes",
      ggufBytes({ metadata: {}, tensors: [tensor("n".repeat(64), "F32", [1], 4)] }),
      /64 bytes; 63 are/,
    ],
  ];

  it.each(cases)("%s", async (_, bytes, message, code = "invalid-model") => {
    const file = at(`${count++}.gguf`, bytes);
    await expectRefusal(() => read(file), code, message, file);
  });

  function sameKeyTwice(): Buffer {
    const file = ggufBytes({ metadata: { ab: field.bool(true), cd: field.bool(true) }, tensors: [] });
    file.set(Buffer.from("ab"), file.indexOf("cd"));
    return file;
  }

  function aligned(alignment: number): Buffer {
    return ggufBytes({ metadata: { "general.alignment": field.uint32(alignment) }, tensors: [] });
  }

  function ggufWithBools(values: number[]): Buffer {
    const file = ggufBytes({
      metadata: {
        flags: field.array(
          "bool",
          values.map(() => false),
        ),
      },
      tensors: [],
    });
    file.set(values, file.length - values.length);
    return file;
  }

  it("an absurd count costs no memory", () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const value of [2n ** 20n, 2n ** 24n, 2n ** 31n, 2n ** 40n, 2n ** 63n]) {
      const bytes = patched(firstKey, 0, [...uint32(9), ...uint32(8), ...uint64(value)]);
      expect(() => readBytes(bytes)).toThrow(/entries/);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });
});
