/** deepen and eva on GGUF models whose embeddings are stored in every common format, tied and untied. */
import { describe, expect, it } from "vitest";
import type { TensorToWrite } from "../../../scripts/lib/gguf-writer.js";
import { writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { drawNormal } from "../../../src/learning/draws.js";
import { ggmlMath } from "../../../src/llama/ggml-math.js";
import { ggmlTypeNamed } from "../../../src/llama/gguf/ggml-types.js";
import { loadLlama } from "../../../src/llama/library.js";
import { ggufEmbeddings, readAllRows, readRows } from "../../../src/member/embeddings.js";
import { RandomGenerator } from "../../../src/random.js";
import { createEnsemble } from "../../../src/systems.js";
import { quantiserOf } from "../../support/quantise.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
const { files } = loadLlama({ gpu: false });
const WIDTH = 256;
const TOKENS = 300;
const random = new RandomGenerator(3);
const numbers = Float32Array.from({ length: WIDTH * TOKENS }, () => drawNormal(random));

const quantise = quantiserOf(files.ggml);

function stored(type: string): Uint8Array {
  const { id, blockElements, blockBytes } = ggmlTypeNamed(type)!;
  if (type === "F32") return new Uint8Array(numbers.buffer);
  const bytes = new Uint8Array((numbers.length / blockElements) * blockBytes);
  quantise(id, numbers, bytes, 0, TOKENS, WIDTH, null);
  return bytes;
}

/** A model with these numbers as its input embeddings, and as its output matrix if it is tied. */
function modelWith(type: string, isTied: boolean): string {
  const embeddings: TensorToWrite = {
    name: "token_embd.weight",
    type,
    shape: [WIDTH, TOKENS],
    data: () => [stored(type)],
  };
  const tensors = (all: TensorToWrite[]) =>
    all
      .filter(({ name }) => !(isTied && name === "output.weight"))
      .map((tensor) => (tensor.name === embeddings.name ? embeddings : tensor));
  const options = { vocabularySize: TOKENS, dim: WIDTH, layers: 1, tensors };
  return writeTinyModel(at(`${type}-${isTied ? "tied" : "own"}.gguf`), options)[0];
}

/** Root mean square of what a format may lose, as a share of the numbers'. */
const FORMATS: [string, number][] = [
  ["F32", 0],
  ["F16", 1e-3],
  ["BF16", 5e-3],
  ["Q8_0", 0.01],
  ["Q6_K", 0.03],
  ["Q5_K", 0.05],
  ["Q5_0", 0.06],
  ["Q4_K", 0.1],
  ["Q4_0", 0.12],
  ["Q3_K", 0.2],
  ["Q2_K", 0.35],
];

describe.each(FORMATS)("embeddings stored as %s", (type, coarseness) => {
  it("are read whole and in part", () => {
    const file = modelWith(type, false);
    const source = ggufEmbeddings(file, "input", TOKENS);
    expect(source).toMatchObject({ rows: TOKENS, width: WIDTH, tensor: "token_embd.weight" });
    const rows = readAllRows(source, files);
    let off = 0;
    let all = 0;
    for (const [token, row] of rows.entries()) {
      for (const [j, value] of row.entries()) {
        off += (value - numbers[token * WIDTH + j]) ** 2;
        all += numbers[token * WIDTH + j] ** 2;
      }
    }
    expect(Math.sqrt(off / all)).toBeLessThanOrEqual(coarseness);
    expect(readRows(source, 7, 9, ggmlMath(files))).toEqual(Float32Array.of(...rows[7], ...rows[8]));
  });

  it("are the output matrix, too, where a model has no other", () => {
    expect(ggufEmbeddings(modelWith(type, true), "output", TOKENS)).toMatchObject({ tensor: "token_embd.weight" });
    expect(ggufEmbeddings(modelWith(type, false), "output", TOKENS)).toMatchObject({ tensor: "output.weight" });
  });
});

describe.each([
  ["F32", "Q8_0"],
  ["F16", "Q4_K"],
  ["BF16", "Q4_0"],
  ["Q5_K", "Q6_K"],
])("models with %s and with %s, the first tied", (...types) => {
  it.each(["deepen", "eva"] as const)("are fused by %s", async (name) => {
    const members = types.map((type, index) => ({ model: modelWith(type, index === 0), contextSize: 64 }));
    await using ensemble = await createEnsemble({ members, method: { name }, gpu: false, schedule: "in-turn" });
    const { usage } = await ensemble.generate("the", { maxTokens: 3 });
    expect(usage.steps).toBeGreaterThan(0);
  });
});
