/** Relative representations of a whole vocabulary: planned from the vocabularies, built in blocks, kept on disk. */
import { freeFloats, ggmlMath } from "../../../llama/ggml-math.js";
import { loadLlama } from "../../../llama/library.js";
import { type EmbeddingSource, fingerprint, gatherRows, readAllRows, shareable } from "../../../member/embeddings.js";
import { TokenClass, type Vocabulary } from "../../../vocabulary/vocabulary.js";
import { alignmentKey, cachedRows } from "../build/cache.js";
import { type BuildOptions, eachBlock, IN_ONE_PIECE } from "../build/pool.js";
import {
  EMPTY_ROW,
  LEAST_KEPT,
  MOST_KEPT,
  ROW_OF_EMBEDDING,
  relativeRow,
  WHOLE_ABOVE,
} from "../build/relative-rows.js";
import { BlockList, keepAll, type SparseRows } from "../build/sparse-rows.js";
import { toUnit } from "../build/vecmap.js";

/** Bytes that one block's similarities may take. */
const BLOCK_BYTES = 1 << 25;
const LARGEST_BLOCK = 512;

/**
 * How each row is made. Text is represented by its embedding. All end tokens are one class, which is the last anchor; tokens
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
  return cachedRows(
    alignmentKey("relative", MOST_KEPT, LEAST_KEPT, WHOLE_ABOVE, fingerprint(source), anchors, makes),
    build,
  );
}

async function buildRelativeRows(
  source: EmbeddingSource,
  anchors: Int32Array,
  makes: Int32Array,
  options: BuildOptions,
): Promise<SparseRows> {
  const llama = loadLlama();
  const multiplications = makes.length * anchors.length * source.width;
  if (multiplications < IN_ONE_PIECE) return exactRelativeRows(readAllRows(source, llama.files), anchors, makes);
  const rowsABlock = Math.max(16, Math.min(LARGEST_BLOCK, Math.floor(BLOCK_BYTES / (4 * anchors.length))));
  const directions = gatherRows(source, anchors, ggmlMath(llama.files), toUnit);
  try {
    const list = new BlockList(makes.length, anchors.length);
    const jobs = {
      length: Math.ceil(makes.length / rowsABlock),
      at: (block: number) => ({
        library: llama.files,
        source: shareable(source),
        anchors: directions,
        makes,
        from: block * rowsABlock,
        to: Math.min((block + 1) * rowsABlock, makes.length),
        threads: 1,
        mostWhole: list.wholeRoom,
      }),
    };
    await eachBlock("relativeBlock", jobs, multiplications, options, (block) => list.add(block));
    return list.join();
  } finally {
    freeFloats(directions);
  }
}

/** The same with every entry in float64: for small vocabularies, and the measure of the other form. */
export function exactRelativeRows(
  embeddings: readonly Float32Array[],
  anchors: Int32Array,
  makes: Int32Array,
): SparseRows {
  const directions = Array.from(anchors, (id) => embeddings[id]);
  return keepAll(
    Array.from(makes, (make, v) => {
      if (make === ROW_OF_EMBEDDING) return relativeRow(embeddings[v], directions);
      const row = new Float64Array(anchors.length);
      if (make >= 0) row[make] = 1;
      return row;
    }),
  );
}
