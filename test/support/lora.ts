/** LoRA adapters written by hand, and models with the same change merged into their weights. */
import { field, type TensorToWrite, writeGguf } from "../../scripts/lib/gguf-writer.js";
import { generator } from "../../scripts/lib/tiny-model.js";

export interface Lora {
  /** The matrix that it changes. */
  weight: string;
  /** Rank × columns of W. */
  a: Float32Array;
  /** Rows of W × rank. */
  b: Float32Array;
  rank: number;
  columns: number;
  rows: number;
  alpha: number;
}

export function randomLora(
  weight: string,
  columns: number,
  rows: number,
  { rank = 2, alpha = 8, seed = 5 } = {},
): Lora {
  const next = generator(seed);
  const random = (count: number) => Float32Array.from({ length: count }, () => (next() - 0.5) * 0.5);
  return { weight, a: random(rank * columns), b: random(rows * rank), rank, columns, rows, alpha };
}

export function writeLora(
  path: string,
  lora: Lora,
  metadata: Record<string, ReturnType<typeof field.string>> = {},
): string {
  const { weight, a, b, rank, columns, rows, alpha } = lora;
  const tensor = (name: string, shape: number[], data: Float32Array): TensorToWrite => ({
    name,
    type: "F32",
    shape,
    data: () => [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
  });
  writeGguf(path, {
    metadata: {
      "general.type": field.string("adapter"),
      "general.architecture": field.string("llama"),
      "adapter.type": field.string("lora"),
      "adapter.lora.alpha": field.float32(alpha),
      ...metadata,
    },
    tensors: [tensor(`${weight}.lora_a`, [columns, rank], a), tensor(`${weight}.lora_b`, [rank, rows], b)],
  });
  return path;
}

/** scale · alpha/rank · B·(A·x). */
export function changeOf({ a, b, rank, columns, rows, alpha }: Lora, x: Float32Array, scale: number): Float64Array {
  const inner = Float64Array.from({ length: rank }, (_, r) => {
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += a[r * columns + c]! * x[c]!;
    return sum;
  });
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += b[row * rank + r]! * inner[r]!;
    return (scale * alpha * sum) / rank;
  });
}

/** The tensors of a model with W + scale · alpha/rank · B·A in the place of W. */
export function merged(tensors: TensorToWrite[], lora: Lora, scale: number): TensorToWrite[] {
  return tensors.map((tensor) => {
    if (tensor.name !== lora.weight) return tensor;
    const whole = Buffer.concat([...tensor.data()]);
    const w = new Float32Array(new Uint8Array(whole).buffer);
    const unit = new Float32Array(lora.columns);
    for (let column = 0; column < lora.columns; column++) {
      unit.fill(0)[column] = 1;
      changeOf(lora, unit, scale).forEach((change, row) => {
        w[row * lora.columns + column]! += change;
      });
    }
    return { ...tensor, data: () => [new Uint8Array(w.buffer)] };
  });
}
