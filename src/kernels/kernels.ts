/**
 * The numeric loops of a step as WebAssembly SIMD, on memory that all of an ensemble's threads share.
 *
 * Every pointer is a byte offset into the shared memory (see SharedMemory.allocate), every length a count of elements.
 * Logits are float32, as llama.cpp leaves them; all else is float64. Any length works, 0 and odd ones included.
 *
 * Results depend on the inputs alone: the order of every sum is fixed (given below), so repetitions, threads and
 * machines agree to the bit. Offsets beyond the memory throw a WebAssembly RuntimeError; offsets within it are believed.
 */
import { moduleBase64 } from "./kernels.generated.js";
import { SharedMemory } from "./shared-memory.js";
import { Instance, Module, type WasmMemory } from "./webassembly.js";

export interface Kernels {
  /** The memory that the pointers point into. */
  readonly shared: SharedMemory;

  /**
   * max_i z_i of `n` logits. NaN if any logit is NaN, so that one look at the result (is it finite?) tells whether the
   * logits are sound; logits that contain Infinity give Infinity; -Infinity if none is larger, or n = 0.
   */
  maximum(logits: number, n: number): number;

  /**
   * out_i = e^(z_i − shift) for `n` logits; returns their sum. `shift` is the maximum as a rule.
   *
   * Each value has a relative error below 7e-16 (a subnormal one, of one unit in the last place); exactly 0 for -Infinity
   * and below e^-745.13; Infinity above e^709.78; NaN for NaN. Logits all within 700 of `shift` take the fastest way.
   * Order of the sum: running sums s0 … s3 of the indices that leave these remainders by 4, as (s0 + s1) + (s2 + s3), then
   * the n mod 4 last values. Its relative error is below n·2^-55 + 7e-16, so for 300,000 logits ln of the sum has an error
   * below 1e-11.
   */
  expInto(logits: number, n: number, shift: number, out: number): number;

  /**
   * Σ_i e^(z_i − max) of `n` logits, `max` the largest of them: the normaliser alone, in half the time of expInto. The
   * values are float32 with a relative error below 2e-7 and are summed in float64, so ln of the sum has an error below
   * 2e-7 and as a rule around 1e-8; a logit of 20 is itself known to 1e-6. Order of the sum: running sums s0 … s7 of the
   * indices that leave these remainders by 8, as ((s0 + s2) + (s4 + s6)) + ((s1 + s3) + (s5 + s7)), then the n mod 8 last.
   */
  sumExp(logits: number, n: number, max: number): number;

  /**
   * The `k` largest logits, best first, ties to the lowest id; NaN and -Infinity are never among them. Returns how many
   * there are (fewer than k if there are fewer such logits); the places after them hold id -1 and logit -Infinity.
   * Shapes: outIds int32[k], outLogits float32[k].
   * Time: two scans, and insertions of up to log2 k steps each: about k·(2 + ln(n / 64k)) for logits in no order, and
   * whatever the order at most n/64 + 65·k (n/16 + 17·k if n < 96·k).
   */
  top(logits: number, n: number, k: number, outIds: number, outLogits: number): number;

  /**
   * out_j = Σ_{i: map_i = j} exps_i · scale, in the order of i. Shapes: exps float64[n], map int32[n], out float64[size].
   * An i whose map_i is -1 (or anything else outside 0 … size − 1) is left out.
   */
  scatter(exps: number, map: number, n: number, scale: number, out: number, size: number): void;

  /**
   * out_j = Σ_c weights_c · inputs_c[j], summed from 0 in the order of c; returns the argmax of out (see there).
   * Shapes: inputs uint32[count], the offset of one float64[size] each; weights float64[count]; out float64[size], which
   * may be one of the inputs.
   */
  combine(inputs: number, weights: number, count: number, out: number, size: number): number;

  /** The index of the largest of float64[size], the lowest among equals, NaN passed over; -1 if none is above -Infinity. */
  argmax(values: number, size: number): number;

  /**
   * Σ_i values_i of float64[size]. Order: eight running sums s0 … s7 of the indices that leave these remainders by 8, as
   * ((s0 + s2) + (s4 + s6)) + ((s1 + s3) + (s5 + s7)), then the size mod 8 last values.
   */
  sum(values: number, size: number): number;

  /**
   * out_r = Σ_j rows_rj · x_j of float32[count × columns] and float32[columns], in single precision; `columns` is a multiple
   * of 16. Order: running sums s0 … s15 of the indices that leave these remainders by 16; t_i = (s_i + s_(i+4)) +
   * (s_(i+8) + s_(i+12)) for i = 0 … 3, and (t0 + t1) + (t2 + t3).
   */
  dots(rows: number, count: number, columns: number, x: number, out: number): void;
}

/**
 * The kernels on this memory, or on a new one. Each thread loads its own; V8 keeps one compiled module for all of them.
 *
 * ```ts
 * const kernels = loadKernels();                                   // coordinator
 * new Worker(file, { workerData: kernels.shared.memory });
 * const kernels = loadKernels(workerData);                         // worker
 * ```
 */
export function loadKernels(memory?: WasmMemory): Kernels {
  const shared = new SharedMemory(memory);
  const instance = new Instance(new Module(Buffer.from(moduleBase64, "base64")), { env: { memory: shared.memory } });
  return { shared, ...(instance.exports as Omit<Kernels, "shared">) };
}
