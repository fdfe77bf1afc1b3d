import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeTinyModel } from "../../../../scripts/lib/tiny-model.js";
import { alignmentFolder } from "../../../../src/during/alignments/build/cache.js";
import { commonTexts, commonTokens, sampleCommon } from "../../../../src/during/alignments/build/common-tokens.js";
import {
  EMPTY_ROW,
  LEAST_KEPT,
  MOST_KEPT,
  ROW_OF_EMBEDDING,
  relativeRow,
} from "../../../../src/during/alignments/build/relative-rows.js";
import { type SparseRows, timesRows } from "../../../../src/during/alignments/build/sparse-rows.js";
import { relativeRows } from "../../../../src/during/alignments/relative/build.js";
import { drawNormal } from "../../../../src/learning/draws.js";
import { loadLlama } from "../../../../src/llama/library.js";
import { type EmbeddingSource, ggufEmbeddings } from "../../../../src/member/embeddings.js";
import { RandomGenerator } from "../../../../src/random.js";
import { makeVocabulary, TokenClass } from "../../../../src/vocabulary/vocabulary.js";
import { refusal } from "../../../support/refusal.js";
import { temporaryFolder } from "../../../support/temporary-folder.js";

const at = temporaryFolder();
beforeAll(() => {
  process.env.XDG_CACHE_HOME = at("cache");
  loadLlama({ gpu: false });
});

/** Embeddings in which every token has a few that are like it, as those of models do. */
function embeddings(rows: number, width: number, seed: number): EmbeddingSource {
  const random = new RandomGenerator(seed);
  const values = new Float32Array(rows * width);
  for (let at = 0; at < values.length; at++) {
    const like = at - 7 * width;
    values[at] = drawNormal(random) + (like >= 0 && Math.floor(at / width) % 3 > 0 ? 0.8 * values[like] : 0);
  }
  return { kind: "memory", rows, width, values };
}

function rowsOf(source: EmbeddingSource): Float32Array[] {
  const { rows, width } = source;
  const values = source.kind === "memory" ? source.values : new Float32Array(0);
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));
}

function dense({ rows, columns, offsets, indices, values, dropped, background }: SparseRows): Float64Array[] {
  return Array.from({ length: rows }, (_, v) => {
    const row = new Float64Array(columns);
    for (let a = 0; a < background.length; a++) row[a] = dropped[v] * background[a];
    for (let entry = offsets[v]; entry < offsets[v + 1]; entry++) row[indices[entry]] += values[entry];
    return row;
  });
}

const ROWS = 900;
const WIDTH = 48;
const source = embeddings(ROWS, WIDTH, 1);
const anchors = Int32Array.from({ length: 600 }, (_, a) => (a * 7) % ROWS);
const makes = new Int32Array(ROWS).fill(ROW_OF_EMBEDDING);
makes[3] = EMPTY_ROW;
makes[4] = 17;

