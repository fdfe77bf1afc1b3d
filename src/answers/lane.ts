/**
 * A lane: the members, loaded once, that answer one question after another. Several lanes answer several questions at
 * once.
 *
 * How many lanes: small models keep one core each busy, so a lane takes a core for each member (or as many as they were
 * given threads), and there are as many lanes as the cores hold. Large models fill all cores, or the memory bus, with
 * one lane; on a GPU a second lane would need a second copy of the weights. Measured on 2 cores, beside other work: one
 * member in two lanes answers 1.4 times as many questions as in one; two members, which fill both cores already, as many.
 */
import os from "node:os";
import type { Schedule } from "../decoding/schedule.js";
import type { TextScore } from "../decoding/score.js";
import type { Answerer } from "../ensemble/answerer.js";
import type { LoadOptions } from "../ensemble/load-options.js";
import { loadMembers, type Members } from "../ensemble/members.js";
import type { NamedMethod } from "../ensemble/system.js";
import { LlamafuseError } from "../errors.js";
import { loadLlama } from "../llama/library.js";
import type { MemberOptions } from "../member/member-options.js";
import type { Answer, AnswerRequest, Respondent } from "./answer-cache.js";

/** All members' files together: what is larger does not stay in a processor's cache, and gains little from more lanes. */
const SMALL_BYTES = 64 * 2 ** 20;
/** Each lane has a context and threads for each member. */
const MOST_LANES = 64;

export type LaneOptions = Pick<LoadOptions, "gpu" | "fit" | "logs" | "timeoutMs" | "onProgress" | "signal">;

/** Puts a method or router over loaded members, which stay loaded when it is disposed of: `createEnsemble`. */
export type OpenAnswerer = (options: {
  members: Members;
  method: NamedMethod;
  signal?: AbortSignal;
}) => Promise<Answerer>;

/** How many lanes the cores hold. `bytes`: of all members' files. LlamafuseError "invalid-option" for a `wanted` out of range. */
export function laneCount(
  members: readonly MemberOptions[],
  bytes: number,
  wanted: number | undefined,
  { gpu, logs }: LaneOptions,
): number {
  if (wanted !== undefined) {
    if (Number.isInteger(wanted) && wanted >= 1 && wanted <= MOST_LANES) return wanted;
    const message = `lanes is ${wanted}; allowed is an integer from 1 to ${MOST_LANES}.`;
    throw new LlamafuseError("invalid-option", message, {
      option: "lanes",
      found: wanted,
      allowed: `1 … ${MOST_LANES}`,
    });
  }
  const usesGpu = loadLlama({ gpu, logs }).files.gpu !== false && members.some(({ gpuLayers }) => gpuLayers !== 0);
  if (bytes > SMALL_BYTES || usesGpu) return 1;
  const threads = members.reduce((sum, member) => sum + (member.threads ?? 1), 0);
  return Math.max(1, Math.min(MOST_LANES, Math.floor(os.availableParallelism() / threads)));
}

/** Load the members for each lane. With several lanes each member has one thread unless given more. */
export async function openLanes(
  count: number,
  members: readonly MemberOptions[],
  { gpu, fit, logs, timeoutMs, onProgress, signal }: LaneOptions,
  open: OpenAnswerer,
): Promise<Lane[]> {
  const beside = count > 1 ? members.map((member) => ({ ...member, threads: member.threads ?? 1 })) : members;
  const schedule = count > 1 ? "parallel" : "auto";
  const lanes: Lane[] = [];
  try {
    // The first one downloads and shows progress; the others find the files in the system's cache.
    for (let lane = 0; lane < count; lane++) {
      const shown = lane === 0 ? onProgress : undefined;
      const loaded = await loadMembers({
        gpu,
        fit,
        logs,
        timeoutMs,
        signal,
        members: beside,
        schedule,
        onProgress: shown,
      });
      lanes.push(new Lane(loaded, open));
    }
    return lanes;
  } catch (error) {
    await Promise.all(lanes.map((lane) => lane.dispose()));
    throw error;
  }
}

export class Lane {
  /** By method, then by members. */
  readonly #answerers = new Map<NamedMethod, Map<string, Promise<Answerer>>>();

