/** Relative representations of a whole vocabulary: planned from the vocabularies, built in blocks, kept on disk. */
import { LlamafuseError } from "../errors.js";
import { allocateFloats, freeFloats, ggmlMath, type NativeFloats, viewFloats } from "../llama/ggml-math.js";
import { type Llama, loadLlama } from "../llama/library.js";
import { type EmbeddingSource, fingerprint, readRows } from "../member/embeddings.js";
import { alignmentKey, cachedRows } from "./alignment-cache.js";
import { type BuildOptions, runBlocks } from "./alignment-pool.js";
import { EMPTY_ROW, LEAST_KEPT, MOST_KEPT, ROW_OF_EMBEDDING, unit } from "./relative-rows.js";
import { joinBlocks, type SparseRows } from "./sparse-rows.js";
import { TokenClass, type Vocabulary } from "./vocabulary.js";

/** Bytes that one block's similarities may take. */
const BLOCK_BYTES = 1 << 25;
const LARGEST_BLOCK = 512;
/** Rows read at once while the anchors are collected. */
const READ_ROWS = 1024;

/**
 * How each row is made. Text is told by its embedding. All end tokens are one class, which is the last anchor; tokens
 * that are never text have no row.
 */
export function rowsByClass(vocabulary: Vocabulary, endAnchor: number): Int32Array {
  return Int32Array.from({ length: vocabulary.size }, (_, id) => {
    const tokenClass = vocabulary.classOf(id);
    if (tokenClass === TokenClass.end) return endAnchor;
    return tokenClass === TokenClass.text && vocabulary.bytesOf(id).length > 0 ? ROW_OF_EMBEDDING : EMPTY_ROW;
  });
}

/**
 * R (see relative-rows.ts) for the tokens of one model, from its cache if these embeddings were here before.
 *
 * @param anchors the model's tokens for the common strings
 * @param makes how each row is made (ROW_OF_EMBEDDING, EMPTY_ROW or an anchor's place); its length is the vocabulary's
 */
export async function relativeRows(
  source: EmbeddingSource,
  anchors: Int32Array,
  makes: Int32Array,
  options: BuildOptions = {},
): Promise<SparseRows> {
  const build = () => buildRelativeRows(source, anchors, makes, options);
  // Numbers that came from no file are some program's own, which may change them at any time.
  if (source.kind === "memory") return build();
  return cachedRows(alignmentKey("relative", MOST_KEPT, LEAST_KEPT, fingerprint(source), anchors, makes), build);
}

async function buildRelativeRows(
  source: EmbeddingSource,
  anchors: Int32Array,
  makes: Int32Array,
  options: BuildOptions,
): Promise<SparseRows> {
  const llama = loadLlama();
  const rowsABlock = Math.max(16, Math.min(LARGEST_BLOCK, Math.floor(BLOCK_BYTES / (4 * anchors.length))));
  const directions = anchorDirections(llama, source, anchors);
  try {
    const jobs = Array.from({ length: Math.ceil(makes.length / rowsABlock) }, (_, block) => ({
      library: llama.files,
      source,
      anchors: directions,
      makes,
      from: block * rowsABlock,
      to: Math.min((block + 1) * rowsABlock, makes.length),
      threads: 1,
    }));
    const multiplications = makes.length * anchors.length * source.width;
    return joinBlocks(await runBlocks("relativeBlock", jobs, multiplications, options), anchors.length);
  } finally {
    freeFloats(directions);
  }
}

/** The anchors' embeddings at length 1, in native memory. */
function anchorDirections(llama: Llama, source: EmbeddingSource, anchors: Int32Array): NativeFloats {
  const { rows, width } = source;
  const math = ggmlMath(llama.files);
  const places = anchors.map((_, place) => place).sort((a, b) => anchors[a] - anchors[b]);
  const outside = places.length > 0 && anchors[places[places.length - 1]] >= rows;
  if (outside) throw new LlamafuseError("incompatible-members", `An anchor lies outside ${rows} embeddings.`);
  const directions = allocateFloats(anchors.length * width);
  const view = viewFloats(directions);
  let next = 0;
  for (let from = 0; from < rows && next < places.length; from += READ_ROWS) {
    const to = Math.min(from + READ_ROWS, rows);
    if (anchors[places[next]] >= to) continue;
    const chunk = readRows(source, from, to, math);
    for (; next < places.length && anchors[places[next]] < to; next++) {
      const at = (anchors[places[next]] - from) * width;
      view.set(unit(chunk.subarray(at, at + width)), places[next] * width);
    }
  }
  return directions;
}
