/** What the native models are there for, measured in llama.cpp: each does its part, and fused they do more. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readManifest, readQuestions, verifyNativeModels } from "../../scripts/verify-native-models.js";
import { createEnsemble, type MethodOptions, nativeModel, nativeModels } from "../../src/index.js";
import { LlamaContext } from "../../src/llama/context.js";
import { loadLlama } from "../../src/llama/library.js";
import { LlamaModel } from "../../src/llama/model.js";
import { resolveModel } from "../../src/member/resolve-model.js";

const FOLDER = path.resolve(import.meta.dirname, "../../native-models");
const manifest = readManifest(FOLDER);
const test = readQuestions(path.join(FOLDER, manifest.questions.test));
const development = readQuestions(path.join(FOLDER, manifest.questions.development));
const SKILLS = ["facts", "numbers", "words"] as const;
const EXPERTS = { numbers: "robin", facts: "wren", words: "finch" } as const;
/** Other processors round differently: that may turn a question or two. */
const SLACK = 2;

type Scores = Record<string, number>;

function plain(text: string): string {
  return ` ${
    text
      .toLowerCase()
      .match(/[a-z0-9]+/g)
      ?.join(" ") ?? ""
  } `;
}

function isRight(text: string, answers: readonly string[]): boolean {
  return answers.some((answer) => plain(text).includes(plain(answer)));
}

/** Greedy answers to the test questions. */
async function answersOf(names: readonly string[], method: MethodOptions): Promise<string[]> {
  await using ensemble = await createEnsemble({
    members: names.map((model) => ({ model, threads: 1 })),
    method,
    gpu: false,
  });
  const answers: string[] = [];
  for (const { question } of test) {
    const { text } = await ensemble.generate([{ role: "user", content: question }], { maxTokens: 48 });
    answers.push(text);
  }
  return answers;
}

/** Percent right by skill and over all. */
function scoresOf(answers: readonly string[]): Scores {
  const share = (chosen: typeof test) =>
    (100 * chosen.filter((line) => isRight(answers[test.indexOf(line)], line.answers)).length) / chosen.length;
  const bySkill = SKILLS.map((skill) => [skill, share(test.filter((line) => line.skill === skill))]);
  return { ...Object.fromEntries(bySkill), all: share(test) };
}

it("is what the manifest says", async () => {
  expect(await verifyNativeModels(FOLDER)).toEqual([]);
});

it("answers to its names, where no file is called so", async () => {
  expect(await resolveModel("raven")).toBe(nativeModel("raven").path);
  expect(nativeModels().map(({ name }) => name)).toEqual(["robin", "wren", "finch"]);
  expect(() => nativeModel("ravn")).toThrow(/Did you mean "raven"/);
});

