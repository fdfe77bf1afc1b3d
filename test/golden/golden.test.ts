import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkAll, checkCase, goldenPaths, readGolden, whySkipped } from "./golden.js";

const files = await Promise.all((await goldenPaths(fileURLToPath(new URL(".", import.meta.url)))).map(readGolden));

describe.each(files)("golden $method", ({ method, cases }) => {
  it.each(cases)("$name", async (one) => {
    if (whySkipped(method, one) !== undefined) return;
    expect(await checkCase(method, one)).toEqual([]);
  });

  it("all together", () => {
    expect(checkAll(method, cases) ?? []).toEqual([]);
  });
});
