import path from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // These need a driver (`npm run test:gpu`), real models (`npm run test:real`), a llama-server (`npm run test:remote`) and other packages (`npm run test:clients`).
    exclude: ["test/gpu/**", "test/real/**", "test/remote/**", "test/clients/**"],
    // Models and worker threads: one file at a time per core, generous limits, forks so that a native abort names its file.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Alignments that tests build are kept here, not in the user's own cache.
    env: { XDG_CACHE_HOME: path.resolve(".cache/tests") },
  },
});
