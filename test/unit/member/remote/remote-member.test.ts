/** A member on a server says what the same model says in a thread of this program. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SharedMemory } from "../../../../src/kernels/shared-memory.js";
import { LlamaMember } from "../../../../src/member/llama/llama-member.js";
import type { Member } from "../../../../src/member/member.js";
import { openRemoteMember } from "../../../../src/member/remote/open-remote-member.js";
import type { ServerKind } from "../../../../src/member/remote/server.js";
import { TokenClass } from "../../../../src/vocabulary/vocabulary.js";
import { refusal } from "../../../support/refusal.js";
import { CONTEXT, nativeFile, ROUNDING, servers } from "./servers.js";

const PROMPT = { text: Buffer.from("Question: What is a young goat?\nAnswer:"), parseSpecial: true, addBos: true };
/** Words, cut characters, bytes that are no character, white space. */
const PIECES = [
  ...[" A", " you", "ng", " go", "at", ",", " caf"].map((text) => Buffer.from(text)),
  Buffer.of(0xc3),
  Buffer.of(0xa9),
  Buffer.from(" 今天"),
  Buffer.of(0xff),
  Buffer.from("\n\n x1  12"),
];
const CASES: readonly { model: string; kind: ServerKind; depth: number }[] = [
  { model: "robin", kind: "llama-server", depth: 100 },
  { model: "wren", kind: "llama-server", depth: 100 },
  { model: "wren", kind: "vllm", depth: 20 },
  { model: "wren", kind: "openai", depth: 20 },
];
const { serve, tokenizer } = servers();

