/** The methods that compare tokens by their embeddings: deepen and eva. */
import { describe, expect, it } from "vitest";
import { oncePerMembers } from "../../../src/during/alignments/build/embedded-members.js";
import type { BuildOptions } from "../../../src/during/alignments/build/pool.js";
import type { MethodOptions } from "../../../src/during/methods.js";
import { methodNamed } from "../../../src/during/methods.js";
import { agreeing, keptWeights } from "../../../src/during/rules/agreeing.js";
import { DevelopmentScores } from "../../../src/during/weightings/development-scores.js";
import type { LoadProgress } from "../../../src/ensemble/load-options.js";
import { LlamafuseError } from "../../../src/errors.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import { byStringOf, walk } from "../../../src/laws/walk.js";
import type { EmbeddingSource } from "../../../src/member/embeddings.js";
import type { Member } from "../../../src/member/member.js";
import { createEnsemble } from "../../../src/systems.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../src/vocabulary/vocabulary.js";
import { refusal } from "../../support/refusal.js";

const sp = sentencePieceVocabulary();
const bpe = bytePairVocabulary();
const pair = () => [randomMember(1, sp), randomMember(2, bpe)];
const both = [{ name: "deepen" as const }, { name: "eva" as const }];

/** A vocabulary of these strings and an end. */
function words(...strings: string[]): Vocabulary {
  return makeVocabulary([
    ...strings.map((string) => ({ bytes: Buffer.from(string), text: string })),
    { bytes: new Uint8Array(), class: TokenClass.end, text: "</s>" },
  ]);
}

function matrix(rows: number, width: number): EmbeddingSource {
  const values = Float32Array.from({ length: rows * width }, (_, at) => Math.sin(at + 1));
  return { kind: "memory", rows, width, values };
}

async function firstStep(method: MethodOptions, members: Member[], weights?: number[], prompt?: string) {
  const { steps } = await walk({ method, members, weights, greedy: false, steps: 1, prompt });
  return steps[0];
}

describe.each(both)("$name on members that it cannot combine", (method) => {
  const build = (members: Member[]) =>
    refusal(() => methodNamed(method).build(members.map((member) => ({ member, weight: 0.5 }))));

  it("says that vocabularies share nothing", async () => {
    const error = await build([randomMember(1, words("a", "b")), randomMember(2, words("c", "d"))]);
    expect(error.code).toBe("incompatible-members");
    expect(error.message).toMatch(/no token in common/);
    expect(error.message).toMatch(/unite/);
  });

  it("says that they share too little", async () => {
    const error = await build([randomMember(1, words("a", "b")), randomMember(2, words("b", "c"))]);
    expect(error.code).toBe("incompatible-members");
    expect(error.message).toMatch(/only (1|one) token in common/);
  });

  it("says whose embeddings are missing", async () => {
    const error = await build([randomMember(1, sp), randomMember(2, bpe, { embeddings: undefined })]);
    expect(error.code).toBe("incompatible-members");
    expect(error.message).toMatch(
      /"random-2" \(scripted\) does not offer its (in|out)put embeddings, which .* needs\. Methods that work .*unite/,
    );
  });

  it("says whose embeddings are too few", async () => {
    const few = matrix(10, 4);
    const error = await build([randomMember(1, sp), randomMember(2, bpe, { embeddings: { input: few, output: few } })]);
    expect(error.code).toBe("incompatible-members");
    expect(error.message).toContain(`10 × 4 for ${bpe.size} tokens`);
  });

  it("takes embeddings of unequal widths", async () => {
    const wide = matrix(bpe.size, 31);
    const members = [randomMember(1, sp), randomMember(2, bpe, { embeddings: { input: wide, output: wide } })];
    expect((await firstStep(method, members)).best).toBeGreaterThanOrEqual(0);
  });

  it("refuses a main member that is none", async () => {
    const error = await refusal(() => firstStep({ ...method, main: 7 }, pair()));
    expect(error.code).toBe("invalid-option");
    expect(error.message).toMatch(/main/);
  });

  it("is built with the ensemble, with progress", async () => {
    const seen: LoadProgress[] = [];
    await using ensemble = await createEnsemble({ members: pair(), method, onProgress: (step) => seen.push(step) });
    const built = seen.filter(({ phase }) => phase === "build");
    expect(built.at(-1)).toEqual({ member: method.name, phase: "build", fraction: 1 });
    const { text } = await ensemble.generate("Hello, the", { maxTokens: 4 });
    expect(text.length).toBeGreaterThan(0);
  });
});

