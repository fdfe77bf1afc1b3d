/**
 * `bench bytes`: what it costs a member to say bytes instead of tokens, by beam, and how well members predict text together.
 *
 * Both read the same stories (TinyStories, held-out), each from its beginning. Ordinary decoding asks the model once a token;
 * a beam asks it once for every token that any hypothesis finishes, those of one byte together.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { BytesAlignment } from "../src/during/alignments/bytes/alignment.js";
import type { BeamOptions } from "../src/during/alignments/bytes/member-bytes.js";
import type { MethodContext, Voice } from "../src/during/method.js";
import { AdaptiveRule, type Learned } from "../src/during/rules/adaptive.js";
import { LogLinearRule } from "../src/during/rules/log-linear.js";
import { MeanRule } from "../src/during/rules/mean.js";
import type { FusionRule } from "../src/during/rules/rule.js";
import { castOf, loadMembers, type Members } from "../src/ensemble/members.js";
import { chooseSets, missingAmong, projectPath } from "./choose-sets.js";
import { machineFacts } from "./machine.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";

const MODELS = ["babyllama-v361", "stories260k-v512", "tinytales-bpe2048"];
const FOLDER = projectPath("../shared/models");
const TEXTS = projectPath("../shared/text/tinystories-eval.txt");
const SEPARATOR = "<|endoftext|>";
/** Stories of the first table. */
const FEW = 5;
const CUT = 240;
const BEAMS = [1, 4, 16];
const USUAL: BeamOptions = { beam: 4, threshold: 5e-3, canonical: false, heal: 1 };
/** The cuts on which members are fused: so many stories, so many bytes of each. */
const FUSED: readonly { texts: number; bytes: number; name: string }[] = [
  { texts: 60, bytes: CUT, name: "60 stories, 240 bytes each" },
  { texts: 100, bytes: Number.POSITIVE_INFINITY, name: "100 whole stories" },
];

/** The set of the first table. */
const BEAMS_SET = "beams";

const SPEED_COLUMNS: Column[] = [
  { key: "member", title: "member" },
  { key: "how", title: "says" },
  { key: "bitsPerByte", title: "bits/byte", digits: 4 },
  { key: "callsPerByte", title: "model calls/byte", digits: 3 },
  { key: "tokensPerByte", title: "decoded/byte", digits: 3 },
  { key: "bytesPerSecond", title: "bytes/s", digits: 0 },
  { key: "ratio", title: "of decoding" },
  { key: "discarded", title: "discarded/byte", digits: 6 },
  { key: "healed", title: "healed", digits: 0 },
];

const TEXT_COLUMNS: Column[] = [
  { key: "texts", title: "texts" },
  { key: "who", title: "predicted by" },
  { key: "bitsPerByte", title: "bits/byte", digits: 4 },
  { key: "ofBest", title: "of the best member", digits: 4 },
];

/** `sets`: "beams", or the cuts on which members are fused by their names. Errors: those of `chooseSets`. */
export async function benchBytes({ limit, sets, onProgress }: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const files = MODELS.map((name) => path.join(FOLDER, `${name}.gguf`));
  const all = [{ name: BEAMS_SET }, ...FUSED];
  const missing = missingAmong(
    [...files, TEXTS],
    () => `Put the test models and texts into ${projectPath("../shared")}`,
  );
  const { sets: chosen, notes } = chooseSets("bytes", all, sets, () => missing);
  const stories = (await readFile(TEXTS, "utf8")).split(SEPARATOR).map((text) => Buffer.from(text.trim()));
  const speed: Record<string, Cell>[] = [];
  const fused: Record<string, Cell>[] = [];
  const members = await loadMembers({ members: files, schedule: "parallel", gpu: false });
  try {
    for (const name of chosen.some(({ name }) => name === BEAMS_SET) ? members.names : []) {
      onProgress?.(`${name}, by tokens and by beams`);
      speed.push(...(await speedRows(members.only(name), stories.slice(0, limit ?? FEW))));
    }
    for (const { texts, bytes, name } of FUSED.filter((set) => chosen.some((each) => each.name === set.name))) {
      onProgress?.(name);
      const read = stories.slice(0, Math.min(texts, limit ?? texts)).map((story) => story.subarray(0, bytes));
      fused.push(...(await fusedRows(members, `${name}${limit === undefined ? "" : `, first ${limit}`}`, read)));
    }
  } finally {
    await members.dispose();
  }
  return {
    name: "bytes",
    about: [
      "exact and pruned next-byte distributions against decoding of the same text by tokens, and the bits per byte of members and ensembles.",
      "Teacher forcing; a member's context (256 or 512 tokens) slides by halves.",
    ],
    machine: machineFacts(),
    settings: { models: MODELS, beam: USUAL, ...(limit === undefined ? {} : { limit }) },
    tables: [
      { title: `${limit ?? FEW} stories, ${CUT} bytes each`, columns: SPEED_COLUMNS, rows: speed },
      { title: "Bits per byte of the members and of ensembles by bytes", columns: TEXT_COLUMNS, rows: fused },
    ].filter(({ rows }) => rows.length > 0),
    notes,
  };
}

