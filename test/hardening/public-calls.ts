/**
 * Every public call, each with one argument or option left open: those of the package's index, the options of every
 * method and router by registry, and what an ensemble, a router and an embedder can be asked. Left out is arithmetic on
 * numbers of the caller's own (assignments, hulls, matrices) and what methods and members are built of.
 */
import * as library from "../../src/index.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../src/laws/scripted-members.js";
import { firstModels, topicTable } from "../support/outcome-tables.js";

// biome-ignore lint/suspicious/noExplicitAny: that is what the test is about.
type Odd = any;

export interface PublicCall {
  name: string;
  /** Keys that this argument knows. */
  names?: readonly string[];
  call(value: Odd): unknown;
}

const vocabularies = [bytePairVocabulary(), sentencePieceVocabulary()];
const scripted = (seed: number) => randomMember(seed, vocabularies[seed % 2], { contextSize: 48, name: `m${seed}` });

const LOAD = ["members", "schedule", "gpu", "logs", "timeoutMs", "onProgress", "signal"];
const MEMBER = ["model", "name", "weight", "threads", "gpuLayers", "contextSize", "templateVariables"];
const PROMPT = ["templateVariables", "now", "parseSpecial"];
const REQUEST = [
  ...["chat", "system", "maxTokens", "temperature", "topK", "topP", "minP", "repetitionPenalty", "repetitionWindow"],
  ...["seed", "stop", "signal", "trace", "logProbs", "reusePrompt", ...PROMPT],
];
const SCORE = ["signal", "reusePrompt", ...PROMPT];
const FIT = ["seed", "signal", "onProgress"];
/** What is asked of a model that is not there ends before any model is loaded. */
const NOWHERE = "/nowhere/model.gguf";
const KNOBS = ["lambda", "threshold", "budget", "preference"];

/** One call with the whole argument open, and one for each of its keys beside otherwise good ones. */
function withOptions(
  name: string,
  names: readonly string[],
  good: object,
  call: (options: Odd) => unknown,
): PublicCall[] {
  return [
    { name, names, call },
    ...names.map((key) => ({ name: `${name} ${key}`, call: (value: Odd) => call({ ...good, [key]: value }) })),
  ];
}