describe("what members build together", () => {
  /** Builds that end when they are told to, or stop as the real ones do. */
  function slowBuild() {
    const ends: (() => void)[] = [];
    const build = (_members: readonly Member[], name: string, { signal }: BuildOptions) =>
      new Promise<{ name: string }>((resolve, reject) => {
        ends.push(() => resolve({ name }));
        signal?.addEventListener("abort", () => reject(new LlamafuseError("aborted", "stopped", {})));
      });
    return { ends, build: oncePerMembers(build) };
  }

  it("is built once for the same members and options", async () => {
    const { ends, build } = slowBuild();
    const members = pair();
    const same = [build(members, "a"), build([...members], "a")];
    const others = [build(members, "b"), build([...members].reverse(), "a")];
    expect(ends).toHaveLength(3);
    for (const end of ends) end();
    expect(await same[0]).toBe(await same[1]);
    expect(await build(members, "a")).toBe(await same[0]);
    expect(await others[0]).not.toBe(await same[0]);
    expect(await others[1]).not.toBe(await same[0]);
  });

  it("can be given up by one of those who wait, and goes on for the others", async () => {
    const { ends, build } = slowBuild();
    const members = pair();
    const first = build(members, "a");
    const stop = new AbortController();
    const second = build(members, "a", { signal: stop.signal });
    stop.abort();
    expect((await refusal(() => second)).code).toBe("aborted");
    ends[0]();
    expect(await first).toEqual({ name: "a" });
    expect(ends).toHaveLength(1);
  });

  it("is built by those who wait where the builder was stopped", async () => {
    const { ends, build } = slowBuild();
    const members = pair();
    const stop = new AbortController();
    const first = refusal(() => build(members, "a", { signal: stop.signal }));
    const others = [build(members, "a"), build(members, "a", { signal: new AbortController().signal })];
    stop.abort();
    expect((await first).code).toBe("aborted");
    await new Promise((resolve) => setImmediate(resolve));
    expect(ends).toHaveLength(2);
    ends[1]();
    expect(await others[0]).toEqual({ name: "a" });
    expect(await others[1]).toBe(await others[0]);
  });
});

