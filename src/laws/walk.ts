/** A bare decoding loop for the laws: no sampler, no stop rules, everything recorded. */
import type { FusedDistribution, MethodRun, Voice } from "../during/method.js";
import { type MethodGiven, methodNamed } from "../during/methods.js";
import type { Member } from "../member/member.js";
import { byteKey } from "../vocabulary/vocabulary.js";

export interface Walk {
  steps: WalkStep[];
  /** All chosen bytes. */
  text: Buffer;
  /** Whether it is shorter than asked: nothing but the end could be said, or all tokens were used. */
  ended: boolean;
}

export interface WalkStep {
  probabilities: Float64Array;
  best: number;
  /** Its byte string, or END. */
  bestString: string;
  endEntry: number;
  /** Probability of each byte string, if it has any; the end of generation is END. */
  byString: Map<string, number>;
  /** The entry that was accepted, and its bytes. */
  entry: number;
  bytes: Buffer;
}

export interface WalkOptions {
  method: MethodGiven;
  members: readonly Member[];
  weights?: readonly number[];
  greedy?: boolean;
  steps?: number;
  /** Tokens of the text at most, as a request's maxTokens. Default: no limit. */
  maxTokens?: number;
  prompt?: string;
  parseSpecial?: boolean;
  /** Chooses an entry; default: the best one. The end is never accepted: the best other entry is in its place. */
  choose?: (distribution: FusedDistribution, step: number) => number;
  /** Called at every step with the members' outputs valid. */
  inspect?: (distribution: FusedDistribution, step: number, voices: readonly Voice[]) => void | Promise<void>;
  traceTop?: number;
}

export const END = "<end>";
export const PROMPT = "Hello, the";

export async function walk(options: WalkOptions): Promise<Walk> {
  const { steps = 12, maxTokens = Number.POSITIVE_INFINITY, choose = (distribution) => distribution.best } = options;
  const { run, voices } = await beginRun(options);
  const recorded: WalkStep[] = [];
  let ended = false;
  let used = 0;
  for (let step = 0; step < steps && !ended; step++) {
    const distribution = await run.step();
    await options.inspect?.(distribution, step, voices);
    let entry = choose(distribution, step);
    if (entry === distribution.endEntry) entry = bestText(distribution);
    ended = entry < 0 && distribution.best === distribution.endEntry;
    if (entry < 0) break;
    const bytes = Buffer.from(distribution.bytesOf(entry));
    recorded.push({ ...copyOf(distribution), entry, bytes });
    await run.accept(entry);
    used += distribution.tokens ?? 1;
    ended = used >= maxTokens;
  }
  return { steps: recorded, text: Buffer.concat(recorded.map(({ bytes }) => bytes)), ended };
}

/** A run whose members have begun, before its first step. */
export async function beginRun(options: WalkOptions): Promise<{ run: MethodRun; voices: Voice[] }> {
  const { members, greedy = true, prompt = PROMPT, parseSpecial = false, traceTop = 0, maxTokens } = options;
  const voices = members.map((member, index) => ({ member, weight: options.weights?.[index] ?? 1 / members.length }));
  const advance = async (advancing: readonly Voice[]) => {
    await Promise.all(advancing.map(({ member }) => member.advance()));
  };
  const lookAhead = async <T>(looking: readonly Voice[], look: (member: Member) => Promise<T>) =>
    Promise.all(looking.map(({ member }) => look(member)));
  const draw = ({ best }: FusedDistribution) => best;
  const run = methodNamed(options.method).create({
    voices,
    greedy,
    traceTop,
    maxSteps: maxTokens,
    advance,
    lookAhead,
    draw,
  });
  await run.prepare();
  for (const { member } of voices) await member.begin({ text: Buffer.from(prompt), parseSpecial, addBos: true });
  return { run, voices };
}

/** The probability of each byte string. Entries that share their bytes add up. */
export function byStringOf({ size, probabilities, endEntry, bytesOf }: FusedDistribution): Map<string, number> {
  const sums = new Map<string, number>();
  for (let entry = 0; entry < size; entry++) {
    if (probabilities[entry] === 0) continue;
    const string = entry === endEntry ? END : byteKey(bytesOf(entry));
    sums.set(string, (sums.get(string) ?? 0) + probabilities[entry]);
  }
  return sums;
}

/** The most probable entry that is not the end, so that a walk goes on; -1 if there is none. */
function bestText({ size, probabilities, endEntry, bytesOf }: FusedDistribution): number {
  let best = -1;
  for (let entry = 0; entry < size; entry++) {
    if (entry === endEntry || probabilities[entry] === 0 || bytesOf(entry).length === 0) continue;
    if (best < 0 || probabilities[entry] > probabilities[best]) best = entry;
  }
  return best;
}

function copyOf(distribution: FusedDistribution): Omit<WalkStep, "entry" | "bytes"> {
  const { size, probabilities, best, endEntry } = distribution;
  const bestString = best === endEntry ? END : byteKey(distribution.bytesOf(best));
  return {
    probabilities: probabilities.slice(0, size),
    best,
    bestString,
    endEntry,
    byString: byStringOf(distribution),
  };
}

/** A chooser that draws by probability. */
export function drawing(random: () => number): (distribution: FusedDistribution) => number {
  return ({ size, probabilities, bytesOf, endEntry }) => {
    let left = random();
    for (let entry = 0; entry < size; entry++) {
      left -= probabilities[entry];
      if (left < 0) return entry === endEntry || bytesOf(entry).length > 0 ? entry : endEntry;
    }
    return size - 1;
  };
}
