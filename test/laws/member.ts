/**
 * What every member must keep, whatever stands behind it. Call `memberLaws` in a test file:
 *
 * ```ts
 * memberLaws("a GGUF file", () => LlamaMember.load(options, shared), { tolerance: 1e-3 });
 * ```
 */
import { afterEach, describe, expect, it } from "vitest";
import type { LlamafuseError } from "../../src/errors.js";
import { textOfTokens } from "../../src/laws/text-of-tokens.js";
import type { Member, MemberPrompt, Saying } from "../../src/member/member.js";
import { isUtf8 } from "../../src/vocabulary/utf8.js";
import { byteKey, TokenClass, textAtFragmentStart } from "../../src/vocabulary/vocabulary.js";

export interface MemberLawOptions {
  /**
   * How far the logits of the same tokens may differ when they were decoded in other portions. Default 0: not at all.
   */
  tolerance?: number;
  /** What is appended, piece by piece. Pieces may cut characters. */
  pieces?: readonly Uint8Array[];
  prompt?: string;
}

const DEFAULT_PIECES = ["the", " cat", "s", " do", "ing", " ", "the", "\n\n", "x1", ".", " hello", "12"].map((text) =>
  Buffer.from(text),
);
const CUT_CHARACTER = [
  Buffer.from(" caf"),
  Buffer.of(0xc3),
  Buffer.of(0xa9),
  Buffer.from(" é, "),
  Buffer.from("中").subarray(0, 2),
  Buffer.from("中").subarray(2),
];

