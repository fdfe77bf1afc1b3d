/** One run's work: question after question, every contender's answer, from the ledger or from the models. */
import packageJson from "../../package.json" with { type: "json" };
import { type Answer, AnswerCache, type AnswerRequest, type CachedMember } from "../answers/answer-cache.js";
import type { Lane } from "../answers/lane.js";
import type { Ledger } from "../answers/ledger.js";
import type { Schedule } from "../decoding/schedule.js";
import { LlamafuseError } from "../errors.js";
import { settleAll } from "../settle-all.js";
import { withoutThoughts } from "../text/answer-part.js";
import type { Contender } from "./contenders.js";
import { isHarnessMetric } from "./metrics/harness.js";
import { metricNamed } from "./metrics/metrics.js";
import { requestFor } from "./requests.js";
import type { EvaluatedTask, EvaluateOptions, Evaluation, GradedAnswer } from "./run.js";
import { letterOf, type Question, type Task } from "./task.js";

interface Job {
  task: Task;
  question: Question;
  graded: GradedAnswer[];
}

/** With so many from the first on that cannot be asked, it is not the questions. */
const MOST_BAD_FIRST = 10;
/** More lines than this say less than their number. */
const MOST_NAMED = 3;

/** What one question may be to blame for: text that a template or tokeniser refuses, or that a model breaks on. */
const BAD_QUESTION: ReadonlySet<string> = new Set(["invalid-text", "invalid-logits"]);

/** How a method says that it cannot lead these members, or not without options of its own. */
const MISFIT: ReadonlySet<string> = new Set(["incompatible-members", "invalid-option"]);

export class Session {
  readonly #tasks: EvaluatedTask[];
  readonly #jobs: Job[];
  readonly #leftOut = new Map<Contender, LlamafuseError>();
  /** Questions that cannot be asked, and why. */
  readonly #skipped = new Map<Question, LlamafuseError>();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #next = 0;
  #done = 0;
  #known = 0;
  /** Questions that all contenders have answered. */
  #answered = 0;

