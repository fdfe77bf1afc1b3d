/** Real models in threads of their own: what comes back, what is refused, and that a member works after every failure. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { generator } from "../../scripts/lib/tiny-model.js";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import type { LlamaMemberOptions } from "../../src/member/llama/load-options.js";
import type { Feedback } from "../../src/member/member.js";
import { between, randomSplit, randomText } from "../vocabularies/random-texts.js";
import { expectClose } from "./log-probs.js";
import { longText, MODELS, THOROUGHNESS, temporaryFolder, write, writeSlowModel } from "./models.js";

const made: LlamaMember[] = [];
const load = async (model: string, options: Partial<LlamaMemberOptions> = {}) => {
  const member = await LlamaMember.load({ model, contextSize: 512, ...options }, new SharedMemory());
  made.push(member);
  return member;
};
afterEach(async () => {
  await Promise.all(made.splice(0).map((member) => member.dispose()));
});

const prompt = (text: string | Uint8Array) => ({ text: Buffer.from(text), parseSpecial: false, addBos: true });
const text = (bytes: string | Uint8Array): Feedback => ({ kind: "text", bytes: Buffer.from(bytes) });
const fails = (work: Promise<unknown>, code: string, details = {}) =>
  expect(work).rejects.toMatchObject({ name: "LlamafuseError", code, details });

/** Prepare the probability of every token. */
const prepareAll = (member: LlamaMember) => {
  const { size } = member.vocabulary;
  return member.prepare({ top: 10, projection: { map: Int32Array.from({ length: size }, (_, id) => id), size } });
};
const logProbsOf = (member: LlamaMember) => Float64Array.from(member.output.projection, Math.log);

