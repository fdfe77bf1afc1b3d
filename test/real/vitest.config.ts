import path from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/real/*.test.ts"],
    // Real models fill the cores: one file at a time.
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // What some methods build of two vocabularies takes minutes, and is kept.
    env: { XDG_CACHE_HOME: path.resolve(".cache/tests") },
  },
});
