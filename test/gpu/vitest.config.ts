import { defineConfig } from "vitest/config";

export default defineConfig({
  // A driver that compiles its shaders on a processor takes its time, and two at once take each other's.
  test: { include: ["test/gpu/*.test.ts"], pool: "forks", maxWorkers: 1, testTimeout: 600_000 },
});
