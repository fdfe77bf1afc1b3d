/**
 * Products with one large matrix as WebAssembly, in memory of the matrix's own: exactly as large as it is asked for, and
 * not shared with other threads. V8 counts such memory among what its collector can free, which it does not for shared
 * memory, so that matrices that are no longer needed do not pile up.
 *
 * Pointers, lengths and sums are as in kernels.ts.
 */
import { LlamafuseError } from "../errors.js";
import { matrixModuleBase64 } from "./kernels.generated.js";
import { Instance, Module, OwnMemory } from "./webassembly.js";

export interface MatrixKernels {
  /** The memory that the pointers point into; new memory is zero. It never moves. */
  readonly buffer: ArrayBuffer;

  /**
   * out_i += scale · c_i for `n` numbers in 16 bits (vocabulary/small-numbers.ts). Shapes: codes uint16[n], at a multiple
   * of 2; out float64[n].
   */
  addSmall(codes: number, n: number, scale: number, out: number): void;

  /**
   * Σ_i c_i · x_i for `n` numbers in 16 bits. Order: four running sums of the indices that leave these remainders by 4, as
   * (s0 + s2) + (s1 + s3), then the n mod 4 last values. Shapes: codes uint16[n], x float64[n].
   */
  dotSmall(codes: number, n: number, x: number): number;

  /**
   * out_j += Σ_v shares_v · R_vj for sparse rows, in the order of v and of the entries; rows with share 0 are passed over.
   * Shapes: offsets uint32[rows + 1], row v's entries being [offsets_v, offsets_(v+1)) of indices (int32, columns) and of
   * values (float64); shares float64[rows]; out float64, one a column.
   */
  addRows(offsets: number, indices: number, values: number, rows: number, shares: number, out: number): void;

  /** out_v = Σ_j R_vj · x_j for the same rows, 0 where speaks_v is. Shapes: speaks uint8[rows], x float64, out float64[rows]. */
  rowDots(offsets: number, indices: number, values: number, rows: number, speaks: number, x: number, out: number): void;
}

const PAGE = 65536;
/** What 32-bit pointers reach. */
const MOST_PAGES = 65536;

/** The kernels on new memory of so many bytes. Error: out-of-memory. */
export function loadMatrixKernels(bytes: number): MatrixKernels {
  const pages = Math.max(1, Math.ceil(bytes / PAGE));
  const memory = reserve(pages, bytes);
  const instance = new Instance(new Module(Buffer.from(matrixModuleBase64, "base64")), { env: { memory } });
  return { buffer: memory.buffer, ...(instance.exports as Omit<MatrixKernels, "buffer">) };
}

function reserve(pages: number, bytes: number) {
  const limit = MOST_PAGES * PAGE;
  if (pages > MOST_PAGES) throw tooLarge(bytes, `there is room for ${limit}`, limit);
  try {
    return new OwnMemory({ initial: pages, maximum: pages });
  } catch (cause) {
    throw tooLarge(bytes, "the system did not give them", limit, cause);
  }
}

function tooLarge(found: number, why: string, allowed: number, cause?: unknown): LlamafuseError {
  return new LlamafuseError(
    "out-of-memory",
    `A matrix between two vocabularies takes ${found} bytes, and ${why}. Use fewer members, or a method that needs no ` +
      "such matrix, such as unite or gac.",
    { found, allowed },
    cause,
  );
}
