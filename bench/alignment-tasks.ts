/** What `bench alignments` runs in processes of its own: building on real vocabularies, steps, and sparse beside dense. */

import { RelativeProjection, relativeSpaceOf } from "../src/during/alignments/relative/alignment.js";
import { exactRelativeRows } from "../src/during/alignments/relative/build.js";
import { InverseSearch } from "../src/during/alignments/relative/inverse-search.js";
import { MainVocabulary } from "../src/during/alignments/relative/main-vocabulary.js";
import { RowOperator } from "../src/during/alignments/relative/row-operator.js";
import { methodNamed } from "../src/during/methods.js";
import { MeanRule } from "../src/during/rules/mean.js";
import { SharedMemory } from "../src/kernels/shared-memory.js";
import { drawNormal } from "../src/learning/draws.js";
import { loadLlama } from "../src/llama/library.js";
import { LlamaModel } from "../src/llama/model.js";
import { type EmbeddingSource, readAllRows } from "../src/member/embeddings.js";
import { LlamaMember } from "../src/member/llama/llama-member.js";
import type { Member, MemberOutput } from "../src/member/member.js";
import { RandomGenerator } from "../src/random.js";
import { byteKey, TokenClass, type Vocabulary } from "../src/vocabulary/vocabulary.js";
import { ownMs } from "./machine.js";
import { type Spread, spreadOf } from "./statistics.js";

export interface AlignmentJob {
  method: "deepen" | "eva";
  /** GGUF files with vocabularies; the first is the main member. */
  vocabularies: readonly string[];
  /** Width of each one's random embeddings. */
  widths: readonly number[];
  /** For deepen; default: all common tokens. */
  anchors?: number;
  threads?: number;
  steps: number;
}

export interface AlignmentResult {
  tokens: number[];
  /** Wall and processor time of building. */
  seconds: number;
  processorSeconds: number;
  /** Largest resident memory of the process, the embeddings included. */
  memoryGiB: number;
  /** Of the embeddings alone. */
  embeddingsGiB: number;
  msPerStep: Spread;
  /** Mean processor time of a step: what a step takes on a core of its own, also where others keep it waiting. */
  processorMsPerStep: number;
}

/** Build for these vocabularies with random embeddings, then time whole steps of the method without decoding. */
export async function measureAlignment(job: AlignmentJob): Promise<AlignmentResult> {
  const { method: name, anchors, threads, steps } = job;
  const llama = loadLlama({ gpu: false });
  const random = new RandomGenerator(1);
  const members = job.vocabularies.map((file, index) => {
    const model = LlamaModel.load(llama, file, { vocabularyOnly: true });
    return new LogitsMember(
      `${index}`,
      model.tokenizer.vocabulary,
      randomEmbeddings(model.tokenizer.vocabulary.size, job.widths[index], random),
    );
  });
  const voices = members.map((member) => ({ member: member as unknown as Member, weight: 1 / members.length }));
  const method = methodNamed(name === "deepen" ? { name, anchors } : { name });
  const started = performance.now();
  const before = ownMs();
  await method.build(voices, { threads });
  const seconds = (performance.now() - started) / 1000;
  const processorSeconds = (ownMs() - before) / 1000;

  const run = method.create({ voices, greedy: true, traceTop: 0, advance: async () => {} });
  await run.prepare();
  const times: number[] = [];
  const logits = new TypicalLogits(members, random);
  let stepMs = 0;
  for (let step = -WARM_STEPS; step < steps; step++) {
    logits.next();
    const start = performance.now();
    const startMs = ownMs();
    await run.step();
    if (step < 0) continue;
    times.push(performance.now() - start);
    stepMs += ownMs() - startMs;
  }
  return {
    tokens: members.map(({ vocabulary }) => vocabulary.size),
    seconds,
    processorSeconds,
    memoryGiB: process.resourceUsage().maxRSS / 2 ** 20,
    embeddingsGiB:
      members.reduce((sum, { vocabulary }, index) => sum + 4 * vocabulary.size * job.widths[index], 0) / 2 ** 30,
    msPerStep: spreadOf(times),
    processorMsPerStep: stepMs / steps,
  };
}

const WARM_STEPS = 5;
/** As many as a method asks for at most. */
const TOP = 320;

/** A member of which only the logits are there. */
class LogitsMember {
  readonly facts = { eosText: "" };
  readonly atFragmentStart = false;
  readonly hasOutput = true;
  readonly output: Pick<MemberOutput, "logits" | "topIds" | "topLogits" | "topCount">;

  constructor(
    readonly name: string,
    readonly vocabulary: Vocabulary,
    private readonly source: EmbeddingSource,
  ) {
    this.output = {
      logits: new Float32Array(vocabulary.size),
      topIds: new Int32Array(TOP),
      topLogits: new Float32Array(TOP),
      topCount: TOP,
    };
  }

  embeddings(): EmbeddingSource {
    return this.source;
  }

  async prepare(): Promise<void> {}

  /** Fill in what a member prepares from its logits. */
  select(): void {
    const { logits, topIds, topLogits } = this.output;
    const best = Array.from(logits.keys())
      .filter((id) => this.vocabulary.classOf(id) === TokenClass.text)
      .sort((a, b) => logits[b] - logits[a])
      .slice(0, TOP);
    topIds.set(best);
    topLogits.set(best.map((id) => logits[id]));
  }
}

/** Logits of a shape that models give: normal with deviation 2.5, and a few peaks, most of them the same strings for all. */
class TypicalLogits {
  readonly #common: number[][];

