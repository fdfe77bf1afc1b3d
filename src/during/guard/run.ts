/** One request under a guard: a method runs, what it says is evidence for its members, and one may go on alone. */
import type { Member } from "../../member/member.js";
import { settleAll } from "../../settle-all.js";
import type { AllowedTokens, FusedDistribution, MethodContext, MethodReport, MethodRun, Voice } from "../method.js";
import { SingleRun } from "../token/single.js";
import type { Evidence } from "./evidence.js";

export class GuardRun implements MethodRun {
  #inner: MethodRun;
  /** The member that goes on alone. */
  #solo: Voice | undefined;
  #soloFrom = -1;
  #said: FusedDistribution | undefined;
  #steps = 0;

  constructor(
    private readonly context: MethodContext,
    private readonly evidence: Evidence,
    create: (context: MethodContext) => MethodRun,
  ) {
    const voices = context.voices.map((voice, index) => ({
      ...voice,
      /** Methods that read weights at each step follow the evidence. */
      get weight() {
        return evidence.weights[index];
      },
    }));
    this.#inner = create({ ...context, voices });
  }

  prepare(): Promise<void> {
    return this.#inner.prepare();
  }

  async step(): Promise<FusedDistribution> {
    const { voices } = this.context;
    const best = this.#solo === undefined ? this.evidence.solo : undefined;
    if (best !== undefined && this.#steps > 0) await this.#goAlone(voices[best]);
    this.#steps++;
    this.#said = await this.#inner.step();
    return this.#said;
  }

  /** See MethodRun.among. */
  async among(allowed: (voice: number) => AllowedTokens): Promise<FusedDistribution | undefined> {
    const solo = this.#solo?.member;
    const index = this.context.voices.findIndex(({ member }) => member === solo);
    const found = await this.#inner.among?.(solo === undefined ? allowed : () => allowed(index));
    if (found !== undefined) this.#said = found;
    return found;
  }

  async accept(entry: number): Promise<void> {
    const { endEntry } = this.#said!;
    const ends = entry === endEntry;
    const bytes = Uint8Array.from(this.#said!.bytesOf(entry));
    if (this.#solo === undefined && !ends) await this.#learn(bytes);
    await this.#inner.accept(entry);
    if (this.#solo === undefined) return;
    for (const { member } of this.context.voices) {
      if (member === this.#solo.member) continue;
      if (ends) member.append({ kind: "tokens", ids: member.vocabulary.endTokens.slice(0, 1) });
      else member.append({ kind: "text", bytes });
    }
  }

  report(): MethodReport {
    const { voices } = this.context;
    const weights = voices.map(({ member }, index) => [member.name, this.evidence.weights[index]] as const);
    return { ...this.#inner.report?.(), guard: { ...Object.fromEntries(weights), soloFrom: this.#soloFrom } };
  }

  async #learn(bytes: Uint8Array): Promise<void> {
    const { voices, lookAhead } = this.context;
    const assess = (member: Member, signal?: AbortSignal) => member.assess([{ bytes }], signal);
    const read = await (lookAhead?.(voices, assess) ?? settleAll(voices.map(({ member }) => assess(member))));
    this.evidence.observe(
      read.map(({ scores: [score] }) =>
        score === undefined ? Number.NEGATIVE_INFINITY : score.logProbs.reduce((sum, logProb) => sum + logProb, 0),
      ),
    );
  }

  async #goAlone(voice: Voice): Promise<void> {
    this.#solo = { ...voice, weight: 1 };
    this.#soloFrom = this.#steps;
    this.#inner = new SingleRun({ ...this.context, voices: [this.#solo] });
    await this.#inner.prepare();
    await this.context.advance([this.#solo]);
  }
}