describe("on the test questions", () => {
  const answers = new Map<string, string[]>();
  const scores = new Map<string, Scores>();
  beforeAll(async () => {
    for (const { name } of manifest.models) {
      if (name === "owl") continue;
      answers.set(name, await answersOf([name], { name: "single" }));
      scores.set(name, scoresOf(answers.get(name)!));
    }
  });

  it.each(manifest.models.filter(({ name }) => name !== "owl"))("$name scores as its card says", (model) => {
    for (const [skill, share] of Object.entries(model.accuracy.test)) {
      expect(Math.abs(scores.get(model.name)![skill] - 100 * share), skill).toBeLessThanOrEqual(SLACK);
    }
  });

  it.each(Object.entries(EXPERTS))("the expert for %s, %s, is good at that and weak elsewhere", (skill, name) => {
    const { all: _, [skill]: own, ...others } = scores.get(name)!;
    expect(own).toBeGreaterThanOrEqual(90);
    const elsewhere = Object.values(others);
    expect(elsewhere.reduce((sum, value) => sum + value, 0) / elsewhere.length).toBeLessThanOrEqual(45);
  });

  it("has a strong generalist and a weak one", () => {
    for (const skill of SKILLS) expect(scores.get("raven")![skill]).toBeGreaterThanOrEqual(75);
    for (const skill of SKILLS) expect(scores.get("sparrow")![skill]).toBeLessThan(scores.get("raven")![skill]);
    expect(scores.get("sparrow")!.all).toBeLessThan(65);
    expect(scores.get("swift")!.numbers).toBeGreaterThan(scores.get("sparrow")!.numbers);
  });

  it.each(["unite", "gac"] as const)("loses nothing on any skill when the experts are fused by %s", async (name) => {
    const fused = scoresOf(await answersOf(Object.values(EXPERTS), { name }));
    const experts = Object.values(EXPERTS).map((expert) => scores.get(expert)!);
    expect(fused.all).toBeGreaterThanOrEqual(Math.max(...experts.map(({ all }) => all)) + 15);
    for (const skill of SKILLS) {
      const lost = Math.max(...experts.map((score) => score[skill])) - fused[skill];
      expect(lost, skill).toBeLessThanOrEqual(1 + SLACK);
    }
  });

  it("is judged by owl as its card says", async () => {
    await using owl = await createEnsemble({
      members: [{ model: "owl", threads: 1 }],
      method: { name: "single" },
      gpu: false,
    });
    for (const name of [...Object.values(EXPERTS), "raven"]) {
      let right = 0;
      for (const [index, { question, answers: accepted }] of test.entries()) {
        const answer = answers.get(name)![index];
        const prompt = `Question: ${question}\nAnswer:${answer}\nJudgement:`;
        const good = await owl.score(prompt, " good");
        const bad = await owl.score(prompt, " bad");
        if (good.logProb > bad.logProb === isRight(answer, accepted)) right++;
      }
      const said = manifest.models.find((model) => model.name === "owl")!.judging![name];
      expect(Math.abs((100 * right) / test.length - 100 * said), name).toBeLessThanOrEqual(SLACK);
      expect(right / test.length, name).toBeGreaterThan(0.6);
    }
  }, 240_000);
});

it("shares one vocabulary between finch, raven, sparrow, swift and owl", () => {
  const vocabularyOf = (name: string) => {
    const model = LlamaModel.load(loadLlama(), nativeModel(name).path);
    const { vocabulary } = model.tokenizer;
    const texts = Array.from({ length: vocabulary.size }, (_, id) =>
      Buffer.from(vocabulary.bytesOf(id)).toString("hex"),
    );
    model.free();
    return texts;
  };
  const finch = vocabularyOf("finch");
  for (const name of ["raven", "sparrow", "swift", "owl"]) expect(vocabularyOf(name)).toEqual(finch);
});

it("has a question's skill in sparrow's mean-pooled states: the nearest development question has the same", () => {
  const model = LlamaModel.load(loadLlama(), nativeModel("sparrow").path);
  const context = new LlamaContext(model, { hiddenStates: true, contextSize: 512 });
  const embed = (text: string): Float64Array => {
    const tokens = model.tokenizer.encode(Buffer.from(text), { parseSpecial: false, addBos: false });
    context.clear();
    context.decode(tokens, 0, { outputs: tokens.length });
    const mean = new Float64Array(model.embeddingLength);
    for (let index = 0; index < tokens.length; index++) {
      const state = context.hiddenState(index);
      for (let at = 0; at < mean.length; at++) mean[at] += state[at] / tokens.length;
    }
    const norm = Math.hypot(...mean);
    return mean.map((value) => value / norm);
  };
  const known = development.map(({ skill, question }) => ({ skill, state: embed(question) }));
  const skillOf = (state: Float64Array) => {
    const cosines = known.map((other) => other.state.reduce((sum, value, at) => sum + value * state[at], 0));
    return known[cosines.indexOf(Math.max(...cosines))].skill;
  };
  const right = test.filter(({ skill, question }) => skillOf(embed(question)) === skill).length;
  context.free();
  model.free();
  expect(right / test.length).toBeGreaterThanOrEqual(0.95);
});

it("has one chat template, which renders the plain format", () => {
  for (const { name } of manifest.models) {
    expect(readFileSync(nativeModel(name).path).includes("{{ 'Question: ' + message['content'] | trim")).toBe(true);
  }
});
