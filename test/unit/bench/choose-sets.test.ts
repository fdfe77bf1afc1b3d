/** A bench measures what it was asked to, or says why not. */
import path from "node:path";
import { describe, expect, it } from "vitest";
import { runBench } from "../../../bench/benches.js";
import { chooseSets, missingAmong, projectPath } from "../../../bench/choose-sets.js";
import { chooseModelSets, DECODING_SETS } from "../../../bench/model-sets.js";
import { refusal } from "../../support/refusal.js";

const there = { name: "there", files: [import.meta.filename] };
const gone = { name: "gone", files: ["/nowhere/a.gguf", "/nowhere/b.gguf"] };
const choose = (names?: readonly string[], all = [there, gone]) =>
  chooseSets("fused", all, names, ({ files }) => missingAmong(files, () => "Run npm run make-them"));

describe("the sets of a bench", () => {
  it("leave out, with a note, what lacks files", () => {
    const { sets, notes } = choose();
    expect(sets).toEqual([there]);
    expect(notes).toEqual(["gone left out: /nowhere/a.gguf, /nowhere/b.gguf missing (Run npm run make-them)"]);
  });

  it("are an error where a named one lacks files, or all do: which file, and the command that makes it", async () => {
    const named = await refusal(() => choose(["gone"]));
    expect(named.code).toBe("file-unreadable");
    expect(named.message).toBe(
      'The set "gone" of bench fused needs /nowhere/a.gguf and 1 more: missing. Run npm run make-them.',
    );
    expect((await refusal(() => choose(undefined, [gone]))).message).toMatch(/^Every set of bench fused needs/);
  });

  it("are an error where a name is wrong, which gives the nearest and all", async () => {
    const error = await refusal(() => choose(["ther"]));
    expect(error).toMatchObject({ code: "invalid-option", details: { nearest: "there", allowed: ["there", "gone"] } });
  });

  it("find the native models from any folder", () => {
    const before = process.cwd();
    process.chdir(path.parse(before).root);
    try {
      const { sets } = chooseModelSets("fused", DECODING_SETS, ["native"]);
      expect(sets[0].models).toContain(projectPath("native-models/robin.gguf"));
    } finally {
      process.chdir(before);
    }
  });

  it.each(["step", "fused", "load", "peer", "quality", "routing", "routers", "alignments"])(
    "%s refuses a set that it does not have",
    async (bench) => {
      expect((await refusal(() => runBench(bench, { sets: ["no such set"] }))).code).toBe("invalid-option");
    },
  );
});
