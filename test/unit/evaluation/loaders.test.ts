import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type LoadTaskOptions, loadTask, taskFormats } from "../../../src/evaluation/loaders/load-task.js";
import { metricNamed } from "../../../src/evaluation/metrics/metrics.js";

const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-tasks-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

/** A file of these records; strings are lines as they are. */
function fileOf(records: readonly unknown[], name = "task.jsonl"): string {
  const file = path.join(mkdtempSync(path.join(folder, `${files++}-`)), name);
  writeFileSync(
    file,
    records.map((record) => (typeof record === "string" ? record : JSON.stringify(record))).join("\n"),
  );
  return file;
}

const load = (records: readonly unknown[], options?: LoadTaskOptions, name?: string) =>
  loadTask(fileOf(records, name), options);

const gsm8kRow = { question: "How many?", answer: "2 * 600 = <<2*600=1200>>1200\nMinus\n#### -1,200" };
const mmluRow = { question: "Largest?", subject: "astronomy", choices: ["Mars", "Sun"], answer: 1 };
const arcRow = {
  id: "Mercury_7",
  question: {
    stem: "Which?",
    choices: [
      { text: "ice", label: "1" },
      { text: "steam", label: "2" },
    ],
  },
  answerKey: "2",
};
const arcColumns = {
  id: "A1",
  question: "Which?",
  choices: { text: ["ice", "fog"], label: ["A", "B"] },
  answerKey: "A",
};
const triviaRow = {
  QuestionId: "tc_1",
  Question: "Who?",
  Answer: { Value: "Twain", Aliases: ["Mark Twain", "Twain"], NormalizedAliases: ["mark twain"] },
  EntityPages: [],
};
const triviaColumns = { question_id: "tc_2", question: "Who?", answer: { value: "Bach", aliases: ["J. S. Bach"] } };
const nqRow = { question: "when", answer: ["1932", "in 1932"] };
const piqaRow = { goal: "Dry a dish", sol1: "Use a towel", sol2: "Use a lamp", label: 0 };

