/**
 * Watches an ensemble's members through their public interface while it generates: how long every step took, and how
 * much of it llama.cpp did. The members' methods are wrapped for the length of one run.
 */
import type { Ensemble } from "../src/ensemble/ensemble.js";
import type { Member } from "../src/member/member.js";

/** One step in milliseconds, from the moment its members advance to the moment the next step's do. */
export interface StepRecord {
  wall: number;
  /** Inside llama.cpp: the slowest member in parallel, the sum in turn. */
  decode: number;
  /** The members' preparations that the step waited for. */
  prepare: number;
  /** Handing over: members advancing, less decode and prepare. */
  sync: number;
  /** Everything else: fusing, lookups, sampling, feedback, text. */
  fuse: number;
  /** Tokens that all members decoded. */
  tokens: number;
}

export interface RunRecord {
  text: string;
  /** From the first distribution to the end of the answer. */
  ms: number;
  steps: StepRecord[];
}

export interface GenerateSettings {
  prompt: string;
  steps: number;
  /** Whether the whole fused distribution is wanted, as by a sampler, and not only its largest entry. */
  whole?: boolean;
  /** Called after every advance of a member, before it continues. */
  onAdvanced?: (member: number) => Promise<void>;
}

interface Advance {
  started: number;
  ended: number;
  decode: number;
  prepare: number;
  tokens: number;
}

/** Generate greedily and record every step. */
export async function recordRun(ensemble: Ensemble, settings: GenerateSettings): Promise<RunRecord> {
  const { members } = ensemble;
  const groups: Advance[][] = [];
  let begun = 0;
  const restore = members.map((member, index) =>
    wrap(member, {
      onBegun: () => {
        begun = performance.now();
      },
      onAdvance: (advance) => {
        if (index === 0) groups.push([]);
        groups.at(-1)?.push(advance);
      },
      onAdvanced: () => settings.onAdvanced?.(index),
    }),
  );
  try {
    const { text } = await ensemble.generate(settings.prompt, {
      maxTokens: settings.steps,
      temperature: 0,
      // A penalty on what was said looks at every entry, and so small a one changes next to none.
      ...(settings.whole ? { repetitionPenalty: 1 + 1e-9 } : {}),
    });
    const ended = performance.now();
    const inTurn = ensemble.plan.schedule === "in-turn";
    const steps = groups.map((group, index) => {
      const next = groups[index + 1];
      return describe(group, next === undefined ? ended : firstStart(next), inTurn);
    });
    // The last step has no successor that ends it.
    return { text, ms: ended - begun, steps: steps.slice(0, -1) };
  } finally {
    for (const undo of restore) undo();
  }
}

function describe(group: readonly Advance[], next: number, inTurn: boolean): StepRecord {
  const started = firstStart(group);
  const ended = Math.max(...group.map((advance) => advance.ended));
  const decodes = group.map(({ decode }) => decode);
  const both = group.map(({ decode, prepare }) => decode + prepare);
  const decode = inTurn ? total(decodes) : Math.max(...decodes);
  const worked = inTurn ? total(both) : Math.max(...both);
  return {
    wall: next - started,
    decode,
    prepare: worked - decode,
    sync: ended - started - worked,
    fuse: next - ended,
    tokens: total(group.map(({ tokens }) => tokens)),
  };
}

const firstStart = (group: readonly Advance[]) => Math.min(...group.map(({ started }) => started));
const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** Wrap begin and advance; returns what takes the wrapping off. */
function wrap(
  member: Member,
  hooks: { onBegun: () => void; onAdvance: (advance: Advance) => void; onAdvanced: () => Promise<void> | undefined },
): () => void {
  const own = { begin: member.begin, advance: member.advance };
  member.begin = async (...parameters) => {
    const result = await own.begin.apply(member, parameters);
    hooks.onBegun();
    return result;
  };
  member.advance = async () => {
    const advance: Advance = { started: performance.now(), ended: 0, decode: 0, prepare: 0, tokens: 0 };
    hooks.onAdvance(advance);
    await own.advance.call(member);
    advance.ended = performance.now();
    advance.decode = member.output.decodeMs;
    advance.prepare = member.output.prepareMs;
    advance.tokens = member.output.decodedTokens;
    await hooks.onAdvanced();
  };
  return () => {
    Object.assign(member, own);
  };
}
