import { defineConfig } from "tsup";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    cli: "src/cli/main.ts",
    "member-worker": "src/member/member-worker.ts",
    "alignment-worker": "src/vocabulary/alignment-worker.ts",
    "router-worker": "src/before/judging/worker.ts",
    "bench-bare-worker": "src/bench/bare-worker.ts",
    "bench-child": "src/bench/child.ts",
  },
  format: "esm",
  target: "node20",
  platform: "node",
  dts: { entry: { index: "src/index.ts" } },
  sourcemap: true,
  clean: false,
  splitting: true,
});