async function fitOne(router: library.Router, data: library.FitData, pairs: library.FitData): Promise<library.Router> {
  await router.fit(data).catch(() => router.fit(pairs));
  return router;
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

export interface Setting {
  calls: PublicCall[];
  /** What must be as it was whatever has been asked. */
  stillWell(): Promise<unknown>;
  dispose(): Promise<void>;
}

export async function publicCalls(): Promise<Setting> {
  const members = [scripted(1), scripted(2)];
  const ensemble = await library.createEnsemble({ members, schedule: "in-turn" });
  const topic = topicTable(24, 3);
  const { table } = topic;
  const { data, embedder } = await library.trainingData(table);
  const router = library.createRouter({ name: "knn", k: 3 });
  await router.fit(data);
  const query = await library.embedQuery(embedder, "rhyme number 3");
  const { data: pairs } = await library.trainingData(firstModels(topic, 2).table, { embedder });
  const saved = library.routerFile(router, embedder);
  const splits = await library.foldsOf(table, 2);
  const example = { prompt: "the cat", isRight: () => true, critical: ["the"], maxTokens: 4 };

  const opened = async (options: Odd) => {
    const made = await library.createEnsemble(options);
    try {
      return await made.generate("the cat", { maxTokens: 2 });
    } finally {
      await made.dispose();
    }
  };
  const loaded = async (options: Odd) => (await library.loadMembers(options)).dispose();

  const ensembles: PublicCall[] = [
    ...withOptions("createEnsemble", [...LOAD, "method", "request"], { members }, opened),
    ...withOptions("createEnsemble member", MEMBER, { model: NOWHERE }, (member) => opened({ members: [member] })),
    ...withOptions("createEnsemble request", REQUEST, {}, (request) => opened({ members, request })),
    ...withOptions("loadMembers", LOAD, { members }, loaded),
    ...library.methodInfos.flatMap(({ name, options }) =>
      withOptions(`method ${name}`, Object.keys(options), {}, (given) => {
        const method = typeof given === "object" && given !== null ? { ...given, name } : given;
        return opened({ members, method });
      }),
    ),
    ...library.routerInfos.map(({ name }) => ({
      name: `routed ${name}`,
      names: ["router", "embedder", ...KNOBS],
      call: (given: Odd) => opened({ members, method: typeof given === "object" ? { ...given, name } : given }),
    })),
    { name: "generate prompt", call: (prompt) => ensemble.generate(prompt, { maxTokens: 2 }) },
    ...withOptions("generate message", ["role", "content", "x"], { role: "user", content: "cat" }, (message) =>
      ensemble.generate([message], { maxTokens: 2 }),
    ),
    ...withOptions("generate", REQUEST, { maxTokens: 2 }, (options) => ensemble.generate("the cat", options)),
    ...withOptions("stream", REQUEST, { maxTokens: 2 }, (options) => drain(ensemble.stream("the cat", options))),
    { name: "score prompt", call: (prompt) => ensemble.score(prompt, "the") },
    { name: "score text", call: (text) => ensemble.score("cat", text) },
    ...withOptions("score", SCORE, {}, (options) => ensemble.score("cat", "the", options)),
    { name: "readEnsembleFile", call: (file) => library.readEnsembleFile(file) },
    { name: "checkModel", call: (file) => library.checkModel(file) },
    { name: "nativeModel", call: (name) => library.nativeModel(name) },
    ...withOptions(
      "listModels",
      ["only", "place", "signal"],
      { place: { env: {}, home: "/nowhere", platform: "linux" } },
      (options) => library.listModels(options),
    ),
  ];

  const routers: PublicCall[] = [
    { name: "createRouter", names: ["name", "k"], call: (options) => library.createRouter(options) },
    ...library.routerInfos.flatMap(({ name, options }) =>
      withOptions(`router ${name}`, Object.keys(options), {}, async (given) => {
        const made = library.createRouter(typeof given === "object" ? { ...given, name } : given);
        await made.fit(data, { signal: AbortSignal.timeout(1000) });
        return made.decide(query);
      }),
    ),
    ...library.routerInfos.flatMap(({ name, knobs }): PublicCall[] => {
      const unfitted = () => library.createRouter({ name } as library.RouterOptions);
      let fitting: Promise<library.Router> | undefined;
      // Some fit on two models alone.
      const fitted = () => (fitting ??= fitOne(unfitted(), data, pairs));
      return [
        {
          name: `router ${name} fit`,
          names: ["table", "embeddings"],
          call: (given) => unfitted().fit(given),
        },
        ...withOptions(`router ${name} fit options`, FIT, {}, (options) => unfitted().fit(data, options)),
        ...withOptions(`router ${name} score`, ["text", "embedding"], query, async (given) =>
          (await fitted()).score(given),
        ),
        ...withOptions(`router ${name} decide`, knobs, {}, async (knob) => (await fitted()).decide(query, knob)),
        ...withOptions(
          `router ${name} update`,
          ["query", "model", "quality", "cost", "a", "b", "outcome"],
          { query, model: "poet", quality: 1 },
          async (feedback) => (await fitted()).update?.(feedback),
        ),
      ];
    }),
    { name: "restoreRouter", names: Object.keys(saved), call: (given) => library.restoreRouter(given) },
    ...Object.keys(saved).map((key) => ({
      name: `restoreRouter ${key}`,
      call: (value: Odd) => library.restoreRouter({ ...saved, [key]: value }).decide(query),
    })),
    { name: "routerFile router", call: (given) => library.routerFile(given, embedder) },
    { name: "routerFile embedder", call: (given) => library.routerFile(router, given) },
    { name: "loadRouter", call: (file) => library.loadRouter(file) },
    { name: "readOutcomeTable", call: (source) => library.readOutcomeTable(source) },
    ...withOptions("OutcomeTable", Object.keys(table), table, (parts) => new library.OutcomeTable(parts)),
    { name: "table selectRows", call: (rows) => table.selectRows(rows) },
    { name: "table selectModels", call: (models) => table.selectModels(models) },
    { name: "table column", call: (model) => table.column(model) },
    { name: "table withPrices", call: (prices) => table.withPrices(prices) },
    { name: "trainingData", call: (given) => library.trainingData(given) },
    ...withOptions("trainingData options", ["embedder", "signal", "onProgress"], {}, (options) =>
      library.trainingData(table, options),
    ),
    { name: "embedQuery embedder", call: (given) => library.embedQuery(given, "x") },
    { name: "embedQuery text", call: (text) => library.embedQuery(embedder, text) },
    { name: "embed texts", call: (texts) => embedder.embed(texts) },
    { name: "TfIdfEmbedder.fit", call: (texts) => library.TfIdfEmbedder.fit(texts) },
    ...withOptions("TfIdfEmbedder.fit options", ["dimension", "features", "leastTexts", "seed"], {}, (options) =>
      library.TfIdfEmbedder.fit(table.queries, options),
    ),
    { name: "CachedEmbedder", call: (given) => new library.CachedEmbedder(given, "/nowhere") },
    { name: "CachedEmbedder folder", call: (folder) => new library.CachedEmbedder(embedder, folder) },
    { name: "LabelEmbedder.open", call: (examples) => library.LabelEmbedder.open(NOWHERE, examples) },
    { name: "labelExamples table", call: (given) => library.labelExamples(given, "poet") },
    { name: "labelExamples weak", call: (weak) => library.labelExamples(table, weak) },
    ...withOptions("labelExamples options", ["count", "seed"], {}, (options) =>
      library.labelExamples(table, "poet", options),
    ),
    ...withOptions("GgufEmbedder.open", ["prefix", "pooling", "contextSize", "threads", "gpu"], {}, (options) =>
      library.GgufEmbedder.open(NOWHERE, options),
    ),
    { name: "routesTo model", call: (model) => library.routesTo(model, [{ name: "a", description: "b", model: "c" }]) },
    ...withOptions("routesTo", ["name", "description", "model"], { name: "a", description: "b", model: "c" }, (route) =>
      library.routesTo(NOWHERE, [route]),
    ),
    { name: "splitOf train", call: (given) => library.splitOf(given, table) },
    { name: "splitOf test", call: (given) => library.splitOf(table, given) },
    { name: "foldsOf table", call: (given) => library.foldsOf(given, 2) },
    { name: "foldsOf folds", call: (folds) => library.foldsOf(table, folds) },
    ...withOptions("foldsOf options", ["embedder", "seed", "signal"], {}, (options) =>
      library.foldsOf(table, 2, options),
    ),
    { name: "evaluateRouters choices", call: (choices) => library.evaluateRouters(choices, splits, { threads: 0 }) },
    {
      name: "evaluateRouters choice",
      names: ["name", "options"],
      call: (choice) => library.evaluateRouters([choice], splits, { threads: 0 }),
    },
    {
      name: "evaluateRouters splits",
      names: Object.keys(splits),
      call: (given) => library.evaluateRouters([{ name: "knn" }], given, { threads: 0 }),
    },
    ...withOptions(
      "evaluateRouters options",
      ["seed", "resamples", "skipUnfit", "signal", "onProgress"],
      { threads: 0, resamples: 20 },
      (options) =>
        library.evaluateRouters(
          [{ name: "knn" }],
          splits,
          typeof options === "object" ? { resamples: 20, threads: 0, ...options } : options,
        ),
    ),
    { name: "selectPool table", call: (given) => library.selectPool(given, 2) },
    { name: "selectPool k", call: (k) => library.selectPool(table, k) },
  ];

  const makers: PublicCall[] = [
    { name: "trainCds aligned", call: (member) => library.trainCds(member, members[1], { examples: [example] }) },
    { name: "trainCds knowledge", call: (member) => library.trainCds(members[0], member, { examples: [example] }) },
    ...withOptions(
      "trainCds",
      ["examples", "seed", "signal", "onProgress", "ridge"],
      { examples: [example] },
      (options) => library.trainCds(members[0], members[1], options),
    ),
    { name: "trainCiter small", call: (member) => library.trainCiter(member, members[1], { examples: [example] }) },
    ...withOptions(
      "trainCiter",
      ["examples", "seed", "signal", "onProgress", "rounds", "epochs", "hidden", "learningRate"],
      { examples: [example] },
      (options) => library.trainCiter(members[0], members[1], options),
    ),
    ...withOptions("trainCds example", Object.keys(example), example, (one) =>
      library.trainCds(members[0], members[1], { examples: [one] }),
    ),
  ];

  return {
    calls: [...ensembles, ...routers, ...makers],
    stillWell: async () => ({
      text: (await ensemble.generate("the cat", { maxTokens: 6, seed: 1 })).text,
      decision: router.decide(query),
      table: JSON.stringify(table),
    }),
    dispose: () => ensemble.dispose(),
  };
}
