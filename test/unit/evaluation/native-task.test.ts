import { describe, expect, it } from "vitest";
import { readDevelopmentTasks, readTask } from "../../../src/cli/eval/arguments.js";
import { nativeTask } from "../../../src/evaluation/native-task.js";

describe("the native questions", () => {
  it("are the test split for grading, the development split for choosing and learning", async () => {
    const [test, development] = [await nativeTask(), await nativeTask({ split: "development" })];
    const first = test.questions[0].question;
    expect(development.questions.map(({ question }) => question)).not.toContain(first);
    expect(await readTask("native", {})).toEqual(test);
    expect(await readDevelopmentTasks([], {})).toEqual([development]);
    expect(await readDevelopmentTasks(["native"], { split: "test" })).toEqual([test]);
  });

  it.each(["foo", "../package", "questions"])("have no split %s", async (split) => {
    await expect(nativeTask({ split })).rejects.toMatchObject({
      code: "invalid-option",
      message: `Unknown split of the native questions "${split}". Known: test, development.`,
    });
  });
});