describe("relative representations in blocks", () => {
  it("keep what is large, sum to 1, and are within the proven bound of the exact ones", async () => {
    const matrix = await relativeRows(source, anchors, makes);
    const all = rowsOf(source);
    const directions = Array.from(anchors, (id) => all[id]);
    const found = dense(matrix);
    const largestMean = matrix.background.reduce((a, b) => Math.max(a, b), 0);
    expect(matrix.background.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    for (const [v, row] of found.entries()) {
      const kept = matrix.offsets[v + 1] - matrix.offsets[v];
      expect(kept).toBeLessThanOrEqual(MOST_KEPT);
      if (v === 3) {
        expect(row.every((value) => value === 0)).toBe(true);
        continue;
      }
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
      if (v === 4) {
        expect(row[17]).toBe(1);
        continue;
      }
      const exact = relativeRow(all[v], directions);
      const off = exact.map((value, a) => Math.abs(value - row[a]));
      // float32 arithmetic comes on top of what was dropped.
      expect(off.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(2 * matrix.dropped[v] + 1e-4);
      const cut = kept === MOST_KEPT ? matrix.values[matrix.offsets[v + 1] - 1] : LEAST_KEPT;
      expect(off.reduce((a, b) => Math.max(a, b), 0)).toBeLessThanOrEqual(
        Math.max(cut, matrix.dropped[v] * largestMean) + 1e-5,
      );
    }
  });

  it("carry a distribution over within twice the mass that was dropped", async () => {
    const matrix = await relativeRows(source, anchors, makes);
    const all = rowsOf(source);
    const directions = Array.from(anchors, (id) => all[id]);
    const random = new RandomGenerator(2);
    const p = Float64Array.from({ length: ROWS }, () => Math.exp(4 * drawNormal(random)));
    p[3] = 0;
    p[4] = 0;
    const sum = p.reduce((a, b) => a + b, 0);
    for (let v = 0; v < ROWS; v++) p[v] /= sum;
    const carried = new Float64Array(anchors.length);
    const lost = timesRows(p, matrix, carried);
    const exact = new Float64Array(anchors.length);
    for (let v = 0; v < ROWS; v++) {
      if (p[v] === 0) continue;
      for (const [a, value] of relativeRow(all[v], directions).entries()) exact[a] += p[v] * value;
    }
    expect(carried.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 10);
    expect(carried.reduce((off, value, a) => off + Math.abs(value - exact[a]), 0)).toBeLessThanOrEqual(2 * lost + 1e-4);
  });

  it("are the same on a pool of threads as in one", async () => {
    const wide = embeddings(1500, 512, 4);
    const many = Int32Array.from({ length: 1400 }, (_, a) => a);
    const every = new Int32Array(1500).fill(ROW_OF_EMBEDDING);
    const progress: number[] = [];
    const onPool = await relativeRows(wide, many, every, { threads: 2, onProgress: (part) => progress.push(part) });
    const again = await relativeRows(wide, many, every, { threads: 1 });
    expect(onPool).toEqual(again);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });

  it("can be stopped on a pool of threads", async () => {
    // Twelve blocks of rows, of which six are begun at a time: the last can never be done when the first one is.
    const wide = embeddings(6000, 512, 4);
    const many = Int32Array.from({ length: 400 }, (_, a) => a);
    const every = new Int32Array(6000).fill(ROW_OF_EMBEDDING);
    const stop = new AbortController();
    const done: number[] = [];
    const onProgress = (part: number) => {
      done.push(part);
      stop.abort();
    };
    const error = await refusal(() => relativeRows(wide, many, every, { threads: 2, signal: stop.signal, onProgress }));
    expect(error.code).toBe("aborted");
    expect(Math.max(...done)).toBeLessThan(1);
  });

  it("can be stopped", async () => {
    const stop = new AbortController();
    const run = () => relativeRows(source, anchors, makes, { signal: stop.signal, onProgress: () => stop.abort() });
    expect((await refusal(run)).code).toBe("aborted");
  });
});

describe("the cache of alignments", () => {
  const build = async (report?: () => void) => {
    const [file] = writeTinyModel(at("cached.gguf"), {});
    const embedded = ggufEmbeddings(file, "input", 1);
    const every = new Int32Array(embedded.rows).fill(ROW_OF_EMBEDDING);
    const some = Int32Array.from({ length: Math.min(200, embedded.rows) }, (_, a) => a);
    return relativeRows(embedded, some, every, { onProgress: report });
  };
  const stored = () => readdirSync(alignmentFolder()!).filter((name) => name.endsWith(".rows"));

  it("gives back what was built, without building, and builds again what is damaged", async () => {
    const built = await build();
    const [name] = stored();
    expect(stored()).toHaveLength(1);
    const file = path.join(alignmentFolder()!, name);
    const whole = readFileSync(file);
    expect(await build()).toEqual(built);
    expect(readFileSync(file)).toEqual(whole);
    for (const damaged of [
      whole.subarray(0, whole.length >> 1),
      flipped(whole),
      Buffer.alloc(0),
      Buffer.from("{}\n"),
    ]) {
      writeFileSync(file, damaged);
      expect(await build()).toEqual(built);
      expect(readFileSync(file)).toEqual(whole);
    }
    expect(stored()).toHaveLength(1);
  });

  it("is not needed: where it cannot be written the matrix is built each time", async () => {
    const before = process.env.XDG_CACHE_HOME;
    process.env.XDG_CACHE_HOME = at("a-file", "not a folder");
    try {
      expect((await build()).rows).toBeGreaterThan(0);
    } finally {
      process.env.XDG_CACHE_HOME = before;
    }
  });

  function flipped(bytes: Buffer): Buffer {
    const copy = Buffer.from(bytes);
    copy[copy.length - 5] ^= 1;
    return copy;
  }
});

describe("common tokens", () => {
  const text = (string: string) => ({ bytes: Buffer.from(string), text: string.replaceAll(" ", "Ġ") });
  const end = { bytes: new Uint8Array(), class: TokenClass.end, text: "</s>" };
  const first = makeVocabulary([text("a"), text("b"), text(" the"), text("a"), end]);
  const second = makeVocabulary([
    end,
    { ...text(" the"), text: "▁the" },
    text("c"),
    { bytes: Buffer.from("a"), text: "<0x61>" },
  ]);

  it("are those with the same bytes, each once, in the first vocabulary's order", () => {
    expect(commonTokens([first, second]).map((ids) => [...ids])).toEqual([
      [0, 2],
      [3, 1],
    ]);
    expect(commonTokens([first, first]).map((ids) => [...ids])).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
  });

  it("are, as released code has it, those with the same text, special ones too", () => {
    expect(commonTexts([first, second]).map((ids) => [...ids])).toEqual([
      [2, 4],
      [1, 0],
    ]);
  });

  it("are drawn with a seed", () => {
    const many = [Int32Array.from({ length: 50 }, (_, id) => id), Int32Array.from({ length: 50 }, (_, id) => 2 * id)];
    const drawn = sampleCommon(many, 10, 3);
    expect(drawn[0]).toHaveLength(10);
    expect([...drawn[1]]).toEqual([...drawn[0]].map((id) => 2 * id));
    expect(sampleCommon(many, 10, 3)).toEqual(drawn);
    expect(sampleCommon(many, 10, 4)).not.toEqual(drawn);
    expect(sampleCommon(many, 60, 3)).toEqual(many);
  });
});