  constructor(
    private readonly members: readonly LogitsMember[],
    private readonly random: RandomGenerator,
  ) {
    const [first, ...others] = members.map(({ vocabulary }) => vocabulary);
    this.#common = [];
    for (let id = 0; id < first.size; id++) {
      if (first.classOf(id) !== TokenClass.text) continue;
      const ids = [id, ...others.map((vocabulary) => vocabulary.idOf(byteKey(first.bytesOf(id))))];
      if (!ids.includes(-1)) this.#common.push(ids);
    }
  }

  next(): void {
    const { random, members } = this;
    const peaks = Array.from({ length: 5 }, () => this.#common[Math.floor(random.next() * this.#common.length)]);
    for (const [index, member] of members.entries()) {
      const { logits } = member.output;
      for (let id = 0; id < logits.length; id++) logits[id] = 2.5 * drawNormal(random);
      for (const ids of peaks) logits[ids[index]] = 14 + 2 * drawNormal(random);
      logits[Math.floor(random.next() * logits.length)] = 14;
      member.select();
    }
  }
}

export interface AgreementJob {
  /** GGUF models whose logits are used; the first is the main member. */
  models: readonly string[];
  /** Width of the random embeddings that stand in for the models' own. */
  width: number;
  prompts: readonly string[];
  /** For each prompt. */
  steps: number;
}

export interface AgreementResult {
  anchors: number;
  steps: number;
  /** Steps at which the sparse and the dense form have the same best entry. */
  same: number;
  /** The largest difference of a probability between the two. */
  worst: number;
  sparseMs: Spread;
  denseMs: Spread;
  /** Means of processor time. */
  sparseProcessorMs: number;
  denseProcessorMs: number;
}

/** Real models' logits under random embeddings: deepen's step on sparse rows beside the same on all of R in float64. */
export async function measureAgreement({ models, width, prompts, steps }: AgreementJob): Promise<AgreementResult> {
  const llama = loadLlama({ gpu: false });
  const random = new RandomGenerator(2);
  const shared = new SharedMemory();
  const members: LlamaMember[] = [];
  for (const model of models) members.push(await LlamaMember.load({ model, contextSize: 512 }, shared));
  const sources = members.map(({ vocabulary }) => randomEmbeddings(vocabulary.size, width, random));
  for (const [index, member] of members.entries()) member.embeddings = () => sources[index];
  const [main] = members;
  const space = await relativeSpaceOf(members, { seed: 0, published: false });
  const operators = sources.map(
    (source, index) =>
      new RowOperator(exactRelativeRows(readAllRows(source, llama.files), space.anchors[index], space.makes[index])),
  );
  const dense = { ...space, operators };
  const options = { learningRate: 0.15, steps: 5, weightDecay: 0.01 };
  const forms = [space, dense].map((one) => ({
    projection: new RelativeProjection(members, one),
    search: new InverseSearch(one.operators[0], options),
    processorMs: 0,
    rule: new MeanRule(),
    vocabulary: new MainVocabulary(main, false),
    times: [] as number[],
  }));
  const asked = members.map((_, index) => index);
  const weights = members.map(() => 1 / members.length);
  let same = 0;
  let count = 0;
  let worst = 0;
  for (const member of members) await member.prepare({ top: 1 });
  for (const prompt of prompts) {
    for (const member of members) await member.begin({ text: Buffer.from(prompt), parseSpecial: false, addBos: true });
    for (let step = 0; step < steps; step++) {
      const [sparseStep, denseStep] = forms.map((form) => {
        const { projection, search, rule, vocabulary, times } = form;
        const started = performance.now();
        const startedMs = ownMs();
        const target = rule.fuse(projection.align(asked), weights).probabilities;
        const { logits } = main.output;
        for (let v = 0; v < logits.length; v++) {
          search.logits[v] = space.speaks[0][v] === 1 ? logits[v] : Number.NEGATIVE_INFINITY;
        }
        search.search(target);
        const distribution = vocabulary.distribution(search.probabilities);
        times.push(performance.now() - started);
        form.processorMs += ownMs() - startedMs;
        return distribution;
      });
      count++;
      if (sparseStep.best === denseStep.best) same++;
      for (let entry = 0; entry < denseStep.size; entry++) {
        worst = Math.max(worst, Math.abs(sparseStep.probabilities[entry] - denseStep.probabilities[entry]));
      }
      if (denseStep.best === denseStep.endEntry) break;
      const bytes = denseStep.bytesOf(denseStep.best);
      for (const member of members) member.append({ kind: "text", bytes });
      for (const member of members) await member.advance();
    }
  }
  for (const member of members) await member.dispose();
  return {
    anchors: space.anchors[0].length,
    steps: count,
    same,
    worst,
    sparseMs: spreadOf(forms[0].times),
    denseMs: spreadOf(forms[1].times),
    sparseProcessorMs: forms[0].processorMs / count,
    denseProcessorMs: forms[1].processorMs / count,
  };
}

/**
 * Numbers in no order, close to normal (four bytes of a draw added up), as the worst case: without the likeness that a
 * model's own embeddings have, rows of tokens that are no anchor are nearly flat.
 */
function randomEmbeddings(rows: number, width: number, random: RandomGenerator): EmbeddingSource {
  const values = new Float32Array(new SharedArrayBuffer(4 * rows * width));
  for (let at = 0; at < values.length; at++) {
    const draw = random.nextUint32();
    values[at] = (draw & 255) + ((draw >>> 8) & 255) + ((draw >>> 16) & 255) + (draw >>> 24) - 510;
  }
  return { kind: "memory", rows, width, values };
}
