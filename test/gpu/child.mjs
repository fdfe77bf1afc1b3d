/** The built package in a process of its own, on one compute backend: `node child.mjs GPU TASK`; facts as JSON on stdout. */
import { createEnsemble, GgufEmbedder, listDevices, methodInfos } from "../../dist/index.js";

const [backend, task] = process.argv.slice(2);
const gpu = backend === "false" ? false : backend;
/** Short: for eight tokens and more at once Mesa's driver compiles a large shader, for half a minute or more. */
const prompt = "Once upon";
const SCORED = " a day he";

/** Reads the small model's last hidden state, as a trained router does. */
const router = { needs: { hidden: true }, score: ({ output }) => (output.hidden[0] > 0 ? 1 : 0) };

/** What a method needs beside two members of one vocabulary. */
const CASES = {
  single: { members: ["raven"] },
  citer: { options: { router } },
  proxy: { members: ["raven", "swift", "sparrow"] },
  fusion: { options: { alignment: "relative", rule: "product" } },
  unite: { members: ["robin", "wren"] },
  gac: { members: ["robin", "wren"] },
  abe: { members: ["robin", "wren"], options: { beams: 2 } },
};

const make = (names, more = {}) =>
  createEnsemble({
    members: names.map((model) => ({ model, contextSize: 256, threads: 1, ...more.member })),
    schedule: "in-turn",
    gpu,
    ...more.options,
  });
const textOf = async (ensemble, options) =>
  (await ensemble.generate(prompt, { maxTokens: 4, temperature: 0, ...options })).text;

const tasks = {
  /**
   * What every registered method finds of one text: the log-probabilities of its pieces. (Free answers part where two
   * tokens are as likely but for rounding.)
   */
  async methods() {
    const answers = {};
    for (const { name } of methodInfos) {
      const { members = ["raven", "sparrow"], options } = CASES[name] ?? {};
      const ensemble = await make(members, { options: { method: { name, ...options } } });
      const { text } = await ensemble.generate(prompt, { maxTokens: 2, temperature: name === "me" ? 0.7 : 0, seed: 1 });
      const { pieces } = await ensemble.score(prompt, SCORED).catch(({ message }) => ({ pieces: [message] }));
      answers[name] = { spoke: text !== "", logProbs: pieces.map(({ logProb }) => logProb) };
      await ensemble.dispose();
    }
    return answers;
  },

  async layers() {
    const texts = [];
    for (const gpuLayers of [0, 2, "max"]) {
      const ensemble = await make(["raven"], { member: { gpuLayers } });
      texts.push(await textOf(ensemble));
      await ensemble.dispose();
    }
    return texts;
  },

  /** By name, as the only one, kept off it, divided by itself, and one that is not there. */
  async devices() {
    const [{ name, kind }] = listDevices({ gpu });
    const texts = [];
    for (const member of [{ device: name }, { mainGpu: 0 }, { tensorSplit: [1] }, { device: "cpu" }, { cacheType: "q8_0" }]) {
      const ensemble = await make(["raven"], { member });
      texts.push(await textOf(ensemble));
      await ensemble.dispose();
    }
    const fitted = await make(["raven", "sparrow"], { options: { fit: true } });
    texts.push(await textOf(fitted));
    await fitted.dispose();
    const refused = [];
    for (const member of [{ device: "Vulkan9" }, { mainGpu: 3 }, { tensorSplit: [1, 1] }])
      refused.push(await make(["raven"], { member }).catch(({ code, message }) => `${code}: ${message}`));
    return { name, kind, texts, refused };
  },

  /** What may happen at once: loads, decodes, disposals, aborts. */
  async life() {
    const first = await make(["raven"]);
    const alone = await textOf(first);
    const long = first.generate(prompt, { maxTokens: 60, temperature: 0 });
    const stop = new AbortController();
    const [pair, embedder, other, stopped] = await Promise.all([
      make(["raven", "sparrow"], { options: { schedule: "parallel" } }),
      GgufEmbedder.open("raven", { gpu }),
      make(["raven"]),
      make(["wren", "robin"], { options: { signal: stop.signal, onProgress: () => stop.abort() } }).catch(
        ({ code }) => code,
      ),
    ]);
    await long;
    const texts = [await textOf(pair), await textOf(other)];
    const vectors = await embedder.embed([prompt]);
    embedder.dispose();

    const leaving = new AbortController();
    const request = pair.generate(prompt, { maxTokens: 60, signal: leaving.signal });
    setTimeout(() => leaving.abort(), 20);
    const { finishReason } = await request;

    const beside = other.generate(prompt, { maxTokens: 60 });
    await Promise.all([pair.dispose(), make(["sparrow"]).then((ensemble) => ensemble.dispose())]);
    await beside;
    for (let load = 0; load < 8; load++) {
      const ensemble = await make(["raven", "sparrow"]);
      if (load % 4 === 0) texts.push(await textOf(ensemble));
      await ensemble.dispose();
    }
    const last = await textOf(other);
    const left = other.generate(prompt, { maxTokens: 60 }).catch(({ code }) => code);
    await Promise.all([other.dispose(), first.dispose()]);
    const end = await left;
    return { alone, texts, last, finishReason, stopped, dimension: vectors.data.length, end: end.finishReason ?? end };
  },

  /** Which backend "auto" or the asked one ends up with. */
  async device() {
    const ensemble = await make(["raven"]);
    const text = await textOf(ensemble);
    await ensemble.dispose();
    return { text };
  },
};
try {
  process.stdout.write(`${JSON.stringify(await tasks[task]())}\n`);
} catch (error) {
  if (error.code === undefined) throw error;
  process.stdout.write(`${JSON.stringify({ code: error.code, message: error.message })}\n`);
}
