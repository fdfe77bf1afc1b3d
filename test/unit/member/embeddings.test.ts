import { describe, expect, it } from "vitest";
import { writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { SharedMemory } from "../../../src/kernels/shared-memory.js";
import { dot } from "../../../src/learning/matrix.js";
import { freeFloats, ggmlMath, viewFloats } from "../../../src/llama/ggml-math.js";
import { loadLlama } from "../../../src/llama/library.js";
import {
  type EmbeddingSource,
  fingerprint,
  gatherRows,
  ggufEmbeddings,
  readAllRows,
  readRows,
  shareable,
} from "../../../src/member/embeddings.js";
import { LlamaMember } from "../../../src/member/llama/llama-member.js";
import { nativeModels } from "../../../src/native-models.js";
import { refusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
const { files } = loadLlama({ gpu: false });
const math = ggmlMath(files);
const memory: EmbeddingSource = {
  kind: "memory",
  rows: 5,
  width: 2,
  values: Float32Array.from({ length: 10 }, (_, at) => at),
};

describe("embeddings of a GGUF model", () => {
  it.each(nativeModels().map(({ name, path }) => [name, path]))(
    "%s: the output matrix times the hidden state is the logits",
    async (_, path) => {
      const member = await LlamaMember.load({ model: path, contextSize: 64 }, new SharedMemory());
      try {
        await member.prepare({ top: 1, hidden: true });
        await member.begin({ text: Buffer.from("Once upon a time"), parseSpecial: false, addBos: true });
        const { hidden, logits } = member.output;
        const rows = readAllRows(member.embeddings("output"), files);
        const products = rows.map((row) => dot(row, hidden));
        const largest = logits.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
        // llama.cpp rounds the state to the weights' format before it multiplies.
        for (let id = 0; id < logits.length; id++) {
          expect(Math.abs(products[id] - logits[id])).toBeLessThan(0.02 * largest);
        }
      } finally {
        await member.dispose();
      }
    },
  );

  it("come from the input matrix where a model has no other", () => {
    const [file] = writeTinyModel(at("tiny.gguf"), {});
    const input = ggufEmbeddings(file, "input", 1);
    const output = ggufEmbeddings(file, "output", 1);
    expect(input).toMatchObject({ kind: "file", tensor: "token_embd.weight" });
    expect(["token_embd.weight", "output.weight"]).toContain(output.kind === "file" ? output.tensor : "");
    expect(readRows(input, 1, 3, math)).toHaveLength(2 * input.width);
  });

  it("are refused where there is no row for every token", async () => {
    const [file] = writeTinyModel(at("short.gguf"), {});
    const { rows } = ggufEmbeddings(file, "input", 1);
    const error = await refusal(() => ggufEmbeddings(file, "input", rows + 1));
    expect(error.code).toBe("unsupported-model");
    expect(error.message).toContain(file);
    expect(error.message).toMatch(/unite/);
  });

  it("are refused where the file is gone", async () => {
    const [file] = writeTinyModel(at("gone.gguf"), {});
    const source = { ...ggufEmbeddings(file, "input", 1), file: at("nowhere.gguf") } as EmbeddingSource;
    const error = await refusal(() => readRows(source, 0, 1, math));
    expect(error.code).toBe("file-unreadable");
    expect(error.message).toContain("nowhere.gguf");
  });
});

describe("rows of embeddings", () => {
  it("are gathered in the order asked for, each changed", () => {
    const gathered = gatherRows(memory, Int32Array.of(4, 0, 4, 2), math, (row) => row.reverse());
    expect([...viewFloats(gathered)]).toEqual([9, 8, 1, 0, 9, 8, 5, 4]);
    freeFloats(gathered);
  });

  it("have a fingerprint of their values and shape", () => {
    const other = { ...memory, values: memory.values.map((value) => value + 1) };
    const turned = { ...memory, rows: 2, width: 5 };
    const prints = [memory, other, turned].map(fingerprint);
    expect(new Set(prints).size).toBe(3);
    expect(fingerprint(shareable(memory))).toBe(prints[0]);
  });
});
