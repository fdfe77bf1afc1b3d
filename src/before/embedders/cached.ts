/** An embedder that remembers its vectors on disk: each text is embedded once, in any run. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type Matrix, makeMatrix, rowOf } from "../../learning/matrix.js";
import type { Embedder, EmbedOptions, SavedEmbedder } from "./embedder.js";

/** The environment variable that names the folder for remembered vectors. */
export const EMBEDDINGS_VARIABLE = "LLAMAFUSE_EMBEDDINGS";

export function embeddingsFolder(): string {
  return process.env[EMBEDDINGS_VARIABLE] || path.join(os.homedir(), ".llamafuse", "embeddings");
}

/** Files that are read or written at once. */
const AT_ONCE = 64;

export class CachedEmbedder implements Embedder {
  private readonly folder: string;

  /** Vectors are kept in single precision, a file each, named by SHA-256 of embedder and text. */
  constructor(
    private readonly embedder: Embedder,
    folder = embeddingsFolder(),
  ) {
    this.folder = path.join(folder, embedder.id.replaceAll(":", "-"));
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

  #fileOf(text: string): string {
    const name = createHash("sha256").update(this.id).update("\0").update(text).digest("hex");
    return path.join(this.folder, name.slice(0, 2), `${name.slice(2)}.f32`);
  }

  /** A file of another size is none of ours, or damaged: the text is embedded again. */
  async #read(text: string): Promise<Float32Array | undefined> {
    const bytes = await readFile(this.#fileOf(text)).catch(() => undefined);
    if (bytes?.length !== 4 * this.dimension) return undefined;
    return new Float32Array(Uint8Array.from(bytes).buffer);
  }

  /** Under another name first, so that no other process reads half a file. A full disk only costs time the next run. */
  async #write(text: string, vector: Float32Array): Promise<void> {
    const file = this.#fileOf(text);
    const draft = `${file}.${randomUUID()}`;
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(draft, new Uint8Array(vector.buffer));
      await rename(draft, file);
    } catch {
      await rm(draft, { force: true }).catch(() => {});
    }
  }
}

async function inGroups<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    await Promise.all(items.slice(start, start + AT_ONCE).map(work));
  }
}