export function memberLaws(name: string, make: () => Member | Promise<Member>, options: MemberLawOptions = {}): void {
  const { tolerance = 0, pieces = DEFAULT_PIECES, prompt: promptText = "Hello, the" } = options;
  const prompt = (text: string | Uint8Array = promptText): MemberPrompt => ({
    text: Buffer.from(text),
    parseSpecial: false,
    addBos: true,
  });

  describe(`member laws: ${name}`, () => {
    const made: Member[] = [];
    const fresh = async () => {
      const member = await make();
      made.push(member);
      return member;
    };
    afterEach(async () => {
      await Promise.all(made.splice(0).map((member) => member.dispose()));
    });

    it("begins with the tokens of the prompt; text feedback keeps the cache canonical and decodes what changed", async () => {
      const member = await fresh();
      const { promptTokens } = await member.begin(prompt());
      expect(promptTokens).toBe((await member.tokenize(Buffer.from(promptText), { addBos: true })).length);
      let text = Buffer.from(promptText);
      let before = Array.from(await member.cachedTokens());
      for (const piece of pieces) {
        member.append({ kind: "text", bytes: piece });
        text = Buffer.concat([text, piece]);
        const now = Array.from(await member.cachedTokens());
        expect(now).toEqual(Array.from(await member.tokenize(text, { addBos: true })));
        await member.advance();
        const firstChanged = now.findIndex((token, index) => token !== before[index]);
        const { decodedTokens } = member.output;
        const changed = now.length - firstChanged;
        if (member.offers.goingBack.decodes === "changed") expect(decodedTokens).toBe(changed);
        // From the nearest checkpoint on: none is further back than the text before the last piece.
        else expect(decodedTokens).toBeLessThanOrEqual(changed + 6);
        expect(decodedTokens).toBeGreaterThanOrEqual(changed);
        before = now;
      }
      expect(textOfTokens(member.vocabulary, await member.cachedTokens())).toEqual(text);
    });

    it("says what it is and what it offers, and keeps to it", async () => {
      const member = await fresh();
      const { kind, offers, vocabulary } = member;
      expect(kind).not.toBe("");
      expect(member.identity()).toEqual((await fresh()).identity());
      expect(member.identity()).toMatchObject({ name: member.name, digest: expect.stringMatching(/^[0-9a-f]{32}$/) });
      await member.prepare({ top: offers.topDepth + 1 });
      await member.begin(prompt());
      expect(member.output.topCount).toBeLessThanOrEqual(offers.topDepth);
      expect(member.output.logits.length).toBe(offers.logits ? vocabulary.size : 0);
      for (const layer of ["input", "output"] as const) {
        const rows = offers.embeddings.includes(layer) ? member.embeddings?.(layer)?.rows : vocabulary.size;
        expect(rows).toBeGreaterThanOrEqual(vocabulary.size);
      }
    });

    it("takes bytes that are no whole characters, and is canonical again when they are", async () => {
      const member = await fresh();
      await member.begin(prompt());
      let text = Buffer.from(promptText);
      for (const piece of CUT_CHARACTER) {
        member.append({ kind: "text", bytes: piece });
        text = Buffer.concat([text, piece]);
        await member.advance();
        expect(textOfTokens(member.vocabulary, await member.cachedTokens())).toEqual(text);
      }
      expect(Array.from(await member.cachedTokens())).toEqual(
        Array.from(await member.tokenize(text, { addBos: true })),
      );
    });

    it("gives an output that depends on the cached tokens alone", async () => {
      const stepwise = await fresh();
      const atOnce = await fresh();
      const lagging = await fresh();
      for (const member of [stepwise, atOnce, lagging]) await member.prepare(whole(member));
      await stepwise.begin(prompt());
      await lagging.begin(prompt());
      for (const piece of pieces) {
        stepwise.append({ kind: "text", bytes: piece });
        lagging.append({ kind: "text", bytes: piece });
        await stepwise.advance();
      }
      await lagging.advance();
      await atOnce.begin(prompt(Buffer.concat([Buffer.from(promptText), ...pieces])));
      expect(await stepwise.cachedTokens()).toEqual(await atOnce.cachedTokens());
      expect(await lagging.cachedTokens()).toEqual(await atOnce.cachedTokens());
      expectClose(stepwise, atOnce, tolerance);
      expectClose(lagging, atOnce, tolerance);
    });

    it("reports its most probable text and end tokens, best first, and a whole projection that agrees with them", async () => {
      const member = await fresh();
      await member.prepare({ ...whole(member), top: 20 });
      await member.begin(prompt());
      const { topCount, topIds, topLogits, logNormaliser, endLogProb, projection } = member.output;
      expect(topCount).toBe(Math.min(20, member.vocabulary.size));
      for (let place = 0; place < topCount; place++) {
        const tokenClass = member.vocabulary.classOf(topIds[place]);
        expect([TokenClass.text, TokenClass.end]).toContain(tokenClass);
        expect(projection[topIds[place] + 1]).toBeCloseTo(Math.exp(topLogits[place] - logNormaliser), 9);
        if (place === 0) continue;
        expect(topLogits[place]).toBeLessThanOrEqual(topLogits[place - 1]);
        if (topLogits[place] === topLogits[place - 1]) expect(topIds[place]).toBeGreaterThan(topIds[place - 1]);
      }
      expect(projection.reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 9);
      const ends = member.vocabulary.endTokens.reduce((sum, id) => sum + projection[id + 1], 0);
      expect(Math.exp(endLogProb)).toBeCloseTo(ends, 9);
    });

    it("sums the probabilities of tokens with the same place in a projection, and leaves out those without one", async () => {
      const member = await fresh();
      await member.prepare(whole(member));
      await member.begin(prompt());
      const each = member.output.projection.slice();
      const map = Int32Array.from({ length: member.vocabulary.size }, (_, id) => (id % 5) - 1);
      await member.prepare({ top: 0, projection: { map: sharedCopy(map), size: 4 } });
      await member.advance();
      expect(member.output.decodedTokens).toBe(0);
      for (let entry = 0; entry < 4; entry++) {
        let sum = 0;
        for (let id = 0; id < map.length; id++) if (map[id] === entry) sum += each[id + 1];
        expect(member.output.projection[entry]).toBeCloseTo(sum, 12);
      }
    });

    it("never rolls back for pieces, and appends token ids as they are", async () => {
      const member = await fresh();
      await member.begin(prompt());
      let before = Array.from(await member.cachedTokens());
      let text = Buffer.from(promptText);
      for (const piece of [...pieces, ...CUT_CHARACTER]) {
        member.append({ kind: "piece", bytes: piece });
        text = Buffer.concat([text, piece]);
        const now = Array.from(await member.cachedTokens());
        expect(now.slice(0, before.length)).toEqual(before);
        before = now;
      }
      expect(textOfTokens(member.vocabulary, before)).toEqual(text);
      const ids = before.slice(-3);
      member.append({ kind: "tokens", ids });
      await member.advance();
      expect(Array.from(await member.cachedTokens())).toEqual([...before, ...ids]);
    });

    it("keeps branches side by side, each as if it were the only one", async () => {
      const member = await fresh();
      const alone = await fresh();
      await member.prepare({ top: 3, branches: 4 });
      await alone.prepare({ top: 3 });
      const { promptTokens } = await member.begin(prompt());
      const start = await alone.begin(prompt());
      expect(start.promptTokens).toBe(promptTokens);
      const ids = await member.tokenize(Buffer.concat(pieces));
      const [a, b, c, d] = [ids[0], ids[1], ids[2], ids.at(-1) as number];
      const rounds = [
        [
          { from: 0, ids: [a] },
          { from: 0, ids: [b] },
          { from: 0, ids: [] },
        ],
        [
          { from: 2, ids: [c] },
          { from: 0, ids: [] },
          { from: 0, ids: [d, a, b] },
          { from: 1, ids: [a] },
        ],
        [
          { from: 3, ids: [d] },
          { from: 3, ids: [b] },
          { from: 3, ids: [c] },
          { from: 2, ids: [c, c] },
        ],
        [{ from: 1, ids: [] }],
      ];
      let held: number[][] = [[]];
      for (const branches of rounds) {
        member.append({ kind: "branches", branches });
        await member.advance();
        const before = held;
        held = branches.map((branch) => [...before[branch.from], ...branch.ids]);
        expect(member.output.decodedTokens).toBe(branches.reduce((sum, branch) => sum + branch.ids.length, 0));
        for (const [place, own] of held.entries()) {
          await alone.begin(prompt());
          alone.append({ kind: "tokens", ids: own });
          await alone.advance();
          const { logits, logNormaliser } = member.output.branches[place];
          expect(Math.abs(logNormaliser - alone.output.logNormaliser)).toBeLessThanOrEqual(tolerance + 1e-6);
          for (const [id, logit] of logits.entries())
            expect(Math.abs(logit - alone.output.logits[id])).toBeLessThanOrEqual(20 * tolerance + 1e-6);
        }
        const tokens = Array.from(await member.cachedTokens());
        expect(tokens.slice(promptTokens)).toEqual(held[0]);
        expect(member.output.topCount).toBe(3);
      }
      const fromNone = async () => {
        member.append({ kind: "branches", branches: [{ from: 1, ids: [] }] });
        await member.advance();
      };
      await expectError(fromNone(), "invalid-option", member.name);
    });

    it("goes on with one text after branches as if there had been none", async () => {
      const member = await fresh();
      const other = await fresh();
      await member.prepare({ top: 0, branches: 3 });
      await member.begin(prompt());
      member.append({
        kind: "branches",
        branches: [
          { from: 0, ids: [0] },
          { from: 0, ids: [1] },
        ],
      });
      await member.advance();
      for (const one of [member, other]) {
        await one.prepare(whole(one));
        await one.begin(prompt());
        one.append({ kind: "text", bytes: pieces[0] });
        await one.advance();
      }
      expect(Array.from(await member.cachedTokens())).toEqual(Array.from(await other.cachedTokens()));
      expectClose(member, other, 0);
    });

    it("looks up strings by all their own tokens, or else by their first sub-token, and tokens by id", async () => {
      const member = await fresh();
      await member.prepare(whole(member));
      await member.begin(prompt());
      const { projection, logNormaliser } = member.output;
      const logitOf = (id: number) => Math.log(projection[id + 1]) + logNormaliser;
      const keys = [...pieces, Buffer.from("dogthecat"), Buffer.from(" zebra")];
      const found = await member.lookup(keys);
      for (const [place, { id, own, logit }] of found.entries()) {
        const ids = member.vocabulary.idsOf(byteKey(keys[place]), member.atFragmentStart);
        expect(own).toBe(ids.length > 0);
        if (own) expect(ids).toContain(id);
        const pooled = own ? Math.log(ids.reduce((sum, one) => sum + Math.exp(logitOf(one)), 0)) : logitOf(id);
        expect(logit).toBeCloseTo(pooled, 4);
      }
      const byId = await member.lookup([0, member.vocabulary.size - 1]);
      expect(byId.map(({ id }) => id)).toEqual([0, member.vocabulary.size - 1]);
      for (const { id, logit } of byId) expect(logit).toBeCloseTo(logitOf(id), 4);
    });

    it("scores a prompt token by token, and stands as behind that prompt", async () => {
      const member = await fresh();
      const stepwise = await fresh();
      // More tokens than are decoded at once.
      const text = Buffer.concat([Buffer.from(promptText), ...pieces, ...pieces, ...pieces]);
      await member.prepare(whole(member));
      await stepwise.prepare(whole(stepwise));
      const { ids, logProbs } = await member.scorePrompt(prompt(text));
      expect(ids).toEqual(await member.tokenize(text, { addBos: true }));
      expect(await member.cachedTokens()).toEqual(ids);
      expect(logProbs.length).toBe(ids.length);
      expect(logProbs[0]).toBeNaN();
      await stepwise.begin({ ...prompt(""), tokens: [ids[0]] });
      for (let place = 1; place < ids.length; place++) {
        const expected = Math.log(stepwise.output.projection[ids[place] + 1]);
        expect(Math.abs(logProbs[place] - expected)).toBeLessThanOrEqual(1e-6 + 10 * tolerance);
        stepwise.append({ kind: "tokens", ids: [ids[place]] });
        await stepwise.advance();
      }
      expectClose(member, stepwise, 4 * tolerance);
      member.append({ kind: "text", bytes: pieces[0] });
      await member.advance();
      expect(Array.from(await member.cachedTokens())).toEqual(
        Array.from(await member.tokenize(Buffer.concat([text, pieces[0]]), { addBos: true })),
      );
    });

    it("scores the text that it holds, queued feedback included", async () => {
      const member = await fresh();
      await member.begin(prompt());
      for (const bytes of pieces) member.append({ kind: "text", bytes });
      const held = await member.scorePrompt();
      expect(member.output.decodedTokens).toBe(held.ids.length);
      const given = await member.scorePrompt(prompt(Buffer.concat([Buffer.from(promptText), ...pieces])));
      expect(given).toEqual(held);
    });

    it("drafts what it would say step by step, and stands as before", async () => {
      const member = await fresh();
      const stepwise = await fresh();
      for (const one of [member, stepwise]) {
        await one.prepare(whole(one));
        await one.begin(prompt());
        one.append({ kind: "text", bytes: pieces[0] });
      }
      const queued = await member.draft(3);
      expect(member.hasOutput).toBe(false);
      await member.advance();
      await stepwise.advance();
      const projection = member.output.projection.slice();
      const held = await member.cachedTokens();
      const { sayings } = await member.draft(5);
      expectSayings(sayings.slice(0, queued.sayings.length), queued.sayings, tolerance);
      expect(member.hasOutput).toBe(true);
      expect(member.output.projection).toEqual(projection);
      expect(await member.cachedTokens()).toEqual(held);
      const expected: Saying[] = [];
      while (expected.length < 5 && expected.at(-1)?.id !== -1) {
        const { projection: own } = stepwise.output;
        const { vocabulary } = stepwise;
        const ids = Array.from({ length: vocabulary.size }, (_, id) => id);
        const text = ids.filter(
          (id) => vocabulary.classOf(id) === TokenClass.text && vocabulary.bytesOf(id).length > 0,
        );
        const id = text.reduce((best, other) => (own[other + 1] > own[best + 1] ? other : best));
        const end = Math.exp(stepwise.output.endLogProb);
        if (end >= own[id + 1]) {
          expected.push({ id: -1, bytes: Buffer.from(""), logProb: Math.log(end) });
          break;
        }
        expected.push({ id, bytes: Buffer.from(vocabulary.bytesOf(id)), logProb: Math.log(own[id + 1]) });
        stepwise.append({ kind: "tokens", ids: [id] });
        await stepwise.advance();
      }
      expectSayings(sayings, expected, tolerance);
      // Part of the draft is said, and something else.
      const ids = sayings.map(({ id }) => id).filter((id) => id >= 0);
      for (const one of [member, stepwise]) {
        if (one === stepwise) {
          await one.begin(prompt());
          one.append({ kind: "text", bytes: pieces[0] });
        }
        one.append({ kind: "tokens", ids: ids.slice(0, 2) });
        one.append({ kind: "text", bytes: pieces[1] });
        await one.advance();
      }
      expect(await member.cachedTokens()).toEqual(await stepwise.cachedTokens());
      expectClose(member, stepwise, tolerance);
    });

    it("verifies places inside a text that may come: as behind the tokens before them, if a token begins there", async () => {
      const member = await fresh();
      const alone = await fresh();
      for (const one of [member, alone]) {
        await one.prepare(whole(one));
        await one.begin(prompt());
      }
      const projection = member.output.projection.slice();
      const held = await member.cachedTokens();
      const text = Buffer.concat(pieces.slice(1, 8));
      const asked = [pieces[0], undefined, Buffer.from("no token at all"), Buffer.from(" ")];
      const places = Array.from({ length: text.length + 1 }, (_, at) => ({ at, bytes: asked[at % 4] }));
      const { verdicts } = await member.verify(text, places);
      expect(member.hasOutput).toBe(true);
      expect(member.output.projection).toEqual(projection);
      expect(await member.cachedTokens()).toEqual(held);
      const tokens = await member.tokenize(Buffer.concat([Buffer.from(promptText), text]), { addBos: true });
      const begins = new Map([[text.length, tokens.length]]);
      for (let index = tokens.length, at = text.length; index-- > 0; )
        begins.set((at -= member.vocabulary.bytesOf(tokens[index]).length), index);
      let checked = 0;
      for (const [at, verdict] of verdicts.entries()) {
        const index = begins.get(at);
        expect(verdict === undefined).toBe(index === undefined);
        if (verdict === undefined) continue;
        checked++;
        await alone.begin({ ...prompt(), tokens: Array.from(tokens.subarray(0, index)) });
        const [own] = (await alone.draft(1)).sayings;
        expectSayings([verdict.likeliest], [own], tolerance);
        const { bytes } = places[at];
        const { vocabulary } = member;
        const ids = bytes === undefined ? vocabulary.endTokens : vocabulary.idsOf(byteKey(bytes));
        const sum = ids.reduce((total, id) => total + alone.output.projection[id + 1], 0);
        expect(Math.abs(Math.exp(verdict.logProb) - sum)).toBeLessThanOrEqual(tolerance + 1e-6);
      }
      expect(checked).toBeGreaterThan(3);
      member.append({ kind: "text", bytes: text.subarray(0, 9) });
      member.append({ kind: "text", bytes: text.subarray(9) });
      await member.advance();
      await alone.begin({ ...prompt(), tokens: Array.from(tokens) });
      expect(await member.cachedTokens()).toEqual(tokens);
      expectClose(member, alone, tolerance);
      expect((await member.verify(new Uint8Array(), [])).verdicts).toEqual([]);
      await expectError(member.verify(text, [{ at: -1 }]), "invalid-option", member.name);
      await expectError(member.verify(text, [{ at: text.length + 1 }]), "invalid-option", member.name);
      await expectError(member.draft(0), "invalid-option", member.name);
      await expectError(member.draft(2, AbortSignal.abort()), "aborted");
      await expectError(member.verify(text, places, AbortSignal.abort()), "aborted");
      const unbegun = await fresh();
      await expectError(unbegun.draft(2), "member-failed", unbegun.name);
      await expectError(unbegun.verify(text, places), "member-failed", unbegun.name);
      await member.prepare({ top: 0, branches: 2 });
      await member.begin(prompt());
      await expectError(member.draft(2), "invalid-option", member.name);
      await expectError(member.verify(text, []), "invalid-option", member.name);
    });

    it("drafts behind text that may come, lists what else it might say, and shows the logits", async () => {
      const member = await fresh();
      const stepwise = await fresh();
      for (const one of [member, stepwise]) {
        await one.prepare(whole(one));
        await one.begin(prompt());
      }
      const held = await member.cachedTokens();
      const first = await member.draft(2, undefined, { behind: { bytes: pieces[0] } });
      const ids = first.sayings.map(({ id }) => id).filter((id) => id >= 0);
      const { sayings, logits } = await member.draft(1, undefined, {
        behind: { bytes: pieces[0], ids },
        others: 4,
        logits: true,
      });
      expect(await member.cachedTokens()).toEqual(held);
      stepwise.append({ kind: "text", bytes: pieces[0] });
      if (ids.length > 0) stepwise.append({ kind: "tokens", ids });
      await stepwise.advance();
      const { output, vocabulary } = stepwise;
      for (const [id, logit] of output.logits.entries())
        if (Number.isFinite(logit)) expect(Math.abs(logits![id] - logit)).toBeLessThanOrEqual(1e-5 + 100 * tolerance);
      const [{ others = [], ...likeliest }] = sayings;
      const listed = [likeliest, ...others];
      expect(listed.length).toBe(5);
      for (const [place, { id, logProb }] of listed.entries()) {
        const own = id < 0 ? Math.exp(output.endLogProb) : output.projection[id + 1];
        expect(Math.abs(Math.exp(logProb) - own)).toBeLessThanOrEqual(tolerance + 1e-6);
        if (place > 0) expect(logProb).toBeLessThanOrEqual(listed[place - 1].logProb);
        if (id >= 0) expect(vocabulary.classOf(id)).toBe(TokenClass.text);
      }
      await expectError(member.draft(1, undefined, { behind: { ids: [-1] } }), "invalid-option", member.name);
    });

    it("assesses texts that may come as it scores them once they are said", async () => {
      const member = await fresh();
      const alone = await fresh();
      await member.prepare(whole(member));
      await member.begin(prompt());
      // Behind a piece that is queued; the last ones begin inside of a word and behind more text.
      member.append({ kind: "text", bytes: pieces[0] });
      const held = await member.cachedTokens();
      const [, second, third] = pieces;
      const prospects = [
        { bytes: Buffer.concat([second, third]) },
        { bytes: second, ends: true },
        { bytes: third, behind: second },
        { bytes: Buffer.from("s and") },
        { bytes: Buffer.from(""), ends: true },
        { bytes: Buffer.from("the cat ".repeat(member.contextSize)) },
      ];
      const { scores, decodedTokens } = await member.assess(prospects);
      expect(await member.cachedTokens()).toEqual(held);
      expect(decodedTokens).toBeGreaterThan(0);
      expect(scores.at(-1)).toBeUndefined();
      const start = Buffer.from(promptText);
      const logProbOf = async (text: Uint8Array) => {
        const tokens = Array.from(await member.tokenize(text, { addBos: true }));
        const { logProbs } = await alone.scorePrompt({ ...prompt(), tokens });
        return logProbs.subarray(1).reduce((sum, logProb) => sum + logProb, 0);
      };
      for (const [index, { bytes, behind = new Uint8Array(), ends }] of prospects.slice(0, -1).entries()) {
        const before = Buffer.concat([start, pieces[0], behind]);
        const { ids, logProbs, logits, endLogProb } = scores[index]!;
        expect([logProbs.length, logits.length]).toEqual([ids.length, ids.length]);
        const sum = logProbs.reduce((total, logProb) => total + logProb, 0);
        const expected = (await logProbOf(Buffer.concat([before, bytes]))) - (await logProbOf(before));
        expect(Math.abs(sum - expected)).toBeLessThanOrEqual(1e-5 + 1000 * tolerance);
        expect(endLogProb === undefined).toBe(ends !== true);
        if (ends !== true) continue;
        const tokens = Array.from(await member.tokenize(Buffer.concat([before, bytes]), { addBos: true }));
        await alone.begin({ ...prompt(), tokens });
        expect(Math.abs(Math.exp(endLogProb!) - Math.exp(alone.output.endLogProb))).toBeLessThanOrEqual(
          tolerance + 1e-6,
        );
      }
      // What was assessed is said, and reads as if it never had been.
      member.append({ kind: "text", bytes: second });
      await member.advance();
      await alone.prepare(whole(alone));
      const tokens = await member.tokenize(Buffer.concat([start, pieces[0], second]), { addBos: true });
      expect(await member.cachedTokens()).toEqual(tokens);
      await alone.begin({ ...prompt(), tokens: Array.from(tokens) });
      expectClose(member, alone, 4 * tolerance);
      await expectError(member.assess(prospects, AbortSignal.abort()), "aborted");
      await expectError((await fresh()).assess(prospects), "member-failed");
      await member.prepare({ top: 0, branches: 2 });
      await member.begin(prompt());
      await expectError(member.assess(prospects), "invalid-option", member.name);
    });

    it("says the same whatever it was told to expect, and decodes what was expected once", async () => {
      const member = await fresh();
      const stepwise = await fresh();
      if (member.expect === undefined) return;
      const wrong = Buffer.from(" zebras 99");
      // What is told behind each piece: all that comes, what comes and then something else, something else alone.
      const rest = (from: number) => Buffer.concat(pieces.slice(from));
      const told = [rest(1), undefined, Buffer.concat([pieces[3], wrong]), undefined, wrong, rest(6), undefined, wrong];
      for (const one of [member, stepwise]) {
        await one.prepare(whole(one));
        await one.begin(prompt());
      }
      let decoded = 0;
      let served = 0;
      for (const [index, bytes] of pieces.entries()) {
        member.append({ kind: "text", bytes });
        const expected = told[index % told.length];
        if (expected !== undefined && expected.length > 0) member.expect(expected);
        stepwise.append({ kind: "text", bytes });
        await Promise.all([member.advance(), stepwise.advance()]);
        expect(await member.cachedTokens()).toEqual(await stepwise.cachedTokens());
        expectClose(member, stepwise, 2 * tolerance);
        decoded += member.output.decodedTokens;
        if (stepwise.output.decodedTokens > 0 && member.output.decodedTokens === 0) served++;
      }
      if (member.offers.goingBack.decodes === "changed" && member.kind === "llama") expect(served).toBeGreaterThan(1);
      expect(decoded).toBeGreaterThan(0);
      // A draft that is followed is not decoded again either.
      const { sayings } = await member.draft(3);
      for (const { id } of sayings.filter(({ id }) => id >= 0)) {
        for (const one of [member, stepwise]) one.append({ kind: "tokens", ids: [id] });
        await Promise.all([member.advance(), stepwise.advance()]);
        expectClose(member, stepwise, 2 * tolerance);
      }
    });

    it("looks ahead no further than its context", async () => {
      const member = await fresh();
      await member.begin(prompt());
      const [last] = (await member.cachedTokens()).slice(-1);
      const room = member.contextSize - (await member.cachedTokens()).length;
      member.append({ kind: "tokens", ids: Array.from({ length: room - 2 }, () => last) });
      await member.advance();
      const { sayings } = await member.draft(50);
      if (sayings.at(-1)?.id !== -1) expect(sayings.length).toBe(3);
      // All that is said has room, but for what is said last.
      const spoken = sayings.filter(({ id }) => id >= 0).slice(0, 2);
      member.append({ kind: "tokens", ids: spoken.map(({ id }) => id) });
      await member.advance();
      const text = Buffer.from("\n\ncat");
      const { verdicts } = await member.verify(text, [{ at: 0 }, { at: text.length }]);
      if (spoken.length === 2) expect(verdicts.length).toBeLessThan(2);
      member.append({ kind: "text", bytes: Buffer.from("the cat ".repeat(50)) });
      await expectError(member.draft(2), "context-overflow", member.name);
      await expectError(member.verify(text, []), "context-overflow", member.name);
      await member.begin(prompt());
    });

    it("says where the tokenizer puts a space what is said without it", async () => {
      const member = await fresh();
      const { vocabulary } = member;
      const stepwise = await fresh();
      for (const one of [member, stepwise]) {
        await one.prepare({ top: 1 });
        await one.begin(prompt());
        one.append({ kind: "tokens", ids: vocabulary.endTokens.slice(0, 1) });
      }
      const { sayings } = await member.draft(3);
      await stepwise.advance();
      for (const { id, bytes } of sayings) {
        if (id < 0) break;
        const own = vocabulary.bytesOf(id);
        expect(Buffer.from(bytes)).toEqual(Buffer.from(stepwise.atFragmentStart ? textAtFragmentStart(own) : own));
        stepwise.append({ kind: "tokens", ids: [id] });
        await stepwise.advance();
      }
      const [first] = sayings;
      const ahead = Buffer.concat(sayings.map(({ bytes }) => bytes));
      // Bytes that no character can hold begin a text of their own.
      if (!isUtf8(ahead)) return;
      const [verdict] = (await member.verify(ahead, [{ at: 0, bytes: first.id < 0 ? undefined : first.bytes }]))
        .verdicts;
      expect(verdict?.likeliest.id).toBe(first.id);
      expect(Buffer.from(verdict!.likeliest.bytes)).toEqual(Buffer.from(first.bytes));
      expect(verdict!.logProb).toBeGreaterThanOrEqual(first.logProb - 1e-3);
    });

    it("begins with given tokens", async () => {
      const member = await fresh();
      await member.begin(prompt());
      const ids = Array.from(await member.cachedTokens()).reverse();
      expect(await member.begin({ ...prompt(""), tokens: ids })).toEqual({ promptTokens: ids.length, reusedTokens: 0 });
      expect(Array.from(await member.cachedTokens())).toEqual(ids);
      await expectError(member.begin({ ...prompt(), tokens: [] }), "invalid-text");
      await expectError(member.begin({ ...prompt(), tokens: [member.vocabulary.size] }), "invalid-option");
    });

    it("keeps of an earlier prompt what it may, and counts it", async () => {
      const member = await fresh();
      const first = await member.begin(prompt());
      expect(first.reusedTokens).toBe(0);
      const again = await member.begin({ ...prompt(), reuse: true });
      expect(again.promptTokens).toBe(first.promptTokens);
      expect(again.reusedTokens).toBe(again.promptTokens - member.output.decodedTokens);
      expect((await member.begin(prompt())).reusedTokens).toBe(0);
    });

    it("says that a prompt or an answer does not fit, and can begin again", async () => {
      const member = await fresh();
      const long = "the cat ".repeat(member.contextSize);
      await expectError(member.begin(prompt(long)), "context-overflow", member.name);
      await member.begin(prompt());
      const ids = Array.from(await member.cachedTokens());
      const many = Array.from({ length: member.contextSize }, () => ids.at(-1) as number);
      member.append({ kind: "tokens", ids: many });
      await expectError(member.advance(), "context-overflow", member.name);
      await member.begin(prompt());
      expect(Array.from(await member.cachedTokens())).toEqual(ids);
    });

    it("refuses an empty prompt, and an aborted one", async () => {
      const member = await fresh();
      if (member.vocabulary.bos < 0) await expectError(member.begin(prompt("")), "invalid-text");
      await expect(member.begin(prompt(), AbortSignal.abort())).rejects.toThrow();
      await member.begin(prompt());
    });

    it("may be disposed at any moment, any number of times", async () => {
      const member = await fresh();
      await member.begin(prompt());
      member.append({ kind: "text", bytes: pieces[0] });
      const advancing = member
        .advance()
        .catch((error: LlamafuseError) => expect(["disposed", "member-failed"]).toContain(error.code));
      await Promise.all([member.dispose(), member.dispose(), advancing]);
      await member.dispose();
      await expectError(member.begin(prompt()), "disposed", member.name);
      await expectError(member.cachedTokens(), "disposed", member.name);
    });
  });
}

