/**
 * The number formats that a tensor in a GGUF file can have: how many elements make a block, how many bytes a block
 * takes, and what llama.cpp can do with it. From ggml of the pinned release; an id outside this table is refused.
 */
export interface GgmlType {
  id: number;
  name: string;
  /** Elements that are stored together; a row's length is a multiple of it. */
  blockElements: number;
  blockBytes: number;
  /**
   * `float` and `quantised` can be multiplied with activations. `table` is for lookups only (integers) and
   * `intermediate` exists only during a multiplication: as a weight, both end in an abort when the model runs.
   */
  use: "float" | "quantised" | "table" | "intermediate";
}

/** Elements of a block of the K and IQ formats. */
const SUPER_BLOCK = 256;

/** [id, name, elements per block, bytes per block, use] */
const TABLE: readonly [number, string, number, number, GgmlType["use"]][] = [
  [0, "F32", 1, 4, "float"],
  [1, "F16", 1, 2, "float"],
  [2, "Q4_0", 32, 18, "quantised"],
  [3, "Q4_1", 32, 20, "quantised"],
  [6, "Q5_0", 32, 22, "quantised"],
  [7, "Q5_1", 32, 24, "quantised"],
  [8, "Q8_0", 32, 34, "quantised"],
  [9, "Q8_1", 32, 36, "intermediate"],
  [10, "Q2_K", SUPER_BLOCK, 84, "quantised"],
  [11, "Q3_K", SUPER_BLOCK, 110, "quantised"],
  [12, "Q4_K", SUPER_BLOCK, 144, "quantised"],
  [13, "Q5_K", SUPER_BLOCK, 176, "quantised"],
  [14, "Q6_K", SUPER_BLOCK, 210, "quantised"],
  [15, "Q8_K", SUPER_BLOCK, 292, "intermediate"],
  [16, "IQ2_XXS", SUPER_BLOCK, 66, "quantised"],
  [17, "IQ2_XS", SUPER_BLOCK, 74, "quantised"],
  [18, "IQ3_XXS", SUPER_BLOCK, 98, "quantised"],
  [19, "IQ1_S", SUPER_BLOCK, 50, "quantised"],
  [20, "IQ4_NL", 32, 18, "quantised"],
  [21, "IQ3_S", SUPER_BLOCK, 110, "quantised"],
  [22, "IQ2_S", SUPER_BLOCK, 82, "quantised"],
  [23, "IQ4_XS", SUPER_BLOCK, 136, "quantised"],
  [24, "I8", 1, 1, "table"],
  [25, "I16", 1, 2, "table"],
  [26, "I32", 1, 4, "table"],
  [27, "I64", 1, 8, "table"],
  [28, "F64", 1, 8, "table"],
  [29, "IQ1_M", SUPER_BLOCK, 56, "quantised"],
  [30, "BF16", 1, 2, "float"],
  [34, "TQ1_0", SUPER_BLOCK, 54, "quantised"],
  [35, "TQ2_0", SUPER_BLOCK, 66, "quantised"],
  [39, "MXFP4", 32, 17, "quantised"],
  [40, "NVFP4", 64, 36, "quantised"],
  [41, "Q1_0", 128, 18, "quantised"],
  [42, "Q2_0", 64, 18, "quantised"],
];

/** Formats that llama.cpp once had; their files are sound and only need another conversion. */
export const REMOVED_GGML_TYPES: ReadonlyMap<number, string> = new Map([
  [4, "Q4_2"],
  [5, "Q4_3"],
  [31, "Q4_0_4_4"],
  [32, "Q4_0_4_8"],
  [33, "Q4_0_8_8"],
  [36, "IQ4_NL_4_4"],
  [37, "IQ4_NL_4_8"],
  [38, "IQ4_NL_8_8"],
]);

export const GGML_TYPES: ReadonlyMap<number, GgmlType> = new Map(
  TABLE.map(([id, name, blockElements, blockBytes, use]) => [id, { id, name, blockElements, blockBytes, use }]),
);

const BY_NAME: ReadonlyMap<string, GgmlType> = new Map([...GGML_TYPES.values()].map((type) => [type.name, type]));

/** The type of this name (`"Q8_0"`), for code that writes files; undefined if there is none. */
export function ggmlTypeNamed(name: string): GgmlType | undefined {
  return BY_NAME.get(name);
}
