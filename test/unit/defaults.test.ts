/** The defaults of methods, their parts, routers and requests, as they are documented: a change of one is a choice. */
import { describe, expect, it } from "vitest";
import { routerNamed } from "../../src/before/registry.js";
import { checkRequest } from "../../src/decoding/request.js";
import type { MethodOptions } from "../../src/during/methods.js";
import { methods } from "../../src/during/methods.js";
import { rules } from "../../src/during/rules/rules.js";
import {
  bytePairVocabulary,
  randomMember,
  randomNumbers,
  sentencePieceVocabulary,
} from "../../src/laws/scripted-members.js";
import { drawing, walk } from "../../src/laws/walk.js";
import type { ScriptState } from "../../src/member/scripted/options.js";
import { ScriptedMember } from "../../src/member/scripted/scripted-member.js";
import { makeVocabulary } from "../../src/vocabulary/vocabulary.js";

const topUnion = { name: "top-union", k: 10, feedback: "text" };

const METHODS: Record<string, object> = {
  single: {},
  gac: { gate: "every-step", feedback: "piece", compat: false },
  unite: { k: 10, compat: false },
  abe: { compat: false },
  me: { feedback: "piece" },
  safe: { drafter: 0, draft: 5, alignment: topUnion, sharpen: "prefix" },
  deepen: { main: 0, learningRate: 0.15, steps: 5, weightDecay: 0.01, seed: 0, feedback: "token", compat: false },
  eva: { main: 0, k: 320, similar: 10, leastSimilarity: 0.1, neighbourhood: 1, fusion: "drop", compat: false },
  purify: { form: "kl", temperature: 1 },
  cds: { knowledge: 1, classifier: "entropy", critical: "greedy" },
  citer: { small: 0, threshold: 0.9, router: "FILE" },
  core: { score: "rbf", task: "generation", main: 0, compat: false },
  product: { floor: 0, alignment: topUnion },
  contrast: { expert: 0, amateur: 1, form: "scaled", amateurTemperature: 1, alpha: 0.1 },
  proxy: { base: 0, expert: 1, antiExpert: 2, strength: 1, alpha: 0 },
  packllm: { variant: "sim", refresh: 0, reference: "auto", compat: false },
  fusion: {
    alignment: topUnion,
    rule: { name: "mean" },
    weights: { name: "given" },
    schedule: { name: "every-step" },
  },
};

const RULES: Record<string, object> = {
  mean: {},
  product: { floor: 0 },
  minimum: {},
  core: { score: "rbf", task: "generation", main: 0 },
  contrast: { expert: 0, amateur: 1, form: "scaled", amateurTemperature: 1, alpha: 0.1 },
  proxy: { base: 0, expert: 1, antiExpert: 2, strength: 1, alpha: 0 },
};

const ROUTERS: Record<string, object> = {
  knn: { k: 40 },
  shnitzer: { score: "s3", k: 5, threshold: 0.5, kappa: 5, compat: false },
  srivatsa: { variant: "classifier", policy: "argmax", clusters: 50, sets: "viable", viable: 0.99, compat: false },
  routellm: {
    variant: "mf",
    battles: "pair",
    margin: 0,
    dimension: 128,
    epochs: 100,
    noise: 0.1,
    heldOut: 0.05,
    tiers: 10,
    compat: false,
  },
  "hybrid-llm": { variant: "trans" },
  "select-llm": { policy: "weighted-max-conf", tolerance: 0.005, heldOut: 0.2 },
  routoo: { selector: "lagrangian" },
  zooter: { beta: 0.3, temperature: 1, compat: false },
  "bench-coe": { level: "query", ridge: 1 },
  "llm-bandit": { dimension: 16, epochs: 10, ridge: 5 },
  "meta-llm": { alpha: 0, lambda: 12.94, gamma: 1, price: 0, dimension: 64, feedback: "full" },
  "to-router": { variant: "classifier", temperature: 10, k: 40, hidden: 32, epochs: 15 },
  forc: { prefer: "cheapest", fallback: "biggest" },
  "homo-router": { refinement: 0.5, k: 10, ridge: 1 },
  eagle: { p: 0.5, n: 20, k: 32, margin: 0 },
  "pick-llm": {
    learner: "automaton",
    reward: "product",
    accuracy: 1,
    cost: 1,
    latency: 1,
    scale: 1,
    rate: 0.05,
    epsilon: 0.1,
    explore: false,
    compat: false,
  },
  blending: {},
  avengers: { clusters: 64, nearest: 11, beta: 3, models: 3, compat: false },
  "avengers-pro": { clusters: 32, nearest: 1, beta: 9, alpha: 0.7, compat: false },
  racer: { alpha: 0.1, heldOut: 0.3 },
  "arch-router": {},
};