/** Every token at its own place behind the end's. */
function whole(member: Member) {
  const { size } = member.vocabulary;
  return {
    top: 0,
    projection: { map: sharedCopy(Int32Array.from({ length: size }, (_, id) => id + 1)), size: size + 1 },
  };
}

function sharedCopy(map: Int32Array): Int32Array {
  const copy = new Int32Array(new SharedArrayBuffer(map.byteLength));
  copy.set(map);
  return copy;
}

function expectClose(a: Member, b: Member, tolerance: number): void {
  expect(Math.abs(a.output.logNormaliser - b.output.logNormaliser)).toBeLessThanOrEqual(tolerance);
  for (const [entry, probability] of a.output.projection.entries()) {
    expect(Math.abs(probability - b.output.projection[entry])).toBeLessThanOrEqual(tolerance);
  }
}

/** The same tokens, as probable. */
function expectSayings(found: readonly Saying[], wanted: readonly Saying[], tolerance: number): void {
  const said = (sayings: readonly Saying[]) => sayings.map(({ id, bytes }) => [id, byteKey(bytes)]);
  expect(said(found)).toEqual(said(wanted));
  for (const [place, { logProb }] of found.entries())
    expect(Math.abs(Math.exp(logProb) - Math.exp(wanted[place].logProb))).toBeLessThanOrEqual(tolerance + 1e-6);
}

async function expectError(promise: Promise<unknown>, code: string, named = ""): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: LlamafuseError) => reason,
  );
  expect(error).toMatchObject({ name: "LlamafuseError", code });
  expect(error?.message).toContain(named);
}