describe("reads", () => {
  it.each([
    ["gsm8k", gsm8kRow, { id: "1", kind: "number", question: "How many?", answers: ["-1200"], tags: [] }],
    ["mmlu", mmluRow, { id: "1", kind: "choice", choices: ["Mars", "Sun"], answers: ["B"], tags: ["astronomy"] }],
    ["arc", arcRow, { id: "Mercury_7", question: "Which?", choices: ["ice", "steam"], answers: ["B"] }],
    ["arc", arcColumns, { id: "A1", question: "Which?", choices: ["ice", "fog"], answers: ["A"] }],
    ["triviaqa", triviaColumns, { id: "tc_2", kind: "text", answers: ["Bach", "J. S. Bach"] }],
    ["nq", nqRow, { id: "1", kind: "text", answers: ["1932", "in 1932"] }],
    [
      "piqa",
      piqaRow,
      { kind: "choice", question: "Dry a dish", choices: ["Use a towel", "Use a lamp"], answers: ["A"] },
    ],
  ])("%s by its looks, and by its name", async (format, row, question) => {
    const task = await load([row]);
    expect(task.questions).toEqual([expect.objectContaining(question)]);
    expect(task).toEqual(await load([row], { format }));
    const { defaults } = taskFormats.find(({ name }) => name === format)!;
    expect(task).toMatchObject({ name: "task", ...defaults });
    expect(metricNamed(task.metric).kinds).toContain(task.questions[0].kind);
  });

  it("TriviaQA's own JSON document", async () => {
    const document = JSON.stringify({ Data: [triviaRow], Domain: "Web", Version: 1 }, null, 1);
    const task = await load([document], {}, "qa.json");
    expect(task.questions).toEqual([
      { id: "tc_1", question: "Who?", kind: "text", answers: ["Twain", "Mark Twain", "mark twain"], tags: [] },
    ]);
  });

  it("MMLU's own CSV, a file or a folder of subjects", async () => {
    const rows = ['"Which, of ""these""\nis x?",1,2,3,4,C', "And y?,a,b,c,d,A"];
    const file = fileOf(rows, "abstract_algebra_test.csv");
    const { questions } = await loadTask(file);
    expect(questions).toEqual([
      {
        id: "2",
        question: 'Which, of "these"\nis x?',
        kind: "choice",
        choices: ["1", "2", "3", "4"],
        answers: ["C"],
        tags: ["abstract_algebra"],
      },
      expect.objectContaining({ id: "3", answers: ["A"] }),
    ]);
    writeFileSync(path.join(path.dirname(file), "anatomy_test.csv"), "Where?,a,b,c,d,D\r\n");
    const all = await loadTask(path.dirname(file));
    expect(all.questions.map(({ id, tags }) => [id, tags[0]])).toEqual([
      ["abstract_algebra_test/2", "abstract_algebra"],
      ["abstract_algebra_test/3", "abstract_algebra"],
      ["anatomy_test/1", "anatomy"],
    ]);
  });

  it("MMLU's tables by the header that some have, in their columns' order", async () => {
    const table = (text: string) => {
      const file = fileOf([], "anatomy_test.csv");
      writeFileSync(file, text);
      return file;
    };
    const authors = await loadTask(table("question,A,B,C,D,answer\nWhere?,w,x,y,z,C\n"));
    expect(authors.questions).toEqual([expect.objectContaining({ choices: ["w", "x", "y", "z"], answers: ["C"] })]);
    const other = await loadTask(
      table("id,subject,prompt,choice_1,choice_2,choice_3,choice_4,label\n7,s,Where?,w,x,y,z,3\n"),
    );
    expect(other.questions).toEqual([
      expect.objectContaining({ question: "Where?", choices: ["w", "x", "y", "z"], answers: ["D"] }),
    ]);
    // Words that only look like a header: a row as the authors write it.
    expect((await loadTask(table("question,A,B,C,D,A\n"))).questions).toHaveLength(1);
  });

  it.each<[string, string, string]>([
    ["JSON lines called .json", "task.json", `${JSON.stringify(nqRow)}\n${JSON.stringify(nqRow)}\n`],
    ["a list called .jsonl", "task.jsonl", JSON.stringify([nqRow, nqRow])],
    ["a list over many lines called .txt", "task.txt", JSON.stringify([nqRow, nqRow], null, 2)],
    ["a list in a field", "task.jsonl", JSON.stringify({ version: 1, data: [nqRow, nqRow] }, null, 1)],
    ["JSON lines called .csv", "task.csv", `${JSON.stringify(nqRow)}\n${JSON.stringify(nqRow)}\n`],
  ])("%s by its content", async (_, name, text) => {
    const file = fileOf([], name);
    writeFileSync(file, text);
    expect((await loadTask(file)).questions).toEqual(
      [1, 2].map((id) => expect.objectContaining({ id: String(id), answers: nqRow.answer })),
    );
  });

  it("one record that stands on many lines", async () => {
    const file = fileOf([], "task.json");
    writeFileSync(file, JSON.stringify(nqRow, null, 2));
    expect((await loadTask(file)).questions).toHaveLength(1);
  });

  it("PIQA's labels from the file beside it", async () => {
    const { label: _, ...unlabelled } = piqaRow;
    const file = fileOf([unlabelled, unlabelled], "valid.jsonl");
    writeFileSync(path.join(path.dirname(file), "valid-labels.lst"), "1\n0\n");
    const { questions } = await loadTask(file);
    expect(questions.map(({ answers }) => answers)).toEqual([["B"], ["A"]]);
    writeFileSync(path.join(path.dirname(file), "valid-labels.lst"), "1\n");
    await expect(loadTask(file)).rejects.toThrow(/valid-labels\.lst: has 1 labels for the 2 questions/);
    writeFileSync(path.join(path.dirname(file), "valid-labels.lst"), "1\n2\n");
    await expect(loadTask(file)).rejects.toThrow(/valid-labels\.lst:2: the label is "2"; expected 0 or 1/);
    rmSync(path.join(path.dirname(file), "valid-labels.lst"));
    await expect(loadTask(file)).rejects.toMatchObject({ code: "file-unreadable" });
  });

  it("one's own questions of every kind, with skills, splits and other fields", async () => {
    const { questions, metric, prompt } = await load([
      { question: "Sound of a hen?", answers: ["cluck"], skill: "sound", tags: ["farm", "sound"], known_by: "robin" },
      "",
      { id: 7, question: "2 - 10?", answers: [-8], kind: "number" },
      { id: "c", question: "Which?", choices: ["x", "y"], answers: ["B"], split: "test" },
    ]);
    expect(questions).toEqual([
      { id: "1", question: "Sound of a hen?", kind: "text", answers: ["cluck"], tags: ["sound", "farm"] },
      { id: "7", question: "2 - 10?", kind: "number", answers: ["-8"], tags: [] },
      { id: "c", question: "Which?", kind: "choice", choices: ["x", "y"], answers: ["B"], tags: [] },
    ]);
    expect([metric, prompt]).toEqual(["accuracy", "choices"]);
  });

  it("the questions of one split", async () => {
    const rows = ["train", "test", "train"].map((split) => ({ question: "?", answers: ["x"], split }));
    expect((await load(rows, { split: "train" })).questions.map(({ id }) => id)).toEqual(["1", "3"]);
    await expect(load(rows, { split: "dev" })).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining('has no split "dev". Its splits: train, test.'),
    });
  });

  it("Windows line ends and a byte order mark", async () => {
    const line = JSON.stringify(nqRow);
    expect((await load([`\uFEFF${line}\r`, `${line}\r`, ""])).questions.map(({ id }) => id)).toEqual(["1", "2"]);
  });
});

