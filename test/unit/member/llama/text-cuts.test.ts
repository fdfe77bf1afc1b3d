import { describe, expect, it } from "vitest";
import { TextCuts } from "../../../../src/member/llama/text-cuts.js";
import { makeVocabulary, type VocabularyKind } from "../../../../src/vocabulary/vocabulary.js";

function cutsOver(
  strings: readonly string[],
  kind: VocabularyKind = "bpe",
  literals: number[] = [],
  addsSpacePrefix = false,
) {
  const vocabulary = makeVocabulary(
    strings.map((string) => ({ bytes: Buffer.from(string) })),
    { kind, addsSpacePrefix },
  );
  const cuts = new TextCuts(vocabulary, literals);
  /** The text with a bar at every cut. */
  return (text: string) => {
    const bytes = Buffer.from(text);
    let marked = text;
    for (let cut = cuts.last(bytes, bytes.length); cut > 0; cut = cuts.last(bytes, cut)) {
      const before = bytes.subarray(0, cut).toString();
      marked = `${before}|${marked.slice(before.length)}`;
    }
    return marked;
  };
}

describe("safe cuts", () => {
  it("lie before single spaces, behind line breaks and before full-width marks between visible characters", () => {
    const mark = cutsOver([" the", "a"]);
    expect(mark("one two, 3 fo")).toBe("one| two,| 3| fo");
    expect(mark("one  two \n three\tx")).toBe("one  two \n three\tx");
    expect(mark("one.\n\ntwo\nthree\n four")).toBe("one.\n\n|two\n|three\n four");
    expect(mark("今天，很好。我 们")).toBe("今天|，很好|。我| 们");
    expect(mark("été à la mer")).toBe("été| à| la| mer");
  });

  it("do not lie beside white space, controls and marks that a tokenizer takes for a space", () => {
    const mark = cutsOver([" the"]);
    for (const text of ["a\u00a0 b", "a \u00a0b", "a \u2003b", "a \u2581b", "a\u2581 b", "a \u200db", "a\n\u3000b"]) {
      expect(mark(text)).toBe(text);
    }
  });

  it("need the whole character behind them", () => {
    const cuts = new TextCuts(makeVocabulary([{ bytes: Buffer.from("a") }], { kind: "bpe" }));
    const text = Buffer.from("a é");
    expect([cuts.last(text, 2), cuts.last(text, 3), cuts.last(text, 4)]).toEqual([0, 0, 1]);
    const chinese = Buffer.from("好，我");
    expect([cuts.last(chinese, 6), cuts.last(chinese, 8), cuts.last(chinese, 9)]).toEqual([0, 0, 3]);
  });

  it("do not lie where a token reaches across", () => {
    expect(cutsOver(["of the"])("one of 2 things")).toBe("one| of 2| things");
    expect(cutsOver([".\n", "x\ny"])("end.\nx\ny z")).toBe("end.\nx\ny| z");
    expect(cutsOver(["的。"])("我的。好，吧")).toBe("我的。好|，吧");
  });

  it("do not lie beside what is cut out of the text first", () => {
    expect(cutsOver(["<x>"], "bpe", [0])("a <x> b c")).toBe("a| <x> b| c");
    expect(cutsOver(["the"], "spm", [0], true)("a the b tea cat")).toBe("a the b tea| cat");
    expect(cutsOver([" x"], "spm", [0], true)("a b c")).toBe("a b c");
  });

  it("are none for tokenizers that are not known", () => {
    expect(cutsOver(["a"], "other")("one two\nthree，四")).toBe("one two\nthree，四");
  });
});
