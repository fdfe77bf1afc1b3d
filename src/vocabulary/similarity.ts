/** The similarity matrix of two models' tokens, from their output embeddings: planned, built in blocks, kept on disk. */
import { allocateFloats, freeFloats, type NativeFloats, viewFloats } from "../llama/ggml-math.js";
import { type Llama, loadLlama } from "../llama/library.js";
import { type EmbeddingSource, fingerprint, readAllRows, shareable } from "../member/embeddings.js";
import { alignmentKey, cachedRows } from "./alignment-cache.js";
import { type BuildOptions, eachBlock, IN_ONE_PIECE, runBlocks } from "./alignment-pool.js";
import { Neighbourhoods } from "./similar-tokens.js";
import type { Placement } from "./similarity-blocks.js";
import { cosinesOf, mapEmbeddings, type SimilarityPlan, similarityOf } from "./similarity-exact.js";
import { joinBlocks, type SparseRows } from "./sparse-rows.js";

/** Bytes that one block's cosines may take, and the most rows of one. */
const BLOCK_BYTES = 1 << 26;
const LARGEST_BLOCK = 256;
/** What share of the work the maps, the places and each of the two passes over all pairs are, about. */
const SHARES = { maps: 0.1, places: 0.05, pass: 0.4 };

export interface SimilaritySides {
  /** Rows of the matrix: the source model's tokens; columns: the target model's. */
  source: EmbeddingSource;
  target: EmbeddingSource;
  /** Rows of both that are one token. */
  pairs: readonly [Int32Array, Int32Array];
}

/** The matrix (see similar-tokens.ts), from the cache if these embeddings were here before. */
export async function similarityRows(
  sides: SimilaritySides,
  plan: SimilarityPlan,
  options: BuildOptions = {},
): Promise<SparseRows> {
  const { source, target, pairs } = sides;
  const build = () => buildSimilarity(sides, plan, options);
  // Numbers that came from no file are some program's own, which may change them at any time.
  if (source.kind === "memory" || target.kind === "memory") return build();
  const kinds = Int32Array.from(plan.kinds);
  const settings = JSON.stringify([plan.neighbourhood, plan.options]);
  const models = [fingerprint(source), fingerprint(target)];
  return cachedRows(alignmentKey("similarity", settings, ...models, ...pairs, plan.makes, kinds), build);
}

async function buildSimilarity(sides: SimilaritySides, plan: SimilarityPlan, run: BuildOptions): Promise<SparseRows> {
  const { pairs } = sides;
  const [source, target] = [shareable(sides.source), shareable(sides.target)];
  const work = plan.makes.length * plan.kinds.length * Math.min(source.width, target.width);
  const llama = loadLlama();
  if (work < IN_ONE_PIECE) {
    const [x, z] = [readAllRows(source, llama.files), readAllRows(target, llama.files)];
    const dictionary = Array.from(pairs[0], (id, place): [number, number] => [id, pairs[1][place]]);
    const mapped = mapEmbeddings(x, z, dictionary);
    mapped.source.length = plan.makes.length;
    mapped.target.length = plan.kinds.length;
    return similarityOf(cosinesOf(mapped), plan);
  }
  const progress = new Stages(run);
  const squares = pairs[0].length * (source.width + target.width) ** 2;
  const [maps] = await runBlocks(
    "mapsBlock",
    [{ library: llama.files, source, target, pairs }],
    squares,
    progress.stage(SHARES.maps),
  );
  const owned: NativeFloats[] = [];
  try {
    const places = [];
    for (const [side, rows, { mean, map }] of [
      [source, plan.makes.length, maps.source],
      [target, plan.kinds.length, maps.target],
    ] as const) {
      places.push(await place(llama, side, rows, { mean, map, common: maps.source.common }, progress, owned));
    }
    return await similarityOfPlaces(llama, places[0], places[1], maps.source.common, plan, progress);
  } finally {
    for (const floats of owned) freeFloats(floats);
  }
}

/** All rows' places in the common space, in native memory that is added to `owned`. */
async function place(
  llama: Llama,
  source: EmbeddingSource,
  rows: number,
  { mean, map, common }: Placement,
  progress: Stages,
  owned: NativeFloats[],
): Promise<NativeFloats> {
  const { width } = source;
  const transposed = allocateFloats(common * width);
  const places = allocateFloats(rows * common);
  owned.push(transposed, places);
  const view = viewFloats(transposed);
  for (let i = 0; i < width; i++) for (let j = 0; j < common; j++) view[j * width + i] = map[i * common + j];
  const jobs = blocksOf(rows, LARGEST_BLOCK).map(([from, to]) => ({
    library: llama.files,
    source,
    mean,
    map: transposed,
    places,
    from,
    to,
  }));
  await runBlocks("placeBlock", jobs, rows * width * common, progress.stage(SHARES.places));
  return places;
}

async function similarityOfPlaces(
  llama: Llama,
  places: NativeFloats,
  targets: NativeFloats,
  common: number,
  { makes, kinds, neighbourhood, options }: SimilarityPlan,
  progress: Stages,
): Promise<SparseRows> {
  const rowsABlock = Math.max(16, Math.min(LARGEST_BLOCK, Math.floor(BLOCK_BYTES / (4 * kinds.length))));
  const jobs = blocksOf(makes.length, rowsABlock).map(([from, to]) => ({
    library: llama.files,
    places,
    targets,
    common,
    makes,
    from,
    to,
  }));
  const work = makes.length * kinds.length * common;
  const neighbourhoods = new Neighbourhoods(kinds.length, neighbourhood);
  await eachBlock(
    "neighbourhoodBlock",
    jobs.map((job) => ({ ...job, neighbourhood })),
    work,
    progress.stage(SHARES.pass),
    (values) => neighbourhoods.merge(values),
  );
  const hubness = neighbourhoods.hubness();
  const blocks = await runBlocks(
    "similarityBlock",
    jobs.map((job) => ({ ...job, hubness, kinds, options })),
    work,
    progress.stage(SHARES.pass),
  );
  return joinBlocks(blocks, kinds.length);
}

function blocksOf(rows: number, size: number): [number, number][] {
  return Array.from({ length: Math.ceil(rows / size) }, (_, block) => [
    block * size,
    Math.min((block + 1) * size, rows),
  ]);
}

/** Several stages' progress as one, which only grows. */
class Stages {
  #done = 0;

  constructor(private readonly run: BuildOptions) {}

  /** The next stage, which is this share of the whole. */
  stage(share: number): BuildOptions {
    const before = this.#done;
    this.#done += share;
    return { ...this.run, onProgress: (fraction) => this.run.onProgress?.(Math.min(1, before + share * fraction)) };
  }
}
