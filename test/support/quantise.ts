/** ggml's own quantiser, which the project does not need but its tests do. */
import koffi from "koffi";

type Quantise = (
  type: number,
  numbers: Float32Array,
  written: Uint8Array,
  start: number,
  rows: number,
  width: number,
  importance: Float32Array | null,
) => number;

/** `ggmlLibrary`: path of the ggml library. The function returns the bytes written. */
export function quantiserOf(ggmlLibrary: string): Quantise {
  return koffi
    .load(ggmlLibrary)
    .func("ggml_quantize_chunk", "size_t", [
      "int32_t",
      "void *",
      "void *",
      "int64_t",
      "int64_t",
      "int64_t",
      "void *",
    ]) as unknown as Quantise;
}
