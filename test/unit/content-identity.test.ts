import { describe, expect, it } from "vitest";
import { hashesOfFiles } from "../../src/content-identity.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const at = temporaryFolder();

describe("the files that a method's options name", () => {
  it("are known by what they hold, wherever among the options they stand", async () => {
    const router = at("router.json", "one");
    const options = { name: "knn", router, k: 3, part: { name: "x", table: router } };
    const before = await hashesOfFiles(options);
    expect(Object.keys(before!)).toEqual(["router", "part.table"]);
    expect(before!.router).toBe("7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
    at("router.json", "two");
    expect((await hashesOfFiles(options))!.router).not.toBe(before!.router);
  });

  it("are none where options are words, numbers or objects with a life of their own", async () => {
    expect(await hashesOfFiles({ name: "cds", classifier: "entropy", threshold: 2 })).toBeUndefined();
    expect(await hashesOfFiles({ name: "cds", classifier: new (class Judge {})() })).toBeUndefined();
  });
});