  constructor(
    private readonly loaded: Members,
    private readonly open: OpenAnswerer,
  ) {}

  /** Whether members decode side by side or one after another. */
  get schedule(): Schedule {
    return this.loaded.plan.schedule;
  }

  /** Ask the models. Errors: those of `createEnsemble`, Answerer.generate and Answerer.score. */
  async ask(respondent: Respondent, request: AnswerRequest, seed: number, signal?: AbortSignal): Promise<Answer> {
    const answerer = await this.#answererOf(respondent, signal);
    const names = respondent.members.map((index) => this.loaded.names[index]);
    return request.choices === undefined
      ? await this.#generate({ answerer, names }, request, seed, signal)
      : await this.#score({ answerer, names }, request, request.choices, signal);
  }

  async dispose(): Promise<void> {
    const opened = Array.from(this.#answerers.values(), (each) => Array.from(each.values())).flat();
    await Promise.allSettled(opened.map(async (answerer) => (await answerer).dispose()));
    await this.loaded.dispose();
  }

  async #generate(
    { answerer, names }: Asked,
    request: AnswerRequest,
    seed: number,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const started = performance.now();
    const isAlone = names.length === 1;
    const options = { ...request.generation, seed, signal, logProbs: isAlone };
    const { text, finishReason, pieces, usage, timings } = await answerer.generate(request.prompt, options);
    return {
      text,
      finishReason,
      ...(pieces === undefined ? {} : { pieces }),
      steps: usage.tokens ?? usage.steps,
      tokens: names.map((name) => evaluatedTokens(usage, name)),
      seconds: (performance.now() - started) / 1000,
      promptSeconds: timings.promptMs / 1000,
    };
  }

  /** The first choice reads the prompt, the others find it in the members' caches. */
  async #score(
    { answerer, names }: Asked,
    { prompt, generation: { templateVariables, now, parseSpecial, thinking } }: AnswerRequest,
    choices: readonly string[],
    signal?: AbortSignal,
  ): Promise<Answer> {
    const started = performance.now();
    const logLikelihoods: (number | null)[] = [];
    if (answerer.score === undefined) {
      const message = `${answerer.methodName} cannot score texts. Use it for answers, or choose another method.`;
      throw new LlamafuseError("incompatible-members", message, { method: answerer.methodName });
    }
    const given = { templateVariables, now, parseSpecial, thinking };
    const tokens = names.map(() => 0);
    let steps = 0;
    for (const [index, choice] of choices.entries()) {
      const options = { ...given, signal, reusePrompt: index > 0 };
      const { logProb, pieces, usage } = await answerer.score(prompt, choice, options);
      logLikelihoods.push(Number.isFinite(logProb) ? logProb : null);
      steps += pieces.length;
      for (const [place, name] of names.entries()) {
        tokens[place] += index === 0 ? evaluatedTokens(usage, name) : (usage.memberTokens[name] ?? 0);
      }
    }
    return { text: "", logLikelihoods, steps, tokens, seconds: (performance.now() - started) / 1000, promptSeconds: 0 };
  }

  /** These members under this method. The members stay the lane's. */
  #answererOf({ method, members }: Respondent, signal?: AbortSignal): Promise<Answerer> {
    const opened = this.#answerers.get(method) ?? new Map<string, Promise<Answerer>>();
    this.#answerers.set(method, opened);
    const key = members.join();
    let answerer = opened.get(key);
    if (answerer === undefined) {
      const chosen = this.loaded.only(...members.map((index) => this.loaded.names[index]));
      answerer = this.open({ members: chosen, method, signal });
      // What a signal stopped may be asked for again.
      answerer.catch(() => opened.delete(key));
      opened.set(key, answerer);
    }
    return answerer;
  }
}

interface Asked {
  answerer: Answerer;
  /** The members' names. */
  names: readonly string[];
}

/** A member of weight 0 is not asked, and not counted. */
function evaluatedTokens({ memberPromptTokens, memberTokens }: TextScore["usage"], name: string): number {
  return (memberPromptTokens[name] ?? 0) + (memberTokens[name] ?? 0);
}