  constructor(
    private readonly options: EvaluateOptions,
    tasks: readonly Task[],
    private readonly contenders: readonly Contender[],
    private readonly ledger: Ledger<Answer>,
    private readonly cached: readonly CachedMember[],
  ) {
    this.#tasks = tasks.map((task) => ({ task, graded: task.questions.map(() => []) }));
    this.#jobs = this.#tasks.flatMap(({ task, graded }) =>
      task.questions.map((question, index) => ({ task, question, graded: graded[index] })),
    );
    this.#signal =
      options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal]);
  }

  /** Whether the ledger has every answer. */
  get isKnown(): boolean {
    const cache = this.#cacheOf();
    return this.#jobs.every(({ task, question }) => {
      const request = requestFor(task, question, this.options);
      return this.contenders.every(({ respondent }) => cache.has(respondent, request));
    });
  }

  /** Without lanes, all from the ledger. */
  async work(lanes: readonly Lane[]): Promise<void> {
    this.#report();
    const lead = async (lane?: Lane) => {
      const cache = this.#cacheOf(lane);
      try {
        for (let job = this.#take(); job !== undefined; job = this.#take()) {
          await this.#answer(job, cache, lane?.schedule);
        }
      } catch (error) {
        this.#stop.abort(error);
        throw error;
      }
    };
    await settleAll(lanes.length > 0 ? lanes.map(lead) : [lead()]).catch((error) => {
      throw this.options.signal?.aborted ? this.#stopped() : (this.#stop.signal.reason ?? error);
    });
  }

  results(broken: readonly string[]): Pick<Evaluation, "contenders" | "tasks" | "notes"> {
    const kept = this.contenders.filter((contender) => !this.#leftOut.has(contender));
    const notes = Array.from(this.#leftOut, ([{ name }, { message }]) => `${name} does not apply: ${message}`);
    const places = kept.map((contender) => this.contenders.indexOf(contender));
    const tasks = this.#tasks.map(({ task, graded }) => {
      const isAsked = (at: number) => !this.#skipped.has(task.questions[at]);
      return {
        task: { ...task, questions: task.questions.filter((_, at) => isAsked(at)) },
        graded: graded.filter((_, at) => isAsked(at)).map((all) => places.map((place) => all[place])),
      };
    });
    const empty = this.#tasks.find(({ task }) => task.questions.every((question) => this.#skipped.has(question)));
    if (empty !== undefined) throw this.#skipped.get(empty.task.questions[0])!;
    notes.push(...skippedNotes(this.#tasks, this.#skipped));
    const errors = tasks.flatMap(({ graded }) => graded.flat()).flatMap(({ error }) => error ?? []);
    if (errors.length > 0)
      notes.push(`${errors.length} answers are missing and count as wrong, the first: ${errors[0]}`);
    if (broken.length > 0)
      notes.push(
        `lines of the ledger that are broken, as a killed run may leave one, and skipped: ${broken.length} (${broken.length > 1 ? "the first " : ""}${broken[0]}).`,
      );
    return { contenders: kept, tasks, notes };
  }

  #cacheOf(lane?: Lane): AnswerCache {
    return new AnswerCache(
      this.ledger,
      this.cached,
      (respondent, request, seed) => lane!.ask(respondent, request, seed, this.#signal),
      packageJson.version,
      this.#signal,
    );
  }

  #take(): Job | undefined {
    this.#signal.throwIfAborted();
    return this.#jobs[this.#next++];
  }

  /** The members' own answers, side by side where they are scheduled so, then the methods'. */
  async #answer(job: Job, cache: AnswerCache, schedule?: Schedule): Promise<void> {
    const request = requestFor(job.task, job.question, this.options);
    let counted = 0;
    const count = (isKnown: boolean) => {
      counted++;
      this.#count(isKnown);
    };
    const one = async (contender: Contender) => {
      if (this.#leftOut.has(contender)) return count(false);
      const isKnown = cache.has(contender.respondent, request);
      const place = this.contenders.indexOf(contender);
      job.graded[place] = await this.#gradedAnswer(contender, job, request, cache);
      count(isKnown);
    };
    const alone = this.contenders.filter(({ kind }) => kind === "member");
    try {
      if (schedule === "parallel") await settleAll(alone.map(one));
      else for (const contender of alone) await one(contender);
      for (const contender of this.contenders) if (contender.kind === "method") await one(contender);
      this.#answered++;
    } catch (error) {
      if (!(error instanceof LlamafuseError) || !BAD_QUESTION.has(error.code)) throw error;
      // It is nobody's mistake: the question counts for no one.
      this.#skipped.set(job.question, error);
      if (this.#answered === 0 && this.#skipped.size >= MOST_BAD_FIRST) throw error;
      while (counted < this.contenders.length) count(false);
    }
  }

  async #gradedAnswer(
    contender: Contender,
    { task, question }: Job,
    request: AnswerRequest,
    cache: AnswerCache,
  ): Promise<GradedAnswer> {
    try {
      const answer = await cache.answer(contender.respondent, request);
      this.#signal.throwIfAborted();
      return { grade: gradeOf(task, question, answer), answer };
    } catch (error) {
      if (!(error instanceof LlamafuseError)) throw error;
      if (error.code === "context-overflow") return { grade: 0, error: error.message };
      const isMisfit = contender.kind === "method" && MISFIT.has(error.code);
      const { methods, leaveOutMisfits = methods === undefined } = this.options;
      if (!isMisfit || !leaveOutMisfits) throw error;
      this.#leftOut.set(contender, error);
      return { grade: 0 };
    }
  }

  #count(isKnown: boolean): void {
    this.#done++;
    if (isKnown) this.#known++;
    this.#report();
  }

  #report(): void {
    const total = this.#jobs.length * this.contenders.length;
    this.options.onAnswer?.({ done: this.#done, total, known: this.#known });
  }

  #stopped(): LlamafuseError {
    const total = this.#jobs.length * this.contenders.length;
    const cure =
      this.options.ledger === undefined
        ? "Give a ledger to continue where a run stopped."
        : `They are in ${this.options.ledger}: run the same command again to continue.`;
    return new LlamafuseError("aborted", `Stopped after ${this.#done} of ${total} answers. ${cure}`, {
      done: this.#done,
      total,
    });
  }
}

/** The grade of an answer to a question of a task, 0 to 1. */
function gradeOf(task: Task, question: Question, answer: Answer): number {
  const metric = metricNamed(task.metric);
  // Thoughts that a model writes as text are no part of its answer; the harness's filters are left as published.
  if (metric.from === "text") {
    return metric.grade(
      question,
      isHarnessMetric(metric.name) ? answer.text : (withoutThoughts(answer.text) ?? "").trim(),
    );
  }
  return metric.grade(question, logLikelihoodsOf(answer));
}

/** The choices' log-likelihoods as numbers again: JSON has no infinity. */
function logLikelihoodsOf({ logLikelihoods = [] }: Answer): number[] {
  return logLikelihoods.map((logLikelihood) => logLikelihood ?? Number.NEGATIVE_INFINITY);
}

/** The likeliest choice of an answer that scored them. */
export function choiceOf({ choices }: Question, answer: Answer): { letter: string; text: string } {
  const scores = logLikelihoodsOf(answer);
  const choice = scores.indexOf(Math.max(...scores));
  return { letter: letterOf(choice), text: choices![choice] };
}

/** What became of records that are no questions, and of questions that cannot be asked. */
function skippedNotes(tasks: readonly EvaluatedTask[], skipped: ReadonlyMap<Question, LlamafuseError>): string[] {
  return tasks.flatMap(({ task }) => {
    const reasons = [
      ...(task.skipped ?? []),
      ...task.questions.flatMap((question) => {
        const error = skipped.get(question);
        return error === undefined ? [] : [`question ${question.id}: ${error.message}`];
      }),
    ];
    if (reasons.length === 0) return [];
    const rest = reasons.length > MOST_NAMED ? ` … and ${reasons.length - MOST_NAMED} more.` : "";
    const questions = reasons.length === 1 ? "question is" : "questions are";
    return [`${task.name}: ${reasons.length} ${questions} skipped: ${reasons.slice(0, MOST_NAMED).join(" ")}${rest}`];
  });
}
