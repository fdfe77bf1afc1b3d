import path from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/real/*.test.ts"],
    // Real models fill the cores: one file at a time.
    pool: "forks",
    maxWorkers: 1,
    // What some methods build of two vocabularies takes minutes.
    testTimeout: 1_800_000,
    hookTimeout: 600_000,
    // It is kept.
    env: { XDG_CACHE_HOME: path.resolve(".cache/tests") },
  },
});
