/** The similarity matrix of two models' tokens, from their output embeddings: planned, built in blocks, kept on disk. */
import { allocateFloats, freeFloats, type NativeFloats, viewFloats } from "../../../llama/ggml-math.js";
import { type Llama, loadLlama } from "../../../llama/library.js";
import { type EmbeddingSource, fingerprint, readAllRows, shareable } from "../../../member/embeddings.js";
import { alignmentKey, cachedRows } from "../build/cache.js";
import { type BuildOptions, eachBlock, IN_ONE_PIECE, runBlocks } from "../build/pool.js";
import { EMPTY_ROW, ROW_OF_EMBEDDING } from "../build/relative-rows.js";
import type { SparseRows } from "../build/sparse-rows.js";
import { Stages } from "../build/stages.js";
import type { CandidatesBlock } from "./blocks.js";
import type { Placement } from "./dictionary-blocks.js";
import { cosinesOf, mapEmbeddings, rowsOf, type SimilarityPlan, similarityOf, similarityRow } from "./exact.js";
import { chosenAmong, Largest, Neighbourhoods, type SimilarTokens, scoreOf } from "./similar-tokens.js";

/** Bytes that one block's cosines may take, and the most rows of one. */
const BLOCK_BYTES = 1 << 26;
const LARGEST_BLOCK = 256;
/** Seconds that a core takes, about, for width³ of a decomposition, for width³ of the maps, and for a multiplication. */
const SECONDS = { directions: 4e-9, maps: 11e-9, product: 7e-11 };
/** The rows that candidates do not settle, as a share of all. */
const UNSETTLED = 0.05;
/** Of so many source rows, one is looked at first. */
const LOOK_EVERY = 32;
/** Candidates of a row: enough for nearly all rows of random embeddings, which lie closest together. */
const CANDIDATES = 128;
/** What float32 may make of a score. */
const ROUNDING = 1e-5;

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
  const costs = costsOf([source, target], pairs[0].length, work);
  const progress = new Stages(
    run,
    Object.values(costs).reduce((total, cost) => total + cost),
  );
  const { files: library } = llama;
  const [x, z] = [source, target].map((side, index) => ({ source: side, rows: pairs[index] }));
  const [cross] = await runBlocks(
    "crossBlock",
    [{ library, source: x, target: z }],
    pairs[0].length * source.width * target.width,
    progress.stage(costs.cross),
  );
  const [atSource, atTarget] = await runBlocks(
    "directionsBlock",
    [x, z].map((side) => ({ library, side })),
    source.width ** 3 + target.width ** 3,
    progress.stage(costs.directions),
  );
  const [maps] = await runBlocks(
    "mapsBlock",
    [{ source: atSource, target: atTarget, cross }],
    source.width ** 3 + target.width ** 3,
    progress.stage(costs.maps),
  );
  const owned: NativeFloats[] = [];
  try {
    const places = [];
    for (const [side, rows, { mean, map }] of [
      [source, plan.makes.length, maps.source],
      [target, plan.kinds.length, maps.target],
    ] as const) {
      const options = progress.stage(costs.places / 2);
      places.push(await place(llama, side, rows, { mean, map, common: maps.source.common }, options, owned));
    }
    return await similarityOfPlaces(llama, [places[0], places[1]], maps.source.common, pairs, plan, {
      look: progress.stage(costs.look),
      pass: progress.stage(costs.pass),
      again: progress.stage(costs.again),
    });
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
  options: BuildOptions,
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
  await runBlocks("placeBlock", jobs, rows * width * common, options);
  return places;
}

/**
 * The matrix, with each pair's cosine computed once. Scores need all hubness, which is known at the end; so a first look at
 * a few source rows and at the dictionary's pairs finds what each target's hubness ρ is at least, the pass over all pairs
 * keeps for each row the candidates of the highest possible scores, 2 cos − ρ_least, and at the end the candidates' scores
 * are found. A row is settled if enough of them lie above all that a target which is no candidate can have; the others
 * are computed again.
 */
