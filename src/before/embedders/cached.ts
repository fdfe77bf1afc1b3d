/** An embedder that remembers its vectors on disk: each text is embedded once, in any run. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { homeFolder, writeCache } from "../../files.js";
import { type Matrix, makeMatrix, rowOf } from "../../learning/matrix.js";
import type { Embedder, EmbedOptions, SavedEmbedder } from "./embedder.js";

/** The environment variable that names the folder for remembered vectors. */
export const EMBEDDINGS_VARIABLE = "LLAMAFUSE_EMBEDDINGS";

/** `$LLAMAFUSE_EMBEDDINGS`, else below the user's own folder; undefined where there is none, and nothing is remembered. */
function embeddingsFolder(): string | undefined {
  const home = homeFolder();
  const folder = process.env[EMBEDDINGS_VARIABLE];
  return folder || (home && path.join(home, ".llamafuse", "embeddings"));
}

/** Files that are read or written at once. */
const AT_ONCE = 64;

export class CachedEmbedder implements Embedder {
  private readonly folder: string | undefined;

  /** Vectors are kept in single precision, a file each, named by SHA-256 of embedder and text. */
  constructor(
    private readonly embedder: Embedder,
    folder = embeddingsFolder(),
  ) {
    this.folder = folder && path.join(folder, embedder.id.replaceAll(":", "-"));
  }

  get id(): string {
    return this.embedder.id;
  }

  get dimension(): number {
    return this.embedder.dimension;
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Matrix> {
    const embeddings = makeMatrix(texts.length, this.dimension);
    const missing: number[] = [];
    await inGroups(Array.from(texts.keys()), async (row) => {
      const vector = await this.#read(texts[row]);
      if (vector === undefined) missing.push(row);
      else rowOf(embeddings, row).set(vector);
    });
    missing.sort((a, b) => a - b);
    // In portions, so that what a stopped run has computed is kept.
    for (let start = 0; start < missing.length; start += AT_ONCE) {
      const rows = missing.slice(start, start + AT_ONCE);
      const fresh = await this.embedder.embed(
        rows.map((row) => texts[row]),
        { signal: options.signal },
      );
      await Promise.all(
        rows.map(async (row, index) => {
          const vector = Float32Array.from(rowOf(fresh, index));
          rowOf(embeddings, row).set(vector);
          await this.#write(texts[row], vector);
        }),
      );
      options.onProgress?.((texts.length - missing.length + start + rows.length) / texts.length);
    }
    return embeddings;
  }

  toJSON(): SavedEmbedder {
    return this.embedder.toJSON();
  }

  async dispose(): Promise<void> {
    await this.embedder.dispose?.();
  }

  #fileOf(text: string): string | undefined {
    if (this.folder === undefined) return undefined;
    const name = createHash("sha256").update(this.id).update("\0").update(text).digest("hex");
    return path.join(this.folder, name.slice(0, 2), `${name.slice(2)}.f32`);
  }

  /** A damaged file (another size, numbers that are not finite) is written again: the text is embedded anew. */
  async #read(text: string): Promise<Float32Array | undefined> {
    const file = this.#fileOf(text);
    if (file === undefined) return undefined;
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes?.length !== 4 * this.dimension) return undefined;
    const vector = new Float32Array(Uint8Array.from(bytes).buffer);
    return vector.every(Number.isFinite) ? vector : undefined;
  }

  async #write(text: string, vector: Float32Array): Promise<void> {
    const file = this.#fileOf(text);
    if (file !== undefined) await writeCache(file, new Uint8Array(vector.buffer));
  }
}

async function inGroups<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    await Promise.all(items.slice(start, start + AT_ONCE).map(work));
  }
}
