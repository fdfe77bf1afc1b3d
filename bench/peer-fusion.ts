/**
 * The same fusion written with node-llama-cpp's public API, as a careful user of that library would: members in
 * parallel, all probabilities by `controlledEvaluate` (this release has no way to fetch only the best), strings of tokens
 * cached, the sequence's state kept where the re-tokenised text begins like before. Strings instead of bytes, since the
 * API has no bytes.
 */
import type { LlamaContextSequence, LlamaModel, Token } from "node-llama-cpp";

export type PeerMethod = "unite k=10" | "gac";

export interface PeerStart {
  models: readonly string[];
  contextSize: number;
  /** undefined: the library's own default. */
  threads?: number;
}

export interface PeerJob {
  method: PeerMethod;
  prompt: string;
  steps: number;
  /** Stop after the step that passes this. */
  maxMs: number;
}

export interface PeerRun {
  ms: number;
  steps: number;
  text: string;
}

const TOP = 10;
/** Neither sharpened nor cut: the probabilities that the model gives. */
const AS_IT_IS = { temperature: 1, topK: 0, topP: 1, minP: 0 };
/** The string that stands for every token that ends a generation. */
const END = "\u0000end";

export class PeerFusion {
  private constructor(private readonly members: readonly PeerMember[]) {}

  static async load({ models, contextSize, threads }: PeerStart): Promise<PeerFusion> {
    const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");
    const llama = await getLlama({
      gpu: false,
      build: "never",
      logLevel: LlamaLogLevel.disabled,
      // Without a shared limit, every context has exactly the threads that it is given.
      ...(threads === undefined ? {} : { maxThreads: 0 }),
    });
    const members = await Promise.all(
      models.map(async (modelPath) => {
        const model = await llama.loadModel({ modelPath });
        const context = await model.createContext({ contextSize, ...(threads === undefined ? {} : { threads }) });
        return new PeerMember(model, context.getSequence());
      }),
    );
    return new PeerFusion(members);
  }

  /** Generate greedily; the clock runs from the first distribution to the last choice, as it does for ours. */
  async run({ method, prompt, steps: maxSteps, maxMs }: PeerJob): Promise<PeerRun> {
    const { members } = this;
    let text = "";
    let steps = 0;
    await Promise.all(members.map((member) => member.begin(prompt)));
    let distributions = await Promise.all(members.map((member) => member.evaluate()));
    const started = performance.now();
    while (true) {
      const chosen = method === "gac" ? this.#fuseAll(distributions) : this.#fuseTop(distributions);
      steps++;
      if (chosen === END) break;
      text += chosen;
      if (steps === maxSteps || performance.now() - started > maxMs) break;
      if (method === "gac") for (const member of members) member.appendPiece(chosen);
      else await Promise.all(members.map((member) => member.retokenize(text)));
      distributions = await Promise.all(members.map((member) => member.evaluate()));
    }
    return { ms: performance.now() - started, steps, text };
  }

  /** Build the union dictionary before the clock runs. */
  prepareUnion(): void {
    this.#union ??= new PeerUnion(this.members);
  }

  #union: PeerUnion | undefined;

  #fuseAll(distributions: readonly Map<Token, number>[]): string {
    this.prepareUnion();
    const { maps, strings } = this.#union!;
    const fused = new Float64Array(strings.length);
    for (const [index, distribution] of distributions.entries()) {
      const map = maps[index];
      for (const [token, probability] of distribution) if (map[token] >= 0) fused[map[token]] += probability;
    }
    let best = 0;
    for (let entry = 1; entry < fused.length; entry++) if (fused[entry] > fused[best]) best = entry;
    return strings[best];
  }

  /** The mean of the members' probabilities over the union of their best strings, each member's rescaled to 1. */
  #fuseTop(distributions: readonly Map<Token, number>[]): string {
    const own = distributions.map((distribution, index) => this.members[index].best(distribution));
    const union = new Set(own.flatMap((strings) => [...strings.keys()]));
    const fused = new Map<string, number>();
    for (const [index, known] of own.entries()) {
      const member = this.members[index];
      const lowest = Math.min(...known.values());
      const probabilities = [...union].map(
        (string) => known.get(string) ?? member.probabilityOf(string, distributions[index], lowest),
      );
      const sum = probabilities.reduce((total, value) => total + value, 0);
      let place = 0;
      for (const string of union) fused.set(string, (fused.get(string) ?? 0) + probabilities[place++] / sum);
    }
    let best = END;
    let largest = -1;
    for (const [string, probability] of fused) {
      if (probability <= largest) continue;
      largest = probability;
      best = string;
    }
    return best;
  }
}