describe.each(MODELS)("%s in a thread of its own", (_, file) => {
  it("says after any feedback what a fresh member says of the whole text", async () => {
    const [stepwise, fresh] = [await load(file), await load(file)];
    await prepareAll(stepwise);
    await prepareAll(fresh);
    const random = generator(6);
    for (let walk = 0; walk < 4 * THOROUGHNESS; walk++) {
      let whole = Buffer.from("Once upon a time");
      await stepwise.begin(prompt(whole));
      for (const part of randomSplit(
        random,
        Buffer.from(` there was${randomText(random, between(random, 1, 6))} and`),
        15,
      )) {
        stepwise.append(text(part));
        whole = Buffer.concat([whole, part]);
        if (random() < 0.8) await stepwise.advance();
      }
      await stepwise.advance();
      await fresh.begin(prompt(whole));
      expect(await stepwise.cachedTokens()).toEqual(await fresh.cachedTokens());
      expectClose(logProbsOf(stepwise), logProbsOf(fresh));
      expect(stepwise.output.logNormaliser).toBeCloseTo(fresh.output.logNormaliser, 1);
    }
  });

  it("repeats a run bit for bit, in the same member and in another", async () => {
    const run = async (member: LlamaMember) => {
      const said: unknown[] = [await member.begin(prompt("Once upon a time"))];
      for (const part of [" there", " was a", " little", " d", "og.\n", "é", " It"]) {
        member.append(text(part));
        await member.advance();
        const { topIds, topLogits, logNormaliser, endLogProb, projection, decodedTokens } = member.output;
        said.push([...topIds], [...topLogits], logNormaliser, endLogProb, [...projection], decodedTokens);
      }
      return said;
    };
    const [one, other] = [await load(file), await load(file)];
    await prepareAll(one);
    await prepareAll(other);
    const wanted = await run(one);
    expect(await run(one)).toEqual(wanted);
    expect(await run(other)).toEqual(wanted);
  });

  it("looks up many strings at once, each as alone", async () => {
    const member = await load(file);
    await prepareAll(member);
    await member.begin(prompt("Once upon"));
    const { vocabulary, output } = member;
    const keys = Array.from({ length: 9000 }, (_, index) => Buffer.from(vocabulary.bytesOf(index % vocabulary.size)));
    const found = await member.lookup(keys);
    for (const [index, { id, own, logit }] of found.entries()) {
      if (keys[index].length === 0) continue;
      const ids = vocabulary.idsOf(keys[index].toString("latin1"));
      expect(own && ids.includes(id)).toBe(true);
      const sum = ids.reduce((total, each) => total + output.projection[each], 0);
      expect(logit - output.logNormaliser).toBeCloseTo(Math.log(sum), 4);
    }
    await fails(member.lookup([new Uint8Array(70_000)]), "invalid-option");
    await fails(member.lookup([vocabulary.size]), "invalid-option");
    await fails(member.lookup([-1]), "invalid-option");
  });

  it("says when the context is full, and answers the next prompt", async () => {
    const member = await load(file, { contextSize: 64 });
    await fails(member.begin(prompt(longText(200))), "context-overflow", { allowed: 64, option: "contextSize" });
    await member.begin(prompt("Once upon a time"));
    member.append(text(longText(200)));
    await fails(member.advance(), "context-overflow", { member: member.name, allowed: 64 });
    expect((await member.begin(prompt("Once upon a time"))).promptTokens).toBeLessThan(64);
    member.append(text(" there"));
    await member.advance();
    expect(member.output.decodedTokens).toBeGreaterThan(0);
  });

  it("takes feedback of any length, in any order of kinds", async () => {
    const member = await load(file);
    await member.begin(prompt("Once upon a time"));
    const long = Buffer.from(` ${longText(20_000)}`);
    const bytes = Buffer.concat([long, Buffer.from("é中😀".repeat(300))]);
    for (const part of [bytes.subarray(0, 90_000), bytes.subarray(90_000, 90_001), bytes.subarray(90_001)]) {
      member.append(text(part));
    }
    const whole = Buffer.concat([Buffer.from("Once upon a time"), bytes]);
    const tokens = await member.cachedTokens();
    expect(tokens).toEqual(await member.tokenize(whole, { addBos: true }));
    member.append({ kind: "piece", bytes: long });
    member.append({ kind: "tokens", ids: Array.from(tokens) });
    const more = await member.cachedTokens();
    expect(more.subarray(0, tokens.length)).toEqual(tokens);
    expect(more.subarray(more.length - tokens.length)).toEqual(tokens);
    await fails(member.advance(), "context-overflow");
    await member.begin(prompt("Once"));
  });

  it("refuses what is not UTF-8 before llama.cpp sees it, and tokens that it does not have", async () => {
    const member = await load(file);
    await member.begin(prompt("Once"));
    const invalid = Buffer.from("caf\u00e9 …").subarray(0, 7);
    await fails(member.begin(prompt(invalid)), "invalid-text");
    await fails(member.tokenize(invalid), "invalid-text");
    await fails(member.begin(prompt(Buffer.of(0xed, 0xa0, 0x80))), "invalid-text");
    await fails(member.begin({ text: new Uint8Array(0), parseSpecial: false, addBos: false }), "invalid-text");
    member.append({ kind: "tokens", ids: [member.vocabulary.size] });
    await fails(member.advance(), "invalid-option", { found: member.vocabulary.size });
    await member.begin(prompt("Once"));
    // Feedback is other members' choice, which may be any bytes.
    member.append(text(Buffer.of(0xe2, 0x82)));
    member.append(text(Buffer.of(0x20, 0xff, 0x80)));
    member.append(text(" upon"));
    await member.advance();
    expect(member.output.decodedTokens).toBeGreaterThan(0);
  });

  it("has an output only for the present text", async () => {
    const member = await load(file);
    expect(() => member.output).toThrowError(expect.objectContaining({ code: "member-failed" }));
    await member.begin(prompt("Once"));
    expect(member.output.topCount).toBe(0);
    member.append(text(" upon"));
    expect(() => member.output).toThrowError(expect.objectContaining({ code: "member-failed" }));
    await fails(member.lookup([0]), "member-failed");
    await member.advance();
    expect(member.output.decodedTokens).toBeGreaterThan(0);
  });

  it("is disposed at any moment and any number of times, and is of no use then", async () => {
    const member = await load(file);
    const begun = member.begin(prompt(longText(80)));
    const refused = begun.then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    await Promise.all([member.dispose(), member.dispose()]);
    await member.dispose();
    expect([undefined, "disposed", "aborted"]).toContain(await refused);
    for (const use of [
      () => member.begin(prompt("Once")),
      () => member.advance(),
      () => member.cachedTokens(),
      () => member.tokenize(Buffer.from("Once")),
      () => member.prepare({ top: 1 }),
      () => member.setThreads(1),
      () => member.lookup([0]),
    ]) {
      await fails(use(), "disposed", { member: member.name });
    }
    expect(() => member.append(text("x"))).toThrowError(expect.objectContaining({ code: "disposed" }));
  });
});