describe("the defaults of methods", () => {
  it.each(Object.keys(METHODS))("of %s", (name) => {
    const method = methods.find(({ info }) => info.name === name)!;
    // One option is required.
    expect(method.check(name === "citer" ? { router: "FILE" } : {})).toEqual(METHODS[name]);
  });

  it.each(Object.keys(RULES))("of the rule %s", (name) => {
    expect(rules.find((rule) => rule.name === name)!.options.parse({})).toEqual(RULES[name]);
  });
});

it.each(Object.keys(ROUTERS))("the defaults of the router %s", (name) => {
  const { options } = routerNamed(name) as unknown as { options: object };
  expect(options).toEqual(ROUTERS[name]);
});

it("the defaults of requests", () => {
  const { options } = checkRequest("a");
  expect(options).toMatchObject({
    temperature: 0,
    topK: 0,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    repetitionWindow: 64,
    maxTokens: 256,
    stop: [],
    traceTop: 0,
    logProbs: false,
    reusePrompt: false,
  });
  expect(checkRequest("a", { trace: true }).options.traceTop).toBe(5);
  expect(checkRequest("a", { trace: false }).options.traceTop).toBe(0);
});

/** Options that hold only with others, so that they are filled in where they are used. */
const USUAL: [MethodOptions, usual: object, other: object][] = [
  [{ name: "gac", gate: "threshold" }, { threshold: 0.5 }, { threshold: 0.1 }],
  [{ name: "gac", gate: "threshold", threshold: 0.1 }, { primary: 0 }, { primary: 1 }],
  [{ name: "unite", compat: true }, { variant: "logits" }, { variant: "probability" }],
  [{ name: "eva" }, { drop: 5 }, { drop: 1 }],
  [{ name: "cds", critical: "sampled" }, { threshold: 1 }, { threshold: 4 }],
  [{ name: "contrast" }, { beta: 0.5 }, { beta: 3 }],
  [{ name: "packllm" }, { tau: 1 }, { tau: 0.1 }],
  [{ name: "safe", alignment: "union" }, { lambda: 0.1 }, { lambda: 0.01 }],
];

describe.each(USUAL)("%j", (method, usual, other) => {
  const sp = sentencePieceVocabulary();
  const bpe = bytePairVocabulary();
  const said = async (more: object) => {
    const { steps } = await walk({
      method: { ...method, ...more } as MethodOptions,
      members: [randomMember(1, sp), randomMember(2, bpe)],
      greedy: false,
      choose: drawing(randomNumbers(4)),
      steps: 10,
    });
    return steps.map(({ bytes, probabilities }) => [bytes.toString("latin1"), ...probabilities]);
  };

  it(`is the same as with ${JSON.stringify(usual)}, and another with ${JSON.stringify(other)}`, async () => {
    const found = await said({});
    expect(await said(usual)).toEqual(found);
    expect(await said(other)).not.toEqual(found);
  });
});

it("unite tokenises the whole text again, unless it is told otherwise", async () => {
  const vocabulary = makeVocabulary(["a", "b", "ab", "x"].map((string) => ({ bytes: Buffer.from(string) })));
  const held = async (more: object) => {
    // An "a", then a "b", which together are one token.
    const members = ["one", "two"].map((name) => {
      const script = ({ text }: ScriptState) => (text.at(-1) === 0x61 ? [0, 9, 0, 0] : [9, 0, 0, 0]);
      return new ScriptedMember({ name, vocabulary, script });
    });
    await walk({ method: { name: "unite", ...more }, members, prompt: "x", steps: 2 });
    return Array.from(await members[1].cachedTokens());
  };
  expect(await held({})).toEqual([3, 2]);
  expect(await held({ feedback: "text" })).toEqual([3, 2]);
  expect(await held({ feedback: "piece" })).toEqual([3, 0, 1]);
});
