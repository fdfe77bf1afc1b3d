import { describe, expect, it } from "vitest";
import type { Answer } from "../../../../src/answers/answer-cache.js";
import {
  contendersOf,
  defaultMethods,
  everyAfter,
  everyMethod,
  titleOf,
} from "../../../../src/evaluation/contenders.js";
import { renderHtml } from "../../../../src/evaluation/report/html.js";
import { summarise } from "../../../../src/evaluation/report/summary.js";
import type { Evaluation, GradedAnswer } from "../../../../src/evaluation/run.js";
import type { Question } from "../../../../src/evaluation/task.js";
import { methodInfos, regenerationInfos, selectionInfos } from "../../../../src/index.js";
import { percent, points, quantity } from "../../../../src/report/markup.js";

/** An answer of 3 steps in 0.5 s, 0.2 of them for the prompt. */
function answer(text: string, ...tokens: number[]): Answer {
  return { text, finishReason: "stop", steps: 3, tokens, seconds: 0.5, promptSeconds: 0.2 };
}

const question = (id: string, text: string, tag: string): Question => ({
  id,
  question: text,
  kind: "text",
  answers: ["yes & no"],
  tags: [tag],
});

/** Grades of small, large and gac on three sums and one word; small costs 10 parameters a token, large 100. */
const GRADES = [
  [1, 0, 1],
  [1, 1, 1],
  [0, 0, 0],
  [0, 1, 0],
];

function evaluationOf(grades: number[][] = GRADES): Evaluation {
  const member = (name: string, parameters: number) => ({
    name,
    model: `${name}.gguf`,
    sha256: "0".repeat(64),
    parameters,
  });
  const gradedAs = (grade: number, ...tokens: number[]): GradedAnswer => ({
    grade,
    answer: answer("<b>so</b>", ...tokens),
  });
  return {
    members: [member("small", 10), member("large", 100)],
    contenders: contendersOf(["small", "large"], [{ name: "gac" }]),
    tasks: [
      {
        task: {
          name: "mixed",
          metric: "exact-match",
          prompt: "question",
          stop: [],
          maxTokens: 8,
          questions: [
            question("1", "1 + 1?", "sums"),
            question("2", "2 + 2?", "sums"),
            question("3", "3 + 3?", "sums"),
            question("4", '<script>alert("x")</script>', "words"),
          ],
        },
        graded: grades.map(([small, large, gac]) => [gradedAs(small, 5), gradedAs(large, 4), gradedAs(gac, 5, 4)]),
      },
    ],
    settings: { seed: 3, chat: false, generation: {}, lanes: 1, schedule: "parallel" },
    notes: ["something & something"],
  };
}

