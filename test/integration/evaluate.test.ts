/** A whole evaluation on the native models: what is asked, graded, remembered and repeated. */
import { describe, expect, it } from "vitest";
import { nativeTask } from "../../src/evaluation/native-task.js";
import { summarise } from "../../src/evaluation/report/summary.js";
import { type EvaluateOptions, type Evaluation, evaluate } from "../../src/evaluation/run.js";
import type { Task } from "../../src/evaluation/task.js";
import { createEnsemble, nativeModels } from "../../src/index.js";
import { refusal } from "../support/refusal.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const at = temporaryFolder();
const members = nativeModels()
  .slice(0, 2)
  .map(({ name, path }) => ({ name, model: path, threads: 1 }));
const native = await nativeTask();

const choices: Task = {
  name: "choices",
  metric: "choice-likelihood",
  prompt: "question",
  stop: [],
  maxTokens: 8,
  questions: [
    {
      id: "1",
      question: "What is a young deer?",
      kind: "choice",
      choices: ["fawn", "kitten"],
      answers: ["A"],
      tags: [],
    },
    {
      id: "2",
      question: "What is a young cat?",
      kind: "choice",
      choices: ["fawn", "kitten"],
      answers: ["B"],
      tags: [],
    },
  ],
};

function run(options: Partial<EvaluateOptions> = {}): Promise<Evaluation> {
  return evaluate({ members, tasks: [native], methods: [{ name: "gac" }], limit: 4, gpu: false, ...options });
}

/** Everything but times and lanes. */
function timeless({
  contenders,
  members: asked,
  tasks,
  notes,
  settings: { lanes: _, schedule: _schedule, ...settings },
}: Evaluation) {
  const graded = tasks.map((task) =>
    task.graded.map((all) =>
      all.map(({ grade, error, answer }) => {
        if (answer === undefined) return { grade, error };
        const { seconds: _seconds, promptSeconds: _promptSeconds, ...rest } = answer;
        return { grade, error, ...rest };
      }),
    ),
  );
  return { contenders, asked, notes, settings, graded };
}