describe("deepen", () => {
  it("refuses a single anchor", async () => {
    const error = await refusal(() => firstStep({ name: "deepen", anchors: 1 }, pair()));
    expect(error.code).toBe("invalid-option");
    expect(error.message).toMatch(/"anchors" of deepen.*found 1/);
  });

  it("takes two anchors", async () => {
    expect((await firstStep({ name: "deepen", anchors: 2 }, pair())).best).toBeGreaterThanOrEqual(0);
  });

  it("leaves the main member alone at a learning rate of 0, and asks no other", async () => {
    const [main, other] = pair();
    const { steps } = await walk({ method: { name: "deepen", learningRate: 0 }, members: [main, other], steps: 6 });
    const alone = await walk({ method: { name: "single" }, members: [randomMember(1, sp)], steps: 6 });
    expect(Buffer.concat(steps.map(({ bytes }) => bytes))).toEqual(alone.text);
    // It was fed all the same: its text is what was chosen, and nothing of it was decoded since the prompt.
    expect((await other.cachedTokens()).length).toBeGreaterThan(0);
    expect(() => other.output).toThrow();
  });

  it("leaves the choice to end with the main member", async () => {
    const ends = words("a", "b");
    const says = (id: number) => () => [0, 1, 2].map((token) => (token === id ? 9 : 0));
    const main = randomMember(1, ends, { script: says(2) });
    const members = [main, randomMember(2, words("b", "a"), { script: says(0) })];
    const { endEntry, best, probabilities } = await firstStep({ name: "deepen" }, members, undefined, "ab");
    expect(best).toBe(endEntry);
    expect(probabilities[best]).toBeCloseTo(Math.exp(9) / (Math.exp(9) + 2), 9);
  });

  it("pulls the main member towards what the others say, more with more steps and with more weight", async () => {
    const vocabulary = words("a", "b", "c");
    const says = (...logits: number[]) => ({ script: () => logits });
    const members = () => [
      randomMember(1, vocabulary, says(2, 1, 0, -2)),
      randomMember(2, vocabulary, says(0, 6, 0, -2)),
    ];
    const probabilityOfB = async (options: object, weights?: number[]) =>
      byStringOf(await asDistribution({ name: "deepen", weightDecay: 0, ...options }, members(), weights)).get("b")!;
    const alone = await probabilityOfB({ learningRate: 0 });
    const few = await probabilityOfB({ steps: 2 });
    const more = await probabilityOfB({ steps: 5 });
    expect(few).toBeGreaterThan(alone);
    expect(more).toBeGreaterThan(few);
    const trusted = await probabilityOfB({ steps: 60, learningRate: 0.3 }, [0.1, 0.9]);
    const doubted = await probabilityOfB({ steps: 60, learningRate: 0.3 }, [0.9, 0.1]);
    expect(trusted).toBeGreaterThan(doubted);
    const byScores = await probabilityOfB({ steps: 60, learningRate: 0.3, scores: { "random-1": 1, "random-2": 9 } });
    expect(byScores).toBeCloseTo(trusted, 12);
  });

  it("says which score is missing or of nobody", async () => {
    const voices = pair().map((member) => ({ member, weight: 0.5 }));
    expect((await refusal(() => new DevelopmentScores(voices, { "random-1": 1 }))).message).toMatch(/"random-2"/);
    const error = await refusal(() => new DevelopmentScores(voices, { "random-1": 1, "random-2": 1, "random-3": 1 }));
    expect(error.message).toMatch(/Unknown member "random-3"/);
  });
});

describe("eva", () => {
  it("stops, with compat, at unequal widths as the released code does", async () => {
    const wide = matrix(bpe.size, 31);
    const members = [randomMember(1, sp), randomMember(2, bpe, { embeddings: { input: wide, output: wide } })];
    const error = await refusal(() => firstStep({ name: "eva", compat: true }, members));
    expect(error.code).toBe("incompatible-members");
    expect(error.message).toMatch(/24 numbers a token.*31.*compat/);
  });

  it("takes weights", async () => {
    const method: MethodOptions = { name: "eva", fusion: "linear" };
    const main = await firstStep(method, pair(), [1, 0]);
    const own = await firstStep({ name: "single" }, [randomMember(1, sp)]);
    expect(main.bestString).toBe(own.bestString);
    const other = await firstStep(method, pair(), [0, 1]);
    expect(other.byString).not.toEqual(main.byString);
  });

  it("keeps those whose favourite another considers, and everybody where there are none", () => {
    const [a, b, c] = [
      [0.1, 0.9, 0],
      [0.5, 0.3, 0.2],
      [0, 0.1, 0.9],
    ];
    expect(agreeing([a, b], 3, 1)).toEqual([false, false]);
    expect(agreeing([a, b], 3, 2)).toEqual([true, true]);
    expect(agreeing([a, b, c], 3, 2)).toEqual([true, true, false]);
    expect(keptWeights([0.2, 0.3, 0.5], [true, true, false])).toEqual([0.4, 0.6, 0]);
    expect(keptWeights([0.2, 0.8], [false, false])).toEqual([0.2, 0.8]);
  });
});

async function asDistribution(method: MethodOptions, members: Member[], weights?: number[]) {
  let found: Parameters<typeof byStringOf>[0] | undefined;
  await walk({
    method,
    members,
    weights,
    greedy: false,
    steps: 1,
    prompt: "abc",
    inspect: (distribution) => {
      found = { ...distribution, probabilities: distribution.probabilities.slice() };
    },
  });
  return found!;
}
