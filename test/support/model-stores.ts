/** Stores as other programs leave them, in a temporary home folder, with tiny models. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import type { StorePlace } from "../../src/model-stores/store.js";

export class Home {
  constructor(readonly folder: string) {}

  at(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  place(env: Record<string, string> = {}): StorePlace {
    return { env, home: this.folder, platform: "linux" };
  }

  write(file: string, content: string | Uint8Array): string {
    const full = this.at(file);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, content);
    return full;
  }

  /** A tiny model, or its parts; the seed makes its bytes. */
  model(file: string, seed = 1, parts = 1): string[] {
    const full = this.at(file);
    mkdirSync(path.dirname(full), { recursive: true });
    return writeTinyModel(full, { seed, parts });
  }

  /** A repository of the Hugging Face cache: a snapshot whose files are links to blobs. */
  huggingFace(
    repository: string,
    files: readonly string[],
    { seed = 1, snapshot = "1a2b", hub = ".cache/huggingface/hub" } = {},
  ) {
    const folder = `${hub}/models--${repository.replaceAll("/", "--")}`;
    this.write(`${folder}/refs/main`, snapshot);
    for (const file of files) {
      const blob = this.#blob(`${folder}/blobs`, seed);
      const link = this.at(folder, "snapshots", snapshot, file);
      mkdirSync(path.dirname(link), { recursive: true });
      symlinkSync(path.relative(path.dirname(link), blob), link);
    }
    return this.at(folder);
  }

  /** A model as `ollama pull` leaves it. */
  ollama(
    name: string,
    tag: string,
    { seed = 1, host = "registry.ollama.ai/library", models = ".ollama/models" } = {},
  ): string {
    const blob = this.#blob(`${models}/blobs`, seed, "sha256-");
    const layers = [
      { mediaType: "application/vnd.ollama.image.template", digest: `sha256:${"0".repeat(64)}`, size: 3 },
      { mediaType: "application/vnd.ollama.image.model", digest: `sha256:${path.basename(blob).slice(7)}`, size: 1 },
    ];
    this.write(`${models}/manifests/${host}/${name}/${tag}`, JSON.stringify({ schemaVersion: 2, layers }));
    return blob;
  }

  #blob(folder: string, seed: number, prefix = ""): string {
    const [made] = this.model(`${folder}/made.gguf`, seed);
    const bytes = readFileSync(made);
    rmSync(made);
    return this.write(`${folder}/${prefix}${createHash("sha256").update(bytes).digest("hex")}`, bytes);
  }
}