describe("an evaluation", () => {
  it("asks every member and method what they would answer by themselves", async () => {
    const evaluation = await run();
    expect(evaluation.contenders.map(({ name, kind }) => [name, kind])).toEqual([
      [members[0].name, "member"],
      [members[1].name, "member"],
      ["gac", "method"],
    ]);
    const [{ task, graded }] = evaluation.tasks;
    expect(graded).toHaveLength(4);
    await using pair = await createEnsemble({ members, method: { name: "gac" }, gpu: false });
    await using first = await createEnsemble({ members: members.slice(0, 1), method: { name: "single" }, gpu: false });
    for (const [index, { question, answers }] of task.questions.entries()) {
      const options = { maxTokens: task.maxTokens, stop: task.stop, logProbs: true };
      const own = await first.generate(`Question: ${question}\nAnswer:`, options);
      const fused = await pair.generate(`Question: ${question}\nAnswer:`, options);
      expect(graded[index].map(({ answer }) => answer!.text)).toEqual([own.text, expect.any(String), fused.text]);
      expect(graded[index][0].answer).toMatchObject({ pieces: own.pieces, steps: own.usage.steps });
      expect(graded[index][2].answer!.tokens).toHaveLength(2);
      expect(graded[index][2].answer!.pieces).toBeUndefined();
      const words = fused.text.toLowerCase().split(/\W+/);
      if (!answers[0].includes(" "))
        expect(graded[index][2].grade).toBe(words.includes(answers[0].toLowerCase()) ? 1 : 0);
    }
  });

  it("gives the same table in two runs with one seed, sampled, in one lane or three", async () => {
    const generation = { temperature: 0.8, topP: 0.95, maxTokens: 12 };
    const options = { tasks: [native, choices], generation, seed: 5, methods: undefined };
    const [one, again, three] = [await run(options), await run(options), await run({ ...options, lanes: 3 })];
    expect(timeless(again)).toEqual(timeless(one));
    expect(timeless(three)).toEqual(timeless(one));
    expect(three.settings.lanes).toBe(3);
    const rows = (evaluation: Evaluation) =>
      summarise(evaluation).tasks.map(({ rows }) => rows.map(({ cost: _, ...row }) => row));
    expect(rows(again)).toEqual(rows(one));
    expect(timeless(await run({ ...options, seed: 6 })).graded).not.toEqual(timeless(one).graded);
  });

  it("asks nothing twice: a second run takes all from the ledger, a third only what is new", async () => {
    const ledger = at("ledger.jsonl");
    const first = await run({ ledger });
    const known: number[] = [];
    const second = await run({ ledger, onAnswer: (progress) => known.push(progress.known) });
    expect(second.tasks).toEqual(first.tasks);
    // Nor are models loaded for it.
    expect(second.settings.lanes).toBe(0);
    expect([known[0], known.at(-1)]).toEqual([0, 12]);
    let last = { done: 0, total: 0, known: 0 };
    await run({
      ledger,
      limit: 6,
      methods: [{ name: "gac" }, { name: "unite" }],
      onAnswer: (progress) => (last = progress),
    });
    expect(last).toEqual({ done: 24, total: 24, known: 12 });
  });

  it("stopped by a signal keeps what it has, and goes on from there", async () => {
    const ledger = at("stopped.jsonl");
    const stop = new AbortController();
    const error = await refusal(() =>
      run({ ledger, signal: stop.signal, onAnswer: ({ done }) => done >= 5 && stop.abort() }),
    );
    expect(error.code).toBe("aborted");
    expect(error.message).toMatch(/Stopped after \d+ of 12 answers.*stopped\.jsonl/);
    let known = 0;
    const resumed = await run({ ledger, onAnswer: (progress) => (known = progress.known) });
    expect(known).toBeGreaterThanOrEqual(5);
    expect(timeless(resumed)).toEqual(timeless(await run()));
  });

  it("grades multiple choice by likelihood, of members and of methods", async () => {
    const { tasks, contenders } = await run({
      tasks: [choices],
      methods: [{ name: "gac" }, { name: "unite", k: 400 }],
    });
    await using pair = await createEnsemble({ members, method: { name: "gac" }, gpu: false });
    for (const [index, all] of tasks[0].graded.entries()) {
      const prompt = `Question: ${choices.questions[index].question}\nAnswer:`;
      for (const { answer, grade } of all) {
        expect(answer!.logLikelihoods).toHaveLength(2);
        const [fawn, kitten] = answer!.logLikelihoods as number[];
        expect(grade).toBe(fawn > kitten === (index === 0) ? 1 : 0);
      }
      const gac = all[contenders.findIndex(({ name }) => name === "gac")].answer!;
      expect(gac.logLikelihoods![0]).toBeCloseTo((await pair.score(prompt, " fawn")).logProb, 3);
    }
  });

  it("draws questions by the seed, and keeps those of a smaller limit in a larger one", async () => {
    const ids = async (limit: number, seed?: number) => {
      const { tasks } = await run({ methods: [], limit, seed, generation: { maxTokens: 1 } });
      return tasks[0].task.questions.map(({ id }) => id);
    };
    const [three, five, other] = [await ids(3), await ids(5), await ids(3, 1)];
    expect(five).toHaveLength(5);
    expect(five.filter((id) => three.includes(id))).toEqual(three);
    expect(other).not.toEqual(three);
  });

  it("counts a question that does not fit a member's context as wrong, and says so", async () => {
    const long: Task = {
      ...native,
      name: "long",
      questions: [{ ...native.questions[0], question: "why ".repeat(80) }],
    };
    const small = members.map((member) => ({ ...member, contextSize: 64 }));
    const { tasks, notes } = await run({ members: small, tasks: [long] });
    expect(tasks[0].graded[0].map(({ grade }) => grade)).toEqual([0, 0, 0]);
    expect(notes).toEqual([expect.stringMatching(/^3 answers are missing.*context/)]);
  });

  it("asks in the members' chat templates with chat", async () => {
    const evaluation = await run({ methods: [], chat: true, limit: 1 });
    await using first = await createEnsemble({ members: members.slice(0, 1), method: { name: "single" }, gpu: false });
    const { question } = evaluation.tasks[0].task.questions[0];
    const { text } = await first.generate([{ role: "user", content: question }], { maxTokens: native.maxTokens });
    expect(evaluation.tasks[0].graded[0][0].answer!.text).toBe(text);
  });

  it.each<[string, Partial<EvaluateOptions>, string]>([
    ["no task", { tasks: [] }, "invalid-option"],
    ["two tasks of one name", { tasks: [native, native] }, "invalid-option"],
    ["a metric for other questions", { tasks: [{ ...native, metric: "choice-likelihood" }] }, "invalid-option"],
    ["a limit of nothing", { limit: 0 }, "invalid-option"],
    ["no lanes", { lanes: 0 }, "invalid-option"],
    ["an unknown method", { methods: [{ name: "gacc" } as never] }, "invalid-option"],
    ["a method named twice", { methods: [{ name: "gac" }, { name: "gac" }] }, "invalid-option"],
    ["a method that these members cannot run", { methods: [{ name: "single" }] }, "incompatible-members"],
    ["a temperature below 0", { generation: { temperature: -1 } }, "invalid-option"],
    ["a missing model", { members: [{ model: "none.gguf" }] }, "file-unreadable"],
    ["a ledger that is none", { ledger: "package.json" }, "invalid-data"],
  ])("refuses %s with one clear error", async (_, options, code) => {
    expect((await refusal(() => run(options))).code).toBe(code);
  });
});
