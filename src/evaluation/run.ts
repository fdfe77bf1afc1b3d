/**
 * Methods × tasks in one run: every question is answered by every member alone and by every method, and graded.
 *
 * Questions are taken one after another, each answered by all contenders before the next, so that whatever else the
 * machine does meanwhile meets all of them alike. Answers depend on the seed and the question alone, not on the order,
 * the number of lanes, or what a ledger held before: two runs with one seed give one table.
 */

import { shareCandidates } from "../after/select/shared-candidates.js";
import type { Answer, CachedMember } from "../answers/answer-cache.js";
import { type Lane, type LaneOptions, laneCount, type OpenAnswerer, openLanes } from "../answers/lane.js";
import { Ledger } from "../answers/ledger.js";
import { isAnswer } from "../answers/saved-answer.js";
import { contentHash, hashesOfFiles, keyOf } from "../content-identity.js";
import { checkPromptOptions, type PromptOptions } from "../decoding/prompt.js";
import { checkSamplerOptions, type SamplerOptions } from "../decoding/sampler-options.js";
import type { Schedule } from "../decoding/schedule.js";
import { chooseNames } from "../ensemble/load-options.js";
import { LlamafuseError } from "../errors.js";
import { checkModel } from "../llama/check-model.js";
import { loraAdaptersOf } from "../llama/parameters.js";
import { isServerAddress, type MemberOptions } from "../member/member-options.js";
import { resolveModel } from "../member/resolve-model.js";
import { maskSecrets } from "../secrets.js";
import { checkSystem, createEnsemble, type SystemOptions } from "../systems.js";
import { type Contender, contendersOf, defaultMethods } from "./contenders.js";
import { checkTask } from "./loaders/load-task.js";
import { drawQuestions } from "./requests.js";
import { Session } from "./session.js";
import type { Task } from "./task.js";

export interface EvaluateOptions extends LaneOptions {
  members: readonly MemberOptions[];
  tasks: readonly Task[];
  /**
   * Fusion methods, and fitted routers that choose among the members. Default: every method with its defaults; those that
   * these members cannot be combined by, or that say nothing beside the others (contenders.ts), are left out.
   */
  methods?: readonly SystemOptions[];
  /** Whether methods that these members cannot be combined by are left out, and noted. Default: not where they are named. */
  leaveOutMisfits?: boolean;
  /** Questions of each task at most, drawn by the seed; a larger limit keeps those of a smaller one. Default: all. */
  limit?: number;
  /** Ask as a user, in each member's own chat template, instead of the task's plain prompt. Default false. */
  chat?: boolean;
  /** Default: greedy, and as many tokens as the task allows. */
  generation?: Omit<SamplerOptions, "seed"> & PromptOptions & { maxTokens?: number; stop?: readonly string[] };
  /** Draws questions, samples answers and resamples for intervals. Default 0. */
  seed?: number;
  /** A file that keeps every answer; what it holds already is not asked again. */
  ledger?: string;
  /** Questions answered at once. Default: as many as the cores hold of these members. */
  lanes?: number;
  /** Called before the first answer and after every one. */
  onAnswer?: (progress: EvaluationProgress) => void;
}

export interface EvaluationProgress {
  done: number;
  total: number;
  /** How many of those done were in the ledger. */
  known: number;
}

export interface EvaluatedMember {
  name: string;
  model: string;
  /** Of the file's contents. */
  sha256: string;
  parameters: number;
}

/** What one contender made of one question. */
export interface GradedAnswer {
  /** From 0 to 1. */
  grade: number;
  answer?: Answer;
  /** Why the answer is missing: the question does not fit a member's context. Its grade is 0. */
  error?: string;
}

export interface EvaluatedTask {
  task: Task;
  /** For each question of the task what each contender answered, in the order of the contenders. */
  graded: GradedAnswer[][];
}

export interface Evaluation {
  members: EvaluatedMember[];
  contenders: Contender[];
  tasks: EvaluatedTask[];
  settings: {
    seed: number;
    chat: boolean;
    generation: EvaluateOptions["generation"];
    limit?: number;
    /** Questions answered at once; 0 where all answers were in the ledger. */
    lanes: number;
    /** How the members of a lane share the cores; absent without lanes. */
    schedule?: Schedule;
  };
  /** Methods that were left out, and why; questions that could not be answered. */
  notes: string[];
}