describe("a slow model", () => {
  const { folder, clean } = temporaryFolder();
  let slow: string;
  beforeAll(() => {
    slow = writeSlowModel(folder);
  });
  afterAll(clean);
  const LONG = longText(1500);

  it("stops a long prefill at once when its signal fires, and answers the next prompt as a fresh one does", async () => {
    const [member, fresh] = [await load(slow, { contextSize: 4096 }), await load(slow, { contextSize: 4096 })];
    for (const each of [member, fresh]) await prepareAll(each);
    for (const milliseconds of [0, 1, 30, 150]) {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), milliseconds);
      const started = performance.now();
      await fails(member.begin(prompt(LONG), abort.signal), "aborted");
      expect(performance.now() - started).toBeLessThan(milliseconds + 500);
    }
    await fails(member.begin(prompt("Once"), AbortSignal.abort()), "aborted");
    for (const each of [member, fresh]) {
      await each.begin(prompt("one two old"));
      each.append(text(" cat"));
      await each.advance();
    }
    expect(logProbsOf(member)).toEqual(logProbsOf(fresh));
  });

  it("stops loading when its signal fires, and says how far it is until then", async () => {
    const fractions: number[] = [];
    const whole = await load(slow, { onProgress: (fraction) => fractions.push(fraction) });
    expect(whole.identity().costs.parameters).toBeGreaterThan(1e6);
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    for (const milliseconds of [0, 1, 5, 20, 40, 60, 80]) {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), milliseconds);
      const outcome = await load(slow, { signal: abort.signal }).catch((error: { code: string }) => error.code);
      if (outcome instanceof LlamaMember) await outcome.begin(prompt("one"));
      else expect(outcome).toBe("aborted");
    }
    await fails(load(slow, { signal: AbortSignal.abort() }), "aborted");
  });

  it("is disposed in the middle of a prefill without waiting for its end", async () => {
    const member = await load(slow, { contextSize: 4096 });
    const begun = fails(member.begin(prompt(LONG)), "disposed");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const started = performance.now();
    await member.dispose();
    expect(performance.now() - started).toBeLessThan(1000);
    await begun;
  });
});

it("names the member whose logits are not numbers", async () => {
  const { folder, clean } = temporaryFolder();
  const damaged = write(folder, "damaged", {
    tensors: (tensors) =>
      tensors.map((tensor) =>
        tensor.name === "output_norm.weight"
          ? { ...tensor, data: () => [new Uint8Array(new Float32Array(tensor.shape[0]).fill(Number.NaN).buffer)] }
          : tensor,
      ),
  });
  const member = await load(damaged, { name: "sick", contextSize: 64 });
  await fails(member.begin(prompt("one two")), "invalid-logits", { member: "sick", found: "NaN" });
  await fails(member.advance(), "invalid-logits", { member: "sick" });
  expect(() => member.output).toThrowError(expect.objectContaining({ code: "member-failed" }));
  clean();
});