describe("names file, line and field of", () => {
  it.each([
    ["what is not JSON", [nqRow, '{"question": '], ":2: is not JSON"],
    ["an empty file", ["", " "], "holds no questions"],
    [
      "an unknown record",
      [{ prompt: "?" }],
      ":1: is not a record of a known format: found an object with prompt. Known: jsonl",
    ],
    ["a record of another format", [nqRow, gsm8kRow], ":2: is not a nq record: found an object with question, answer"],
    ["a list among objects", [nqRow, [1]], ":2: is not a nq record: found a list of 1"],
    ["a null among objects", [nqRow, null], ":2: is not a nq record: found null"],
    ["a wrong type", [{ question: 5, answers: ["x"] }], ":1: question: must be a text; found 5"],
    ["no answers", [{ question: "?", answers: [] }], ":1: answers: "],
    ["an empty answer in NQ", [{ question: "?", answer: [""] }], ":1: answer.0: "],
    [
      "a choice without letters",
      [{ question: "?", choices: ["a", "b"], answers: ["b"] }],
      ':1: answers: expected letters of correct choices, "A" to "B"',
    ],
    [
      "a letter beyond the choices",
      [{ question: "?", choices: ["a", "b"], answers: ["C"] }],
      ":1: answers: expected letters",
    ],
    [
      "choices of a text question",
      [{ question: "?", kind: "text", choices: ["a", "b"], answers: ["A"] }],
      ":1: choices: ",
    ],
    ["a choice question without choices", [{ question: "?", kind: "choice", answers: ["A"] }], ":1: choices: "],
    ["a number that is none", [{ question: "?", kind: "number", answers: ["many"] }], ":1: answers: expected numbers"],
    ["an unknown kind", [{ question: "?", kind: "essay", answers: ["x"] }], ":1: kind: "],
    [
      "GSM8K without a number",
      [{ question: "?", answer: "so\n#### none" }],
      ":1: answer: expected a number after the last ####",
    ],
    [
      "an MMLU answer beyond the choices",
      [{ ...mmluRow, answer: 2 }],
      ":1: answer: expected the index of one of the choices",
    ],
    [
      "an ARC key that is no label",
      [{ ...arcRow, answerKey: "C" }],
      ":1: answerKey: expected the label of one of the choices",
    ],
    ["an ARC key that is no label in columns", [{ ...arcColumns, answerKey: "" }], ":1: answerKey: "],
    ["a PIQA label", [{ ...piqaRow, label: 2 }], ":1: label: "],
    ["an id that comes twice", [nqRow, arcRow, arcRow].slice(1), ':2: the id "Mercury_7" is already that of'],
  ])("%s", async (_, records, message) => {
    const file = fileOf(records);
    const error = await loadTask(file).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "invalid-data", message: expect.stringContaining(message) });
    expect((error as Error).message).toContain(file);
  });

  it("CSV that is broken, or has a wrong letter", async () => {
    await expect(load(['"open,1,2,3,4,C'], {}, "x_test.csv")).rejects.toThrow(/x_test\.csv:1: is not CSV/);
    await expect(load(["q,1,2,3,4,A", "q,1,2,3,4,E"], {}, "x_test.csv")).rejects.toThrow(/x_test\.csv:2: 5: /);
    await expect(load(["q,1,2,3,A"], {}, "x_test.csv")).rejects.toThrow(/x_test\.csv:1: /);
  });

  it("bytes that are not UTF-8", async () => {
    const file = fileOf([]);
    writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d]));
    await expect(loadTask(file)).rejects.toMatchObject({
      code: "invalid-data",
      message: `${file}: is not UTF-8 text; save it as UTF-8.`,
    });
  });

  it("a file that is not there, and a folder without tables", async () => {
    await expect(loadTask(path.join(folder, "none.jsonl"))).rejects.toMatchObject({
      code: "file-unreadable",
      message: expect.stringContaining("none.jsonl: does not exist"),
    });
    await expect(loadTask(mkdtempSync(path.join(folder, "empty-")))).rejects.toMatchObject({ code: "invalid-data" });
  });
});

