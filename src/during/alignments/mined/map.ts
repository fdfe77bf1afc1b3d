/** MinED maps of whole vocabularies: built on a pool of threads, kept on disk, and in memory as long as their vocabularies. */
import { alignmentKey, cachedRows } from "../build/cache.js";
import { type BuildOptions, runBlocks } from "../build/pool.js";

/** Words that one job looks up. */
const JOB_WORDS = 4096;

/**
 * For each word of `from` the nearest of `to` (see nearestWords), which must not be empty. Errors: aborted.
 */
export async function minedMap(
  from: readonly string[],
  to: readonly string[],
  options: BuildOptions = {},
): Promise<Int32Array> {
  const known = new Map<string, number>();
  for (const [word, string] of to.entries()) if (!known.has(string)) known.set(string, word);
  const unknown = from.filter((string) => !known.has(string));
  const nearest = unknown.length === 0 ? new Int32Array(0) : await nearestOf(unknown, to, options);
  let next = 0;
  return Int32Array.from(from, (string) => known.get(string) ?? nearest[next++]);
}

async function nearestOf(words: readonly string[], to: readonly string[], options: BuildOptions): Promise<Int32Array> {
  const key = alignmentKey("minimum edit", words.length, words.join("\n"), to.length, to.join("\n"));
  const { indices } = await cachedRows(key, async () => {
    const jobs: { from: readonly string[]; to: readonly string[] }[] = [];
    for (let at = 0; at < words.length; at += JOB_WORDS) jobs.push({ from: words.slice(at, at + JOB_WORDS), to });
    const blocks = await runBlocks("nearestBlock", jobs, words.length * to.length * COMPARISON, options);
    return {
      rows: words.length,
      columns: to.length,
      offsets: Uint32Array.from({ length: words.length + 1 }, (_, row) => row),
      indices: Int32Array.from(blocks.flatMap((block) => [...block])),
      values: new Float64Array(words.length).fill(1),
      dropped: new Float64Array(words.length),
      background: new Float64Array(0),
    };
  });
  return indices;
}

/** Multiplications that take as long as looking at one pair of words. */
const COMPARISON = 10;