/**
 * Run an evaluation. Errors: those of createEnsemble and of the members; invalid-option (a metric that cannot grade a
 * question, no tasks, a limit below 1); invalid-data for a ledger that is none; aborted.
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { members, seed = 0, chat = false } = options;
  const tasks = checkTasks(options.tasks).map((task) => drawQuestions(task, options.limit, seed));
  checkSamplerOptions({ ...options.generation, seed });
  checkPromptOptions(options.generation ?? {});
  for (const method of options.methods ?? []) await checkSystem(method);
  const { methods, notes } =
    options.methods === undefined
      ? defaultMethods(members.length, options.generation?.temperature)
      : { methods: options.methods, notes: [] };
  const ledger = new Ledger<Answer>(options.ledger, isAnswer);
  let lanes: Lane[] = [];
  try {
    const names = chooseNames(members);
    const contenders = contendersOf(names, methods);
    for (const { respondent } of contenders) respondent.files = await hashesOfFiles(respondent.method, options.signal);
    const files = await Promise.all(members.map((member, index) => identify(member, names[index], options)));
    const cached = await Promise.all(
      names.map((name, index) => cachedMember(name, files[index].sha256, members[index], options.signal)),
    );
    const session = new Session(options, tasks, contenders, ledger, cached);
    const bytes = files.reduce((sum, { file }) => sum + file.bytes, 0);
    const count = laneCount(members, bytes, options.lanes, options);
    // A report on answers that are all there needs no models.
    if (!session.isKnown)
      lanes = await openLanes(count, members, options, open).catch((error) => throwStopped(error, options));
    await session.work(lanes);
    const { generation, limit } = options;
    const evaluated = files.map(({ file, sha256 }, index) => ({
      name: names[index],
      model: maskSecrets(members[index].model),
      sha256,
      parameters: file.parameters,
    }));
    const settings = { seed, chat, generation, limit, lanes: lanes.length, schedule: lanes.at(0)?.schedule };
    const results = session.results(ledger.broken);
    return { members: evaluated, ...results, notes: [...notes, ...results.notes], settings };
  } finally {
    await Promise.all(lanes.map((lane) => lane.dispose()));
    ledger.close();
  }
}

/** What a signal stopped before the first answer. */
function throwStopped(error: unknown, { signal }: EvaluateOptions): never {
  throw signal?.aborted ? new LlamafuseError("aborted", "Stopped while loading.", {}, error) : error;
}

function checkTasks(tasks: readonly Task[]): readonly Task[] {
  if (tasks.length === 0) {
    const details = { option: "tasks", found: 0, allowed: ">= 1" };
    throw new LlamafuseError("invalid-option", "No task to evaluate. Give at least one.", details);
  }
  const names = tasks.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    const message = `Two tasks are named ${twice}. Give each a name of its own.`;
    throw new LlamafuseError("invalid-option", message, { option: "tasks", found: twice });
  }
  for (const task of tasks) checkTask(task);
  return tasks;
}

/** A method or router over a lane's members. Selections of one evaluation choose among the same answers. */
const open: OpenAnswerer = ({ method, ...rest }) => {
  shareCandidates(rest.members);
  return createEnsemble({ ...rest, method: method as SystemOptions });
};

/** The member's file, downloaded where it is a URI. */
async function identify({ model, url }: MemberOptions, member: string, { signal, onProgress }: LaneOptions) {
  if (url !== undefined || isServerAddress(model)) {
    const words = `Member "${member}" is on a server. Answers of an evaluation are kept by the contents of their members' files; give it the model's file.`;
    throw new LlamafuseError("invalid-option", words, { member, option: "members", found: url ?? model });
  }
  const report = (fraction: number) => onProgress?.({ member, phase: "download", fraction });
  const file = await checkModel(await resolveModel(model, report, signal), { signal });
  return { file, sha256: await contentHash(file.parts, signal) };
}

/** What a member's answers depend on. Threads and the processor change last bits at most and are left out. */
async function cachedMember(
  name: string,
  sha256: string,
  member: MemberOptions,
  signal?: AbortSignal,
): Promise<CachedMember> {
  const { weight, contextSize, templateVariables, cacheType, ropeScaling } = member;
  const adapters = loraAdaptersOf(member);
  const loraAdapters =
    adapters.length === 0
      ? undefined
      : await Promise.all(
          adapters.map(async ({ file, scale }) => ({ sha256: await contentHash([file], signal), scale })),
        );
  const identity = keyOf({ sha256, contextSize, templateVariables, cacheType, ropeScaling, loraAdapters });
  return { name, identity, weight };
}
