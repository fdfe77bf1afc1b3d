import { defineConfig } from "tsup";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    laws: "src/laws/index.ts",
    cli: "src/cli/main.ts",
    "member-worker": "src/member/llama/worker.ts",
    "load-words": "src/llama/load-words.ts",
    "member-process": "src/member/llama/own-process.ts",
    "alignment-worker": "src/during/alignments/build/worker.ts",
    "router-worker": "src/before/evaluation/worker.ts",
    "format-worker": "src/decoding/format/reader.ts",
    "bench-bare-worker": "bench/bare-worker.ts",
    "bench-child": "bench/child.ts",
  },
  format: "esm",
  target: "node20",
  platform: "node",
  dts: { entry: { index: "src/index.ts", laws: "src/laws/index.ts" } },
  sourcemap: true,
  clean: false,
  splitting: true,
  // Pages of the server, as they are.
  publicDir: "src/server/pages",
});
