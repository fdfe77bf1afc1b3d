import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { compare } from "./compare.js";

it.each([
  [{ a: 1.00000001 }, { a: 1 }, 1e-5, []],
  [{ a: 1.001 }, { a: 1 }, 1e-5, ["a"]],
  [{ a: 3 }, { a: 4 }, 1, ["a"]],
  [{ a: [1, 2] }, { a: [1, 2, 3] }, 1e-5, ["a"]],
  [{ a: { x: 1 } }, { a: { x: 1, y: 2 } }, 1e-5, ['a["y"]']],
  [{ a: { x: 1 } }, { a: {} }, 1e-5, ['a["x"]']],
  [{ a: "x" }, { a: "x", more: 1 }, 1e-5, []],
  [{ a: "NaN", b: "-Infinity" }, { a: Number.NaN, b: Number.NEGATIVE_INFINITY }, 1e-5, []],
  [{ a: 0.5 }, { a: Number.NaN }, 1e-5, ["a"]],
  [{ a: null }, {}, 1e-5, ["a"]],
  [{ a: [[1, "x"]] }, { a: [[1, "y"]] }, 1e-5, ["a[0][1]"]],
  [{ a: [0.5] }, { a: Float64Array.of(0.5) }, 1e-9, []],
])("compares %j with %j", (expected, found, tolerance, fields) => {
  expect(compare(expected, found, tolerance).map(({ field }) => field)).toEqual(fields);
});

it("the runner names what failed, counts cases of unknown methods, and exits with 1", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "golden-"));
  const cases = [
    { name: "first", input: {}, output: {} },
    { name: "second", input: {}, output: {} },
  ];
  await writeFile(path.join(folder, "x.json"), JSON.stringify({ method: "no-such", cases }));
  await writeFile(path.join(folder, "y.json"), "not JSON");
  const run = fileURLToPath(new URL("run.ts", import.meta.url));
  const failure = await promisify(execFile)(process.execPath, ["--import", "tsx", run, folder]).catch((error) => error);
  await rm(folder, { recursive: true });
  expect(failure.code).toBe(1);
  const lines = failure.stdout.trimEnd().split("\n");
  expect(lines.at(-1)).toBe("0 passed, 3 failed");
  expect(lines[0]).toMatch(/no-such first: no such method/);
  expect(lines[2]).toMatch(/y\.json: not a golden file/);
});