for (const { model, kind, depth } of CASES) {
  describe(`${model} on a server of the kind ${kind}`, () => {
    let local: Member;
    let remote: Member;

    beforeAll(async () => {
      const { url } = await serve(model, kind);
      local = await LlamaMember.load(
        { model: nativeFile(model), contextSize: CONTEXT, threads: 1 },
        new SharedMemory(),
      );
      const file = kind === "llama-server" ? undefined : await tokenizer();
      // The kind is found by asking.
      remote = await openRemoteMember({ url, name: "far", tokenizer: file });
      for (const member of [local, remote]) await member.prepare({ top: 10 });
    });
    afterAll(() => Promise.all([local?.dispose(), remote?.dispose()]));

    it("is found to be what it is, and offers what the server gives", () => {
      expect(remote.kind).toBe(kind);
      expect(remote.offers).toMatchObject({ logits: false, topDepth: depth, lookup: "top", verify: false });
      expect(remote.offers.promptScores).toBe(kind === "vllm");
      expect(remote.contextSize).toBe(kind === "openai" ? 4096 : CONTEXT - 1);
    });

    it("has the model's vocabulary, end tokens and template", () => {
      expect(remote.vocabulary.size).toBe(local.vocabulary.size);
      expect(remote.vocabulary.endTokens).toEqual(local.vocabulary.endTokens);
      expect(remote.vocabulary.addsSpacePrefix).toBe(local.vocabulary.addsSpacePrefix);
      expect(remote.facts.chatTemplate).toBe(local.facts.chatTemplate);
      for (let id = 0; id < local.vocabulary.size; id++) {
        expect(remote.vocabulary.keyOf(id), `token ${id}`).toBe(local.vocabulary.keyOf(id));
        const isSaid = local.vocabulary.classOf(id) <= TokenClass.end;
        if (isSaid && local.vocabulary.classOf(id) !== TokenClass.control)
          expect(remote.vocabulary.classOf(id), `token ${id}`).toBe(local.vocabulary.classOf(id));
      }
    });

    it("reads prompts and feedback as the same tokens, and lists the same candidates after each", async () => {
      for (const member of [local, remote]) await member.begin(PROMPT);
      compare();
      for (const bytes of PIECES) {
        for (const member of [local, remote]) {
          member.append({ kind: "text", bytes });
          await member.advance();
        }
        expect(Array.from(await remote.cachedTokens())).toEqual(Array.from(await local.cachedTokens()));
        compare();
      }
      const kinds = [
        { kind: "piece", bytes: Buffer.from(" goat") },
        { kind: "tokens", ids: [local.output.topIds[0]] },
      ] as const;
      for (const feedback of kinds) {
        for (const member of [local, remote]) {
          member.append(feedback);
          await member.advance();
        }
        expect(Array.from(await remote.cachedTokens())).toEqual(Array.from(await local.cachedTokens()));
        compare();
      }
    });

    it("reads special tokens where a template wrote them, and letters where a user did", async () => {
      const end = local.vocabulary.textOf(local.vocabulary.endTokens[0]);
      const text = Buffer.from(`a${end}b ${end}c`);
      const letters = [text.length - end.length - 3, text.length];
      for (const options of [{ parseSpecial: true }, { parseSpecial: false }, { parseSpecial: true, letters }]) {
        const [own, theirs] = await Promise.all([local, remote].map((member) => member.tokenize(text, options)));
        expect(Array.from(theirs), JSON.stringify(options)).toEqual(Array.from(own));
      }
    });

    it("drafts what stepping says", async () => {
      await remote.begin(PROMPT);
      const { sayings } = await remote.draft(6);
      for (const { id, logProb } of sayings) {
        const { topIds, topLogits, endLogProb } = remote.output;
        expect(logProb).toBeCloseTo(id < 0 ? endLogProb : topLogits[topIds.indexOf(id)], 2);
        if (id < 0) break;
        expect(topIds.find((each) => remote.vocabulary.classOf(each) === TokenClass.text)).toBe(id);
        remote.append({ kind: "tokens", ids: [id] });
        await remote.advance();
      }
      expect(sayings.length).toBeGreaterThan(0);
    });

    it("looks up strings among what is listed, and knows no others", async () => {
      for (const member of [local, remote]) await member.begin(PROMPT);
      const likely = Buffer.from(local.vocabulary.bytesOf(local.output.topIds[0]));
      const keys = [likely, Buffer.from("qzxj"), local.output.topIds[1]];
      const [own, theirs] = [await local.lookup(keys), await remote.lookup(keys)];
      for (const [index, { id, own: isOwn, logit }] of theirs.entries()) {
        expect({ id, isOwn }).toEqual({ id: own[index].id, isOwn: own[index].own });
        if (logit > Number.NEGATIVE_INFINITY)
          expect(Math.abs(logit - (own[index].logit - local.output.logNormaliser))).toBeLessThan(ROUNDING);
      }
      expect(theirs[0].logit).toBeGreaterThan(Number.NEGATIVE_INFINITY);
    });

    it("scores prompts where the server does, and refuses by name where not", async () => {
      if (!remote.offers.promptScores) {
        const error = await refusal(() => remote.scorePrompt(PROMPT));
        expect(error.code).toBe("incompatible-members");
        expect(error.message).toContain('"far"');
        return;
      }
      const [own, theirs] = [await local.scorePrompt(PROMPT), await remote.scorePrompt(PROMPT)];
      expect(Array.from(theirs.ids)).toEqual(Array.from(own.ids));
      for (let at = 1; at < own.ids.length; at++)
        expect(Math.abs(theirs.logProbs[at] - own.logProbs[at])).toBeLessThan(ROUNDING);
    });

    /** The same candidates in the same order, near ties aside. */
    function compare(): void {
      const { topIds, topLogits, topCount, endLogProb } = remote.output;
      const logProbOf = (id: number) => local.output.logits[id] - local.output.logNormaliser;
      expect(topCount).toBe(10);
      for (let place = 0; place < topCount; place++) {
        expect(Math.abs(topLogits[place] - logProbOf(topIds[place]))).toBeLessThan(ROUNDING);
        expect(Math.abs(topLogits[place] - logProbOf(local.output.topIds[place]))).toBeLessThan(ROUNDING);
      }
      if (endLogProb > Number.NEGATIVE_INFINITY)
        expect(Math.abs(endLogProb - local.output.endLogProb)).toBeLessThan(ROUNDING);
    }
  });
}
