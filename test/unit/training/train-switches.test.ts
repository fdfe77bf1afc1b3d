/** The trainings of cds and citer on scripted members whose hidden states say what there is to learn. */
import { describe, expect, it } from "vitest";
import type { SwitchingMethod } from "../../../src/during/token/switch/saved-model.js";
import { HiddenStateModel, readSwitchingModel } from "../../../src/during/token/switch/saved-model.js";
import type { Task } from "../../../src/evaluation/task.js";
import { byteVocabulary } from "../../../src/laws/scripted-members.js";
import { walk } from "../../../src/laws/walk.js";
import { unpack } from "../../../src/learning/packed-numbers.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { examplesOf, spansOf, type TrainingExample } from "../../../src/training/example.js";
import { trainCds } from "../../../src/training/train-cds.js";
import { routedTokens, trainCiter } from "../../../src/training/train-citer.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../src/vocabulary/vocabulary.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const LETTERS = " abcdefghijklmnopqrstuvwxyz:";
const letters = makeVocabulary([
  ...Array.from(LETTERS, (letter) => ({ bytes: Buffer.from(letter) })),
  { bytes: new Uint8Array(), class: TokenClass.end },
]);

/** Answers prompts of four letters and a colon by `answers`; a wrong letter before goes on by position all the same. */
function knowing(
  name: string,
  answers: Record<string, string>,
  hidden?: (prompt: string, at: number) => number[],
  vocabulary: Vocabulary = letters,
): ScriptedMember {
  const split = (text: Uint8Array) => {
    const string = Buffer.from(text).toString();
    const colon = string.indexOf(":");
    return { prompt: string.slice(0, colon), at: string.length - colon - 1 };
  };
  return new ScriptedMember({
    name,
    vocabulary,
    facts: { embeddingLength: 3 },
    script: ({ text }) => {
      const { prompt, at } = split(text);
      const next = answers[prompt]?.[at];
      const id = next === undefined ? vocabulary.endTokens[0] : vocabulary.idOf(next);
      return Float32Array.from({ length: vocabulary.size }, (_, other) => (other === id ? 9 : 0));
    },
    hidden: hidden && (({ text }) => hidden(split(text).prompt, split(text).at)),
  });
}

/** Right answers, all of them in the large one's knowledge; the small one never knows the third letter. */
const RIGHT = { cats: "meows", dogs: "barks", hens: "cluck", cows: "mooos" };
const mistaken = (answer: string) => `${answer.slice(0, 2)}x${answer.slice(3)}`;
const MISTAKEN = Object.fromEntries(Object.entries(RIGHT).map(([prompt, answer]) => [prompt, mistaken(answer)]));
const state = (_: string, at: number) => [at === 2 ? 1 : -1, 0.1 * at, 1];

const examples = (right: Record<string, string> = RIGHT): TrainingExample[] =>
  Object.entries(right).map(([prompt, answer]) => ({
    prompt: `${prompt}:`,
    isRight: (text) => text === answer,
    critical: [answer],
    maxTokens: 16,
  }));