async function similarityOfPlaces(
  llama: Llama,
  [source, target]: readonly [NativeFloats, NativeFloats],
  common: number,
  pairs: SimilaritySides["pairs"],
  plan: SimilarityPlan,
  { look, pass, again }: Record<"look" | "pass" | "again", BuildOptions>,
): Promise<SparseRows> {
  const { makes, neighbourhood, options } = plan;
  const columns = plan.kinds.length;
  const kinds = sharedCopy(plan.kinds, Uint8Array);
  const rowsABlock = Math.max(16, Math.min(LARGEST_BLOCK, Math.floor(BLOCK_BYTES / (4 * columns))));
  const spoken = Int32Array.from(makes.keys()).filter((row) => makes[row] !== EMPTY_ROW);
  const jobsOf = (rows: Int32Array) =>
    blocksOf(rows.length, rowsABlock).map(([from, to]) => ({
      library: llama.files,
      places: source,
      targets: target,
      common,
      neighbourhood,
      rows: rows.slice(from, to),
    }));
  const workOf = (rows: Int32Array) => rows.length * columns * common;

  const looked = spoken.filter((_, at) => at % LOOK_EVERY === 0);
  const first = new Neighbourhoods(columns, neighbourhood);
  await eachBlock("neighbourhoodBlock", jobsOf(looked), workOf(looked), look, (values) => first.merge(values));
  addPairs(first, [source, target], common, pairs, new Set(looked));
  const leastHubness = sharedCopy(first.leastHubness(), Float64Array);

  const all = new Neighbourhoods(columns, neighbourhood);
  const candidates: CandidatesBlock[] = [];
  const jobs = jobsOf(spoken).map((job) => ({ ...job, leastHubness, kinds, most: CANDIDATES }));
  await eachBlock("candidatesBlock", jobs, workOf(spoken), pass, (block) => {
    all.merge(block.neighbourhoods);
    // Kept until the end, without what is no longer wanted.
    candidates.push({ ...block, neighbourhoods: NOTHING });
  });

  const hubness = sharedCopy(all.hubness(), Float64Array);
  const found: (SimilarTokens | undefined)[] = Array.from(makes, (make) =>
    make === ROW_OF_EMBEDDING ? undefined : similarityRow(make, () => ({ ids: [], scores: [] })),
  );
  let at = 0;
  for (const block of candidates) {
    for (let place = 0; place < block.bounds.length; place++) {
      const row = spoken[at++];
      found[row] ??= amongCandidates(block, place, hubness, plan);
    }
  }
  const open = spoken.filter((row) => found[row] === undefined);
  const openJobs = jobsOf(open).map((job) => ({ ...job, hubness, kinds, options }));
  let next = 0;
  await eachBlock("similarityBlock", openJobs, workOf(open), again, (block) => {
    for (const own of block) found[open[next++]] = own;
  });
  again.onProgress?.(1);
  return rowsOf(found as SimilarTokens[], columns);
}

const NOTHING = new Float64Array(0);

/** A row's similar tokens by its candidates; undefined where others may be among them. */
export function amongCandidates(
  { ids, cosines, bounds }: CandidatesBlock,
  place: number,
  hubness: Float64Array,
  { kinds, options }: SimilarityPlan,
): SimilarTokens | undefined {
  const most = ids.length / bounds.length;
  const from = place * most;
  const largest = new Largest(options.keep);
  // By id, because the first among equals is kept.
  const order = Array.from({ length: most }, (_, rank) => from + rank)
    .filter((at) => ids[at] >= 0)
    .sort((a, b) => ids[a] - ids[b]);
  for (const at of order) largest.offer(ids[at], scoreOf(cosines[at], hubness[ids[at]], kinds[ids[at]]));
  const bound = bounds[place] + ROUNDING;
  return largest.least > bound || bound < options.threshold ? chosenAmong(largest, kinds, options) : undefined;
}

/** The cosines of the dictionary's pairs, but for those of source rows that were counted. */
function addPairs(
  neighbourhoods: Neighbourhoods,
  [source, target]: readonly [NativeFloats, NativeFloats],
  common: number,
  [from, to]: SimilaritySides["pairs"],
  counted: ReadonlySet<number>,
): void {
  const [x, z] = [viewFloats(source), viewFloats(target)];
  for (const [pair, row] of from.entries()) {
    if (counted.has(row)) continue;
    let cosine = 0;
    for (let j = 0; j < common; j++) cosine += x[row * common + j] * z[to[pair] * common + j];
    neighbourhoods.offer(to[pair], cosine);
  }
}

/** A copy that threads share. */
function sharedCopy<T extends Uint8Array | Float64Array>(
  array: T,
  kind: { new (buffer: SharedArrayBuffer): T; BYTES_PER_ELEMENT: number },
): T {
  const copy = new kind(new SharedArrayBuffer(array.length * kind.BYTES_PER_ELEMENT));
  copy.set(array);
  return copy;
}

function blocksOf(rows: number, size: number): [number, number][] {
  return Array.from({ length: Math.ceil(rows / size) }, (_, block) => [
    block * size,
    Math.min((block + 1) * size, rows),
  ]);
}

/** Seconds of a core, about. `work`: multiplications of all pairs. */
function costsOf([source, target]: readonly EmbeddingSource[], pairs: number, work: number) {
  const cubes = source.width ** 3 + target.width ** 3;
  const squares = source.width ** 2 + target.width ** 2;
  const common = Math.min(source.width, target.width);
  const passed = SECONDS.product * work;
  return {
    cross: SECONDS.product * pairs * source.width * target.width,
    directions: SECONDS.product * pairs * squares + SECONDS.directions * cubes,
    maps: SECONDS.maps * cubes,
    places: SECONDS.product * common * (source.rows * source.width + target.rows * target.width),
    look: passed / LOOK_EVERY,
    pass: passed,
    again: UNSETTLED * passed,
  };
}
