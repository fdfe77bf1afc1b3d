/** Relative space against its definition, the end of generation included. */
import { describe, expect, it } from "vitest";
import { relativeRow } from "../../../src/during/alignments/build/relative-rows.js";
import { RelativeProjection, relativeSpaceOf } from "../../../src/during/alignments/relative/alignment.js";
import type { EmbeddingSource } from "../../../src/member/embeddings.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../src/vocabulary/vocabulary.js";

const none = new Uint8Array();
const text = (string: string) => ({ bytes: Buffer.from(string), text: string });
const end = (written: string) => ({ bytes: none, class: TokenClass.end, text: written });
const control = { bytes: none, class: TokenClass.control, text: "<s>" };

/** " the", "a" and "b" in common, two end tokens each, in other places; "c" and "d" are one's own. */
const one = makeVocabulary([text("a"), end("</s>"), text("c"), control, text("b"), end("<|im_end|>"), text(" the")]);
const other = makeVocabulary([end("<|end|>"), text(" the"), text("b"), text("d"), end("</s>"), text("a"), control]);
const endless = makeVocabulary([text("b"), text("a"), text(" the")]);

const WIDTH = 5;

function embeddings(vocabulary: Vocabulary, seed: number): EmbeddingSource {
  const values = Float32Array.from({ length: vocabulary.size * WIDTH }, (_, at) => Math.sin(seed + 1.7 * at));
  return { kind: "memory", rows: vocabulary.size, width: WIDTH, values };
}

function member(name: string, vocabulary: Vocabulary, seed: number, eosText = "</s>") {
  return new ScriptedMember({
    name,
    vocabulary,
    facts: { eosText },
    embeddings: { input: embeddings(vocabulary, seed) },
    script: ({ tokens }) => Array.from({ length: vocabulary.size }, (_, id) => 2 * Math.cos(seed * id + tokens.length)),
  });
}

const rowOf = (source: EmbeddingSource, id: number) =>
  (source as { values: Float32Array }).values.subarray(id * WIDTH, (id + 1) * WIDTH);

/**
 * r(a) = Σ_v p(v) R(v, a): text by its embedding against those of the anchors, every end token as the end's own anchor,
 * the last one, or by its embedding where there is none.
 */
function byDefinition(member: ScriptedMember, anchors: number[], hasEnd = true): number[] {
  const { vocabulary } = member;
  const { logits } = member.output;
  const source = member.embeddings("input")!;
  const speaks = Array.from({ length: vocabulary.size }, (_, id) => id).filter((id) => {
    const tokenClass = vocabulary.classOf(id);
    return tokenClass === TokenClass.end || (tokenClass === TokenClass.text && vocabulary.bytesOf(id).length > 0);
  });
  const total = speaks.reduce((sum, id) => sum + Math.exp(logits[id]), 0);
  const relative = new Array<number>(anchors.length).fill(0);
  for (const id of speaks) {
    const share = Math.exp(logits[id]) / total;
    const isEnd = hasEnd && vocabulary.classOf(id) === TokenClass.end;
    const row = relativeRow(
      rowOf(source, id),
      anchors.map((anchor) => rowOf(source, anchor)),
    );
    for (let a = 0; a < anchors.length; a++) relative[a] += share * (isEnd ? Number(a === anchors.length - 1) : row[a]);
  }
  return relative;
}

async function projected(members: ScriptedMember[]) {
  for (const each of members) {
    await each.prepare({ top: 0 });
    await each.begin({ text: Buffer.from("ab"), parseSpecial: false, addBos: false });
  }
  const space = await relativeSpaceOf(members, { seed: 1, published: false });
  return { space, step: new RelativeProjection(members, space).align(members.map((_, index) => index)) };
}

describe("relative space", () => {
  it("has one entry for each common string and one for the end, of which every end token is a whole part", async () => {
    const members = [member("one", one, 1), member("other", other, 2)];
    const { step } = await projected(members);
    expect(Array.from({ length: step.size }, (_, entry) => Buffer.from(step.bytesOf(entry)).toString())).toEqual([
      "a",
      "b",
      " the",
      "",
    ]);
    expect(step.endEntry).toBe(3);
    // The anchor of the end is the token that the model's end text names.
    const anchors = [
      [0, 4, 6, 1],
      [5, 2, 1, 4],
    ];
    for (const index of members.keys()) {
      const wanted = byDefinition(members[index], anchors[index]);
      for (const [entry, value] of wanted.entries()) expect(step.distributions[index][entry]).toBeCloseTo(value, 9);
      expect(wanted.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
    }
  });

  it("takes another anchor for the end where the model's text names another end token", async () => {
    const members = [member("one", one, 1, "<|im_end|>"), member("other", other, 2, "unknown")];
    const { step, space } = await projected(members);
    expect(space.anchors.map((ids) => ids.at(-1))).toEqual([5, 0]);
    const wanted = byDefinition(members[0], [0, 4, 6, 5]);
    for (const [entry, value] of wanted.entries()) expect(step.distributions[0][entry]).toBeCloseTo(value, 9);
  });

  it("has no end where a member has none, and then end tokens are represented by their embeddings", async () => {
    const members = [member("one", one, 1), member("endless", endless, 3)];
    const { step } = await projected(members);
    expect([step.endEntry, step.size]).toEqual([-1, 3]);
    const wanted = byDefinition(members[0], [0, 4, 6], false);
    for (const [entry, value] of wanted.entries()) expect(step.distributions[0][entry]).toBeCloseTo(value, 9);
  });
});