async function speedRows(only: Members, stories: readonly Buffer[]): Promise<Record<string, Cell>[]> {
  const [{ member }] = castOf(only).voices;
  const texts = stories.map((story) => story.subarray(0, CUT));
  const bytes = texts.reduce((sum, text) => sum + text.length, 0);
  const plain = await decodeByTokens(only, texts);
  const rows: Record<string, Cell>[] = [
    {
      member: member.name,
      how: "tokens",
      bitsPerByte: plain.bits / bytes,
      callsPerByte: plain.tokens / bytes,
      tokensPerByte: plain.tokens / bytes,
      bytesPerSecond: bytes / plain.seconds,
      ratio: 1,
      discarded: null,
      healed: null,
    },
  ];
  for (const canonical of [false, true])
    for (const beam of BEAMS) {
      const started = performance.now();
      let bits = 0;
      const sums = { calls: 0, tokens: 0, discarded: 0, healed: 0 };
      for (const text of texts) {
        const { alignment } = await readBytes(
          castOf(only).voices,
          { ...USUAL, beam, canonical },
          text,
          ([own], byte) => {
            bits -= Math.log2(own[byte]);
          },
        );
        const [counts] = alignment.counts;
        for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += counts[key];
      }
      const seconds = (performance.now() - started) / 1000;
      rows.push({
        member: member.name,
        how: `beam ${beam}${canonical ? ", canonical" : ""}`,
        bitsPerByte: bits / bytes,
        callsPerByte: sums.calls / bytes,
        tokensPerByte: sums.tokens / bytes,
        bytesPerSecond: bytes / seconds,
        ratio: plain.seconds / seconds,
        discarded: sums.discarded / bytes,
        healed: sums.healed,
      });
    }
  return rows;
}

/** The member's own tokens of each text, one decode each. */
async function decodeByTokens(only: Members, texts: readonly Buffer[]) {
  const [{ member }] = castOf(only).voices;
  const ids: number[][] = [];
  for (const text of texts) ids.push(Array.from(await member.tokenize(text, { addBos: true })));
  await member.prepare({ top: 0 });
  const started = performance.now();
  let bits = 0;
  let tokens = 0;
  for (const [first, ...others] of ids) {
    await member.begin({ text: new Uint8Array(), parseSpecial: false, addBos: false, tokens: [first] });
    for (const id of others) {
      bits -= (member.output.logits[id] - member.output.logNormaliser) / Math.LN2;
      member.append({ kind: "tokens", ids: [id] });
      await member.advance();
      tokens++;
    }
  }
  return { bits, tokens, seconds: (performance.now() - started) / 1000 };
}

async function fusedRows(members: Members, name: string, texts: readonly Buffer[]): Promise<Record<string, Cell>[]> {
  const { voices } = castOf(members);
  const asked = voices.map((_, index) => index);
  const weights = voices.map(({ weight }) => weight);
  const bits = new Map<string, number>();
  const add = (who: string, probability: number) => bits.set(who, (bits.get(who) ?? 0) - Math.log2(probability));
  const learned: Learned = { offsets: [], steps: 0 };
  let bytes = 0;
  for (const text of texts) {
    bytes += text.length;
    const adaptive = new AdaptiveRule(voices.length, { rate: 0.05, share: 0.01 }, learned);
    const rules: [string, FusionRule][] = [
      ["mixture", new MeanRule()],
      ["product", new LogLinearRule()],
      ["adaptive", adaptive],
    ];
    await readBytes(voices, USUAL, text, (_, byte, step) => {
      for (const [index, own] of step.distributions.entries()) add(voices[index].member.name, own[byte]);
      for (const [rule, each] of rules) add(rule, each.fuse(step, weights, asked).probabilities[byte]);
      adaptive.observe(byte);
    });
  }
  const perByte = [...bits].map(([who, sum]) => ({ who, bitsPerByte: sum / bytes }));
  const best = Math.min(...perByte.slice(0, voices.length).map(({ bitsPerByte }) => bitsPerByte));
  return perByte.map((row) => ({ texts: name, ...row, ofBest: row.bitsPerByte / best }));
}

type Step = Awaited<ReturnType<BytesAlignment["align"]>>;

/** Lead members through a text, byte by byte. */
async function readBytes(
  voices: readonly Voice[],
  options: BeamOptions,
  text: Uint8Array,
  each: (distributions: readonly Float64Array[], byte: number, step: Step) => void,
) {
  const advance: MethodContext["advance"] = async (advancing) => {
    await Promise.all(advancing.map(({ member }) => member.advance()));
  };
  const alignment = new BytesAlignment({ voices, greedy: false, traceTop: 0, advance }, options);
  await alignment.prepare();
  const beginning = { text: new Uint8Array(), parseSpecial: false, addBos: true };
  await Promise.all(voices.map(({ member }) => member.begin(beginning)));
  const asked = voices.map((_, index) => index);
  for (const byte of text) {
    const step = await alignment.align(asked);
    each(step.distributions, byte, step);
    alignment.accept(byte);
  }
  return { alignment };
}