describe("what citer learns from", () => {
  const of = async (small: Record<string, string>, large: Record<string, string>, vocabulary?: Vocabulary) => {
    const tokens = await routedTokens(
      knowing("small", small, state),
      knowing("large", large, undefined, vocabulary),
      examples({ cats: "meows" })[0],
      { bytes: Buffer.from("meows"), ends: true },
    );
    return tokens.map(({ label, open }) => (open === undefined ? label : Buffer.from(open.forced).toString()));
  };

  it("labels 1 what the small model gets right, 0 what only the large one does; the end too", async () => {
    expect(await of({ cats: "meows" }, RIGHT)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(await of({ cats: "mexws" }, RIGHT)).toEqual([1, 1, 0, 1, 1, 1]);
    expect(await of({ cats: "meow" }, RIGHT)).toEqual([1, 1, 1, 1, 0, 1]);
    expect(await of({ cats: "meowsx" }, RIGHT)).toEqual([1, 1, 1, 1, 1, 0]);
  });

  it("does so for a large model with another vocabulary", async () => {
    expect(await of({ cats: "mexws" }, RIGHT, byteVocabulary())).toEqual([1, 1, 0, 1, 1, 1]);
  });

  it("leaves open where both are wrong, behind the small model's token", async () => {
    expect(await of({ cats: "mexws" }, { cats: "mezwz" })).toEqual([1, 1, "mex", 1, 1, 1]);
  });
});

describe("trainCiter", () => {
  const members = () => [knowing("small", MISTAKEN, state), knowing("large", RIGHT)] as const;
  const training = { examples: examples(), seed: 3, learningRate: 0.02 };

  it("makes a router that calls the large model where the small one errs", async () => {
    const [small, large] = members();
    const steps: { phase: string; done: number; total: number }[] = [];
    const onProgress = (phase: string, done: number, total: number) => steps.push({ phase, done, total });
    const saved = await trainCiter(small, large, { ...training, onProgress });
    const phases = new Set(steps.map(({ phase }) => phase));
    expect([...phases]).toEqual(["answers", "round 1", "training 1", "round 2", "training 2"]);
    expect(new Set(steps.map(({ total }) => total))).toEqual(new Set([5]));
    expect(steps.map(({ done }) => done)).toEqual(steps.map(({ done }) => done).sort((a, b) => a - b));
    expect(steps.at(-1)).toMatchObject({ done: 5 });
    expect(saved.training).toMatchObject({ examples: 4, used: 4, tokens: 24, smallWillDo: 20, bothWrong: 0 });
    const model = HiddenStateModel.of(JSON.parse(JSON.stringify(saved)), "citer");
    const method = { name: "citer", router: model, threshold: 0.5 } as const;
    for (const [prompt, answer] of Object.entries(RIGHT)) {
      const { text } = await walk({ method, members: [...members()], prompt: `${prompt}:`, steps: 5 });
      expect(text.toString()).toBe(answer);
    }
    expect(await trainCiter(...members(), training)).toEqual(saved);
  });

  it("lets the small model finish what both get wrong in round 1, the router in later ones", async () => {
    // Both say x for the third letter, which an answer may have; only the small one spoils the fourth letter.
    const small = { cats: "mexzs", dogs: "barks" };
    const large = { cats: "mexws", dogs: "barks" };
    const spoilt: TrainingExample[] = [
      {
        ...examples({ cats: "meows" })[0],
        reference: "meows",
        isRight: (text) => text === "mexws" || text === "meows",
      },
      examples({ dogs: "barks" })[0],
    ];
    const hidden = (prompt: string, at: number) => [prompt === "cats" && at === 3 ? 1 : -1, 0.1 * at, 1];
    const of = (rounds: number) =>
      trainCiter(knowing("small", small, hidden), knowing("large", large), {
        ...training,
        examples: spoilt,
        rounds,
        learningRate: 0.05,
        epochs: 300,
      });
    // Of 12 tokens the fourth of the cats is wrong in any case; the third once the router has learned to help there.
    expect((await of(1)).training).toMatchObject({ tokens: 12, bothWrong: 1, smallWillDo: 10 });
    expect((await of(2)).training).toMatchObject({ tokens: 12, bothWrong: 1, smallWillDo: 11 });
  });

  it("restores the released code's rate, which hardly moves the weights it starts with", async () => {
    const sharpness = async (compat: boolean) => {
      const saved = await trainCiter(...members(), { examples: examples(), rounds: 1, epochs: 40, compat });
      const { parameters } = saved.model;
      return unpack(parameters, "float32").reduce((largest, weight) => Math.max(largest, Math.abs(weight)), 0);
    };
    // The scales of the normalisation start at 1; each step of Adam moves a weight by the rate at most.
    expect(Math.abs((await sharpness(true)) - 1)).toBeLessThan(1e-5);
    expect(Math.abs((await sharpness(false)) - 1)).toBeGreaterThan(1e-3);
  });

  it("refuses data with one label only, and stops when it is told to", async () => {
    const twins = [knowing("small", RIGHT, state), knowing("large", RIGHT)] as const;
    await expect(trainCiter(...twins, training)).rejects.toMatchObject({
      code: "invalid-data",
      message: expect.stringMatching(/24 tokens.*24 are labelled 1/),
    });
    const signal = AbortSignal.abort();
    await expect(trainCiter(...members(), { ...training, signal })).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("trainCds", () => {
  it("makes a classifier of the tokens that an answer's truth hangs on", async () => {
    const answers = Object.fromEntries(Object.keys(RIGHT).map((prompt) => [prompt, `it is ${prompt}`]));
    const where = (_: string, at: number) => [at >= 6 && at < 10 ? 1 : -1, 0.1 * at, 1];
    const [aligned, knowledge] = [knowing("aligned", answers, where), knowing("knowledge", answers)];
    const labelled = Object.keys(answers).map((prompt) => ({
      ...examples(answers)[0],
      prompt: `${prompt}:`,
      isRight: () => true,
      critical: [prompt],
    }));
    const saved = await trainCds(aligned, knowledge, { examples: labelled, ridge: 0.01 });
    expect(saved.training).toMatchObject({ examples: 4, used: 4, tokens: 44 });
    const model = HiddenStateModel.of(JSON.parse(JSON.stringify(saved)), "cds");
    await aligned.prepare({ top: 1, hidden: true });
    const scores: number[] = [];
    for (let at = 0; at < 10; at++) {
      await aligned.begin({
        text: Buffer.from(`cats:${"it is cats".slice(0, at)}`),
        parseSpecial: false,
        addBos: false,
      });
      scores.push(model.score(aligned));
    }
    expect(scores.map((score) => score > 0.5)).toEqual([...Array(6).fill(false), ...Array(4).fill(true)]);
  });

  it("draws by its seed which answers are held back, and says how it does on them", async () => {
    const prompts = Array.from(LETTERS.slice(1, 21), (letter) => letter.repeat(4));
    // The answers differ in length, so that those held back are told apart by their tokens.
    const answers = Object.fromEntries(prompts.map((prompt, at) => [prompt, `${"x".repeat(at)} ${prompt}`]));
    const where = (prompt: string, at: number) => {
      const behind = at - prompts.indexOf(prompt);
      return [behind > 0 && behind < 5 ? 1 : -1, 0, 1];
    };
    const labelled = prompts.map((prompt) => ({
      ...{ prompt: `${prompt}:`, maxTokens: 40, isRight: () => true, critical: [prompt] },
    }));
    const trained = async (seed?: number) => {
      const members = [knowing("aligned", answers, where), knowing("knowledge", answers)] as const;
      return (await trainCds(...members, { examples: labelled, ridge: 0.01, seed })).training;
    };
    const all = await Promise.all([undefined, 1, 2, 3, 4].map(trained));
    const [byDefault, first, ...others] = all;
    expect(byDefault).toEqual(first);
    expect(new Set(others.map(({ heldBackTokens }) => heldBackTokens)).size).toBeGreaterThan(1);
    const total = prompts.reduce((sum, prompt) => sum + answers[prompt].length + 1, 0);
    for (const { heldBackTokens, tokens, ...counts } of all as Record<string, number>[]) {
      expect(heldBackTokens + tokens).toBe(total);
      // A fifth of the answers, with four letters each.
      expect(counts).toMatchObject({ heldBackCritical: 16, heldBackFound: 16, heldBackFoundCritical: 16 });
    }
  });
});

describe("spansOf", () => {
  it.each([
    ["It is a Fawn.", ["fawn"], [[8, 12]]],
    ["fawns and a fawn", ["fawn"], [[12, 16]]],
    [
      "A cat. The answer is A",
      ["A"],
      [
        [0, 1],
        [21, 22],
      ],
    ],
    ["a cat", ["A"], []],
    [
      "Zoë saw 12 (not 123)",
      ["12", "zoë", " "],
      [
        [9, 11],
        [0, 4],
      ],
    ],
  ])("%j of %j", (text, wanted, spans) => {
    expect(spansOf(text, wanted).map(({ start, end }) => [start, end])).toEqual(spans);
  });
});

describe("examplesOf", () => {
  const task = (metric: Task["metric"]): Task => ({
    name: "t",
    questions: [{ id: "1", question: "What?", kind: "text", answers: ["fawn"], tags: [] }],
    metric,
    prompt: "question",
    stop: ["\n"],
    maxTokens: 9,
  });

  it("puts a task's questions as an evaluation does, and grades alike", () => {
    const [example] = examplesOf(task("contains"));
    expect(example).toMatchObject({
      prompt: "Question: What?\nAnswer:",
      critical: ["fawn"],
      stop: ["\n"],
      maxTokens: 9,
    });
    expect([example.isRight("A fawn."), example.isRight("A cat.")]).toEqual([true, false]);
    expect(examplesOf(task("contains"), { chat: true })[0].prompt).toEqual([{ role: "user", content: "What?" }]);
  });
});

describe("a switching model's file", () => {
  const at = temporaryFolder();
  const members = () => [knowing("small", MISTAKEN, state), knowing("large", RIGHT)] as const;
  const file = async () =>
    JSON.parse(JSON.stringify(await trainCiter(...members(), { examples: examples(), rounds: 1 })));
  const reading = (content: unknown, method: SwitchingMethod = "citer") =>
    readSwitchingModel(
      at(`${Math.random()}.json`, typeof content === "string" ? content : JSON.stringify(content)),
      method,
    );

  it("fits the models that it was trained on, and no others", async () => {
    const model = reading(await file());
    model.begin(...members());
    const other = knowing("other", RIGHT, state, byteVocabulary());
    expect(() => model.begin(other, members()[1])).toThrow(
      expect.objectContaining({
        code: "incompatible-members",
        message: expect.stringMatching(
          /trained with "small" \(.*[\d,]+ parameters, hidden states of 3 numbers\) as the small member.*"other".*llamafuse train citer/,
        ),
      }),
    );
    expect(() => model.begin(members()[0], other)).toThrow(/as the large member/);
  });

  it("is refused where it is another's, of another version, or damaged", async () => {
    const saved = await file();
    expect(() => reading(saved, "cds")).toThrow(
      /is not a cds classifier: it was trained for citer.*llamafuse train cds/,
    );
    expect(() => reading({ ...saved, version: 2 })).toThrow(/saved as version 2; this Llamafuse reads version 1/);
    expect(() => reading({ ...saved, leader: undefined })).toThrow(
      /is not a citer router: leader: must be an object; it is missing/,
    );
    expect(() => reading({ ...saved, inputs: 4 })).toThrow(/3 numbers for hidden states of 4/);
    const shape = { inputs: 4, hidden: 6 };
    expect(() => reading({ ...saved, model: { ...saved.model, shape } })).toThrow(/belong there/);
    expect(() => reading("{")).toThrow(/is not JSON/);
    expect(() => readSwitchingModel("foo", "cds")).toThrow(
      'The classifier of cds must be "entropy", "entity", or a file of "llamafuse train cds"; the file foo does not exist.',
    );
    expect(() => readSwitchingModel("foo", "citer")).toThrow(
      /^The router of citer must be a file of .*; the file foo does not exist/,
    );
    expect(() => readSwitchingModel(".", "citer")).toThrow(/^Cannot read \.: EISDIR\. Train a router for citer/);
    expect(() => reading([])).toThrow(/is not a citer router/);
  });

  it("is read in the format of the first releases, which called the model a judge", async () => {
    const saved = await file();
    const [small, large] = members();
    await small.prepare({ top: 1, hidden: true });
    await small.begin({ text: Buffer.from("cats:me"), parseSpecial: false, addBos: false });
    const former = reading({ ...saved, format: "llamafuse-judge" });
    former.begin(small, large);
    expect(former.score(small)).toBe(reading(saved).score(small));
    expect(() => reading({ ...saved, format: "llamafuse-jury" })).toThrow(
      /format: must be one of llamafuse-switching-model, llamafuse-judge; found "llamafuse-jury"/,
    );
  });

  it("needs hidden states, which a scripted member has only where they are written", async () => {
    const method = { name: "citer", router: reading(await file()) } as const;
    const [small, large] = [knowing("small", MISTAKEN), members()[1]];
    await expect(walk({ method, members: [small, large], prompt: "cats:" })).rejects.toThrow(
      /"small".*does not offer hidden states/,
    );
  });
});