/** One model with its sequence, and what is still to be evaluated. */
class PeerMember {
  readonly #strings = new Map<Token, string>();
  readonly #pieces = new Map<string, Token[]>();
  #prompt = "";
  #pending: Token[] = [];

  constructor(
    readonly model: LlamaModel,
    private readonly sequence: LlamaContextSequence,
  ) {}

  async begin(prompt: string): Promise<void> {
    await this.sequence.clearHistory();
    this.#prompt = prompt;
    this.#pending = this.#tokenize(prompt);
  }

  /** Evaluate what is pending; all probabilities of the next token, best first. */
  async evaluate(): Promise<Map<Token, number>> {
    const last = this.#pending.length - 1;
    const output = await this.sequence.controlledEvaluate([
      ...this.#pending.slice(0, last),
      [this.#pending[last], { generateNext: { probabilities: true, options: AS_IT_IS } }],
    ]);
    this.#pending = [];
    return output[last]?.next.probabilities ?? new Map();
  }

  /** Tokenise prompt and answer anew, and keep of the sequence what begins alike. */
  async retokenize(text: string): Promise<void> {
    const tokens = this.#tokenize(this.#prompt + text);
    const held = this.sequence.contextTokens;
    let same = 0;
    while (same < held.length && same < tokens.length - 1 && held[same] === tokens[same]) same++;
    if (same < held.length) await this.sequence.eraseContextTokenRanges([{ start: same, end: held.length }]);
    this.#pending = tokens.slice(same);
  }

  appendPiece(string: string): void {
    let tokens = this.#pieces.get(string);
    if (tokens === undefined) {
      tokens = this.model.tokenize(string, false, "trimLeadingSpace");
      this.#pieces.set(string, tokens);
    }
    this.#pending = tokens;
  }

  /** The strings of the best tokens with their probabilities, best first (the Map is sorted). */
  best(distribution: Map<Token, number>): Map<string, number> {
    const strings = new Map<string, number>();
    let count = 0;
    for (const [token, probability] of distribution) {
      if (count++ === TOP) break;
      const string = this.stringOf(token);
      if (string !== "" && !strings.has(string)) strings.set(string, probability);
    }
    return strings;
  }

  probabilityOf(string: string, distribution: Map<Token, number>, lowest: number): number {
    if (string === END) return lowest;
    let tokens = this.#pieces.get(string);
    if (tokens === undefined) {
      tokens = this.model.tokenize(string, false, "trimLeadingSpace");
      this.#pieces.set(string, tokens);
    }
    return distribution.get(tokens[0]) ?? lowest;
  }

  stringOf(token: Token): string {
    let string = this.#strings.get(token);
    if (string === undefined) {
      const { model } = this;
      // Behind another token, so that a leading space stays.
      const before = this.#tokenize("a");
      string = model.isEogToken(token)
        ? END
        : model.isSpecialToken(token)
          ? ""
          : model.detokenize([token], false, before);
      this.#strings.set(token, string);
    }
    return string;
  }

  #tokenize(text: string): Token[] {
    const { model } = this;
    const tokens = model.tokenize(text);
    const { bos } = model.tokens;
    return model.tokens.shouldPrependBosToken && bos !== null ? [bos, ...tokens] : tokens;
  }
}

class PeerUnion {
  readonly strings: string[] = [END];
  readonly maps: Int32Array[];

  constructor(members: readonly PeerMember[]) {
    const entries = new Map([[END, 0]]);
    this.maps = members.map((member) => {
      const tokens = [...member.model.iterateAllTokens()];
      const map = new Int32Array(tokens.reduce((most, token) => Math.max(most, token), 0) + 1).fill(-1);
      for (const token of tokens) {
        const string = member.stringOf(token);
        if (string === "") continue;
        let entry = entries.get(string);
        if (entry === undefined) {
          entry = this.strings.push(string) - 1;
          entries.set(string, entry);
        }
        map[token] = entry;
      }
      return map;
    });
  }
}