describe("a summary", () => {
  const [task] = summarise(evaluationOf()).tasks;
  const row = (name: string) => task.rows.find((each) => each.name === name)!;

  it("has a row for each member, each method and the oracle, with grades over all and by tag", () => {
    expect(task.rows.map(({ name, kind, all }) => [name, kind, all.value])).toEqual([
      ["small", "member", 0.5],
      ["large", "member", 0.5],
      ["gac", "method", 0.5],
      ["oracle", "oracle", 0.75],
    ]);
    expect(task.tags).toEqual({ sums: 3, words: 1 });
    expect(row("small").tags.sums).toMatchObject({ value: 2 / 3, count: 3 });
    expect(row("large").tags.words).toMatchObject({ value: 1, low: 1, high: 1, count: 1 });
    for (const { all } of task.rows) expect(all.low <= all.value && all.value <= all.high).toBe(true);
  });

  it("compares with the best member, the first of equals, on the same questions", () => {
    expect(task.bestMember).toBe("small");
    expect(row("small").difference).toBeUndefined();
    expect(row("large").difference).toMatchObject({ value: 0, better: 1, worse: 1, equal: 2 });
    expect(row("oracle").difference).toMatchObject({ value: 0.25, better: 1, worse: 0, equal: 3 });
  });

  it("names the tag on which a row is furthest below the member that is best there", () => {
    expect(row("gac").weakest).toMatchObject({ tag: "words", difference: { value: -1, count: 1 } });
    expect(row("oracle").weakest).toMatchObject({ difference: { value: 0 } });
  });

  it("counts tokens, parameters × tokens, seconds, and steps in the time behind the prompt", () => {
    expect(row("small").cost).toMatchObject({ tokens: 5, parameterTokens: 50, seconds: 0.5 });
    expect(row("gac").cost).toMatchObject({ tokens: 9, parameterTokens: 450 });
    expect(row("gac").cost.stepsPerSecond).toBeCloseTo(10, 9);
  });

  it("has the oracle take the cheapest of the best", () => {
    // Questions 1, 2 and 3 go to small (50 each), question 4 to large (400).
    expect(row("oracle").cost.parameterTokens).toBe((3 * 50 + 400) / 4);
  });

  it("has no oracle of one member", () => {
    const alone = evaluationOf();
    alone.contenders = alone.contenders.slice(0, 1);
    alone.tasks[0].graded = alone.tasks[0].graded.map((all) => all.slice(0, 1));
    expect(summarise(alone).tasks[0].rows.map(({ name }) => name)).toEqual(["small"]);
  });

  it("shows the likeliest choice of a question whose choices were scored", () => {
    const evaluation = evaluationOf();
    const [{ task: scored, graded }] = evaluation.tasks;
    const first = { ...scored.questions[0], kind: "choice" as const, choices: ["left", "right"], answers: ["B"] };
    evaluation.tasks[0].task = { ...scored, questions: [first, ...scored.questions.slice(1)] };
    const { finishReason: _, ...rest } = answer("", 4);
    graded[0][0].answer = { ...rest, logLikelihoods: [null, -3] };
    const [report] = summarise(evaluation).tasks;
    expect(report.questions[0].results[0].text).toBe("B. right");
  });

  it("survives JSON", () => {
    const report = summarise(evaluationOf());
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

describe("the HTML report", () => {
  // Only on the last question gac is not as good as small, the best member.
  const differing = [...GRADES.slice(0, 3), [0, 1, 1]];
  const html = renderHtml(summarise(evaluationOf(differing)));

  it("is one page that needs nothing else and runs nothing", () => {
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/<script|<link|<img|@import|url\(|https?:|\son\w+=/i);
    expect(html).toContain("prefers-color-scheme: dark");
  });

  it("shows text of questions, answers and notes as text", () => {
    expect(html).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;");
    expect(html).toContain("&lt;b&gt;so&lt;/b&gt;");
    expect(html).toContain("something &amp; something");
    expect(html).toContain("yes &amp; no");
  });

  it("has a chart for all, each tag and each cost, and only the questions that tell contenders apart", () => {
    for (const title of ["all (4)", "sums (3)", "words (1)", "Tokens evaluated", "Parameters × tokens", "Time"]) {
      expect(html).toContain(`<figcaption>${title}</figcaption>`);
    }
    expect(html).toContain("1 of 4 questions");
    expect(html.match(/<details><summary>&lt;script/g)).toHaveLength(1);
    expect(html).not.toContain("<summary>1 + 1?");
    expect(renderHtml(summarise(evaluationOf()))).toContain("0 of 4 questions");
  });

  it("closes what it opens", () => {
    const open: string[] = [];
    for (const [, slash, name, self] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/gi)) {
      if (["meta"].includes(name) || self === "/") continue;
      if (slash === "") open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  });

  it("keeps every mark inside its chart, whatever the numbers", () => {
    const none = renderHtml(summarise(evaluationOf(GRADES.map(() => [0, 0, 0]))));
    for (const page of [html, none]) {
      expect(page).not.toMatch(/NaN|Infinity|undefined/);
      for (const [, width, height, content] of page.matchAll(/<svg viewBox="0 0 (\d+) (\d+)".*?>(.*?)<\/svg>/gs)) {
        for (const [, x, y] of content.matchAll(/<(?:circle|text|rect)[^>]*? c?x="([-\d.]+)" c?y="([-\d.]+)"/g)) {
          expect(Number(x)).toBeGreaterThanOrEqual(0);
          expect(Number(x)).toBeLessThanOrEqual(Number(width));
          expect(Number(y)).toBeGreaterThanOrEqual(0);
          expect(Number(y)).toBeLessThanOrEqual(Number(height));
        }
      }
    }
  });
});

describe("names and numbers", () => {
  it("an evaluation that names no method leaves out what says nothing there, and says so", () => {
    const namesOf = (members: number, temperature?: number) =>
      defaultMethods(members, temperature).methods.map(({ name }) => name as string);
    const all = everyMethod().map(({ name }) => name as string);
    expect(namesOf(2)).toEqual(all.filter((name) => !["me", "proxy", "fusion"].includes(name)));
    expect(namesOf(2, 1)).toEqual(all.filter((name) => !["proxy", "fusion"].includes(name)));
    expect(defaultMethods(3).notes).toEqual([expect.stringMatching(/^Not asked.* me \(.*proxy \(.*fusion \(/)]);
    expect(defaultMethods(1)).toEqual({ methods: [], notes: [expect.stringMatching(/^Only the member is asked/)] });
  });

  it("every registered method but single is a contender, titled with its options", () => {
    expect(everyMethod().map(({ name }) => name)).toEqual(
      methodInfos.map(({ name }) => name).filter((name) => name !== "single"),
    );
    expect(titleOf({ name: "gac", gate: "threshold", threshold: 0.6 })).toBe("gac gate=threshold threshold=0.6");
    const fusion = {
      name: "fusion",
      rule: { name: "product" },
      weights: { name: "perplexity", tau: 0.5 },
    } as const;
    expect(titleOf(fusion)).toBe("fusion rule=product weights.name=perplexity weights.tau=0.5");
  });

  it.each([
    [0, "0"],
    [0.01234, "0.012"],
    [0.5, "0.50"],
    [9.994, "9.99"],
    [9.996, "10.0"],
    [312.4, "312"],
    [999.6, "1.00k"],
    [84_000, "84.0k"],
    [1_528_480, "1.53M"],
    [7.2e9, "7.20G"],
  ])("%d reads %s", (value, text) => expect(quantity(value)).toBe(text));

  it("percent and points have one digit, points a sign", () => {
    expect([percent(0.8636), percent(1), points(0.359), points(-0.004), points(-0.0001), points(0)]).toEqual([
      "86.4",
      "100.0",
      "+35.9",
      "−0.4",
      "0.0",
      "0.0",
    ]);
  });
});

it("lists every selection and regeneration that needs no table, all on one set of answers", () => {
  const chosen = everyAfter({ samples: 3 });
  expect(chosen.every(({ samples, temperature }) => samples === 3 && temperature === 0.7)).toBe(true);
  const names = chosen.map(({ name }) => name);
  const all = [...selectionInfos, ...regenerationInfos].map(({ name }) => name);
  expect(names).toEqual(all.filter((name) => !["llm-topla", "more"].includes(name)));
  expect(() => everyAfter({ samples: 0 })).toThrow(/samples.*at least 1/);
});