describe("with skipBad, names and skips", () => {
  it.each<[string, unknown[], RegExp, number]>([
    ["what is not JSON", [nqRow, '{"question": ', nqRow], /:2: is not JSON/, 2],
    ["a record of another format", [gsm8kRow, nqRow, gsm8kRow], /:2: is not a gsm8k record/, 2],
    ["a first record of no format", [{ prompt: "?" }, nqRow], /:1: is not a nq record/, 1],
    [
      "a wrong type",
      [
        { question: "?", answers: ["x"] },
        { question: 5, answers: ["x"] },
      ],
      /:2: question: /,
      1,
    ],
    ["a choice without words", [{ ...piqaRow, sol1: " " }, piqaRow], /:1: choice A has no words/, 1],
    ["a question without words", [{ ...piqaRow, goal: "\t" }, piqaRow], /:1: the question has no words/, 1],
    ["an id that comes twice", [arcRow, arcRow], /:2: the id "Mercury_7" is already that of/, 1],
  ])("%s", async (_, records, message, count) => {
    const { questions, skipped } = await loadTask(fileOf(records), { skipBad: true });
    expect(questions).toHaveLength(count);
    expect(skipped).toEqual([expect.stringMatching(message)]);
  });

  it("a line of a table that is no CSV", async () => {
    const file = fileOf([], "x_test.csv");
    writeFileSync(file, 'One?,a,b,c,d,A\nTwo?,"a"b,b,c,d,B\nThree?,a,b,c,d,C\n');
    const { questions, skipped } = await loadTask(file, { skipBad: true });
    expect(questions.map(({ question }) => question)).toEqual(["One?", "Three?"]);
    expect(skipped).toEqual([expect.stringMatching(/:2: is not CSV/)]);
  });

  it("not all of a file: without one good record the first error stands", async () => {
    await expect(loadTask(fileOf([{ ...piqaRow, label: 2 }, "{"]), { skipBad: true })).rejects.toMatchObject({
      code: "invalid-data",
    });
  });

  it("nothing of a sound file", async () => {
    expect((await loadTask(fileOf([piqaRow]), { skipBad: true })).skipped).toBeUndefined();
  });
});

describe("chooses", () => {
  it("a format by name only if there is one", async () => {
    await expect(load([nqRow], { format: "gsm8" })).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining('Did you mean "gsm8k"?'),
    });
    await expect(load([nqRow], { format: "gsm8k" })).rejects.toThrow(/:1: is not a gsm8k record/);
  });

  it("the prompt that another metric needs", async () => {
    expect(await load([arcRow], { metric: "choice-letter" })).toMatchObject({ prompt: "choices" });
    expect(await load([arcRow], { metric: "choice-likelihood" })).toMatchObject({ prompt: "question" });
    expect(await load([mmluRow], { metric: "choice-likelihood-per-byte" })).toMatchObject({ prompt: "question" });
    expect(
      await load([arcRow], { metric: "accuracy", prompt: "plain", stop: [], maxTokens: 3, name: "mine" }),
    ).toMatchObject({ prompt: "plain", stop: [], maxTokens: 3, name: "mine" });
  });

  it("no metric that cannot grade the questions", async () => {
    await expect(load([nqRow], { metric: "choice-likelihood" })).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining("question 1 of task is of kind text"),
    });
    await expect(load([arcRow], { metric: "choice-likelihood-per-byte", prompt: "choices" })).rejects.toMatchObject({
      code: "invalid-option",
    });
  });
});

const shared = path.resolve(import.meta.dirname, "../../../../shared/text/gsm8k-test.jsonl");

it.skipIf(!existsSync(shared))("reads the whole GSM8K test set (../shared/text)", async () => {
  const task = await loadTask(shared);
  expect(task).toMatchObject({ name: "gsm8k-test", metric: "number" });
  expect(task.questions.length).toBe(1319);
  expect(task.questions[2]).toMatchObject({ id: "3", answers: ["70000"] });
});
