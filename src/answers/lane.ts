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
import type { RoutedEnsemble } from "../before/live/routed-ensemble.js";
import { isRouted, type RoutedMethod } from "../before/live/routed-method.js";
import type { TextScore } from "../decoding/score.js";
import { type MethodOptions, methodNamed } from "../during/methods.js";
import { normaliseWeights } from "../during/weightings/weights.js";
import { createEnsemble, Ensemble, type EnsembleOptions } from "../ensemble/ensemble.js";
import type { Schedule } from "../ensemble/plan.js";
import { LlamafuseError } from "../errors.js";
import { loadLlama } from "../llama/library.js";
import type { MemberOptions } from "../member/member-options.js";
import type { Answer, AnswerRequest, Team } from "./answer-cache.js";

/** All members' files together: what is larger does not stay in a processor's cache, and gains little from more lanes. */
const SMALL_BYTES = 64 * 2 ** 20;
/** Each lane has a context and threads for each member. */
const MOST_LANES = 64;

export type LaneOptions = Pick<EnsembleOptions, "gpu" | "logs" | "timeoutMs" | "onProgress" | "signal">;

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
  options: LaneOptions,
): Promise<Lane[]> {
  const beside = count > 1 ? members.map((member) => ({ ...member, threads: member.threads ?? 1 })) : members;
  const schedule = count > 1 ? "parallel" : "auto";
  const lanes: Lane[] = [];
  try {
    // The first one downloads and shows progress; the others find the files in the system's cache.
    for (let lane = 0; lane < count; lane++) {
      const onProgress = lane === 0 ? options.onProgress : undefined;
      lanes.push(new Lane(await createEnsemble({ ...options, members: beside, schedule, onProgress })));
    }
    return lanes;
  } catch (error) {
    await Promise.all(lanes.map((lane) => lane.dispose()));
    throw error;
  }
}

export class Lane {
  readonly #fusions = new Map<string, Ensemble>();
  readonly #routers = new Map<RoutedMethod, RoutedEnsemble>();

  constructor(private readonly loaded: Ensemble) {}

  get members() {
    return this.loaded.members;
  }

  /** Whether members decode side by side or one after another. */
  get schedule(): Schedule {
    return this.loaded.plan.schedule;
  }

  /** Ask the models. Errors: those of Ensemble.generate and Ensemble.score. */
  async ask(team: Team, request: AnswerRequest, seed: number, signal?: AbortSignal): Promise<Answer> {
    const answering = { ensemble: await this.#ensembleOf(team), team };
    return request.choices === undefined
      ? this.#generate(answering, request, seed, signal)
      : this.#score(answering, request.prompt, request.choices, signal);
  }

  async dispose(): Promise<void> {
    await Promise.all(Array.from(this.#routers.values(), (router) => router.dispose()));
    await this.loaded.dispose();
  }

  async #generate(
    { ensemble, team }: Answering,
    request: AnswerRequest,
    seed: number,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const started = performance.now();
    const isAlone = team.members.length === 1;
    const options = { ...request.generation, seed, signal, logProbs: isAlone };
    const { text, finishReason, pieces, usage, timings } = await ensemble.generate(request.prompt, options);
    return {
      text,
      finishReason,
      ...(pieces === undefined ? {} : { pieces }),
      steps: usage.steps,
      tokens: team.members.map((index) => evaluatedTokens(usage, this.#nameOf(index))),
      seconds: (performance.now() - started) / 1000,
      promptSeconds: timings.promptMs / 1000,
    };
  }

  /** The first choice reads the prompt, the others find it in the members' caches. */
  async #score(
    { ensemble, team }: Answering,
    prompt: AnswerRequest["prompt"],
    choices: readonly string[],
    signal?: AbortSignal,
  ): Promise<Answer> {
    const started = performance.now();
    const logLikelihoods: (number | null)[] = [];
    const names = team.members.map((index) => this.#nameOf(index));
    const tokens = names.map(() => 0);
    let steps = 0;
    for (const [index, choice] of choices.entries()) {
      const { logProb, pieces, usage } = await ensemble.score(prompt, choice, { signal, reusePrompt: index > 0 });
      logLikelihoods.push(Number.isFinite(logProb) ? logProb : null);
      steps += pieces.length;
      for (const [place, name] of names.entries()) {
        tokens[place] += index === 0 ? evaluatedTokens(usage, name) : (usage.memberTokens[name] ?? 0);
      }
    }
    return { text: "", logLikelihoods, steps, tokens, seconds: (performance.now() - started) / 1000, promptSeconds: 0 };
  }

  #nameOf(member: number): string {
    return this.loaded.voices[member].member.name;
  }

  /** These members under this method. The members stay the lane's. */
  async #ensembleOf({ method, members }: Team): Promise<Ensemble | RoutedEnsemble> {
    if (!isRouted(method)) return this.#fusionOf(method, members);
    const known = this.#routers.get(method);
    if (known !== undefined) return known;
    const { routeAmong } = await import("../before/live/routed-ensemble.js");
    const alone = members.map(
      (index) => [this.#nameOf(index), () => this.#fusionOf({ name: "single" }, [index])] as const,
    );
    const router = await routeAmong(method, new Map(alone));
    this.#routers.set(method, router);
    return router;
  }

  #fusionOf(method: MethodOptions, members: readonly number[]): Ensemble {
    const key = JSON.stringify([method, members]);
    let ensemble = this.#fusions.get(key);
    if (ensemble === undefined) {
      const voices = members.map((index) => this.loaded.voices[index]);
      const isAlone = voices.length === 1;
      const weights = isAlone ? [1] : normaliseWeights(voices.map(({ weight }) => weight));
      const { plan, combiner } = this.loaded;
      const threads = members.map((index) => plan.threads[index]);
      ensemble = new Ensemble(
        voices.map(({ member }, place) => ({ member, weight: weights[place] })),
        methodNamed(method),
        { ...plan, threads },
        combiner,
      );
      this.#fusions.set(key, ensemble);
    }
    return ensemble;
  }
}

interface Answering {
  ensemble: Ensemble | RoutedEnsemble;
  team: Team;
}

/** A member of weight 0 is not asked, and not counted. */
function evaluatedTokens({ memberPromptTokens, memberTokens }: TextScore["usage"], name: string): number {
  return (memberPromptTokens[name] ?? 0) + (memberTokens[name] ?? 0);
}
