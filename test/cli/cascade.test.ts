import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OutcomeTable } from "../../src/before/table/outcome-table.js";
import { cascadeTable } from "../support/cascade-tables.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { run } from "./run.js";

const at = temporaryFolder();

/** A row for every sample. */
function lines(table: OutcomeTable): string {
  return table.queries
    .flatMap((query, row) =>
      table.models.flatMap((model, column) => {
        const cell = row * table.models.length + column;
        return table.answers![cell]!.map((answer, sample) =>
          JSON.stringify({
            query,
            model,
            quality: table.sampleQuality![cell]![sample],
            cost: table.cost.data[cell],
            answer,
            verifier: table.verifier!.data[cell],
            logProbs: table.logProbs![cell],
            classProbabilities: table.classProbabilities![cell],
            latencyMs: 10 * (column + 1),
            subject: table.subjects![row],
          }),
        );
      }),
    )
    .join("\n");
}

const train = at("train.jsonl", lines(cascadeTable(100, 1, { models: 2, samples: 2 })));
const test = at("test.jsonl", lines(cascadeTable(40, 2, { models: 2, samples: 2 })));
const file = at("cascade.json");

describe("llamafuse cascade", () => {
  it("fits, explains a table and a query, and repeats what the library says", async () => {
    const fitted = await run(["cascade", "fit", "--train", train, "-o", file, "--json"]);
    expect(fitted).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(fitted.stdout)).toMatchObject({
      cascade: "quantile-deferral",
      rows: 100,
      chain: ["wren", "crow"],
    });
    const summary = JSON.parse((await run(["cascade", "explain", file, "--table", test, "--json"])).stdout);
    expect(summary).toMatchObject({ cascade: "quantile-deferral", queries: 40 });
    const [wren, crow] = summary.models;
    expect(wren).toMatchObject({ model: "wren", asked: 1 });
    expect(wren.kept + crow.kept).toBeCloseTo(1);
    expect(crow.asked).toBeCloseTo(crow.kept);
    const never = await run(["cascade", "explain", file, "--table", test, "--threshold", "-1", "--json"]);
    expect(JSON.parse(never.stdout).models[1]).toMatchObject({ asked: 0 });
    const told = await run(["cascade", "explain", file, "--table", test, "--query", "question 3", "--threshold", "2"]);
    expect(told.stdout).toMatch(
      /1\. wren is asked first\n2\. wren defers to crow: score .* < threshold 2\n3\. crow is the last model/,
    );
    expect(readFileSync(file, "utf8")).toContain('"llamafuse-cascade"');
  });

  it("judges all cascades that a table can serve beside a router, by cost and by latency", async () => {
    const asked = ["cascade", "eval", "--train", train, "--test", test, "-r", "knn", "--resamples", "10"];
    const ended = await run([...asked, "--json"]);
    expect(ended.code).toBe(0);
    const { routers, skipped, baselines } = JSON.parse(ended.stdout);
    expect(skipped).toEqual([]);
    const names = routers.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["log-probability", "mot", "c3po", "automix", "cascade-routing", "knn"]),
    );
    expect(baselines.bestSingle.model).toBe("crow");
    const quick = ["-c", "log-probability", "--resamples", "0", "--by", "latency", "--html", at("page.html")];
    const page = await run(["cascade", "eval", "--train", train, "--folds", "2", ...quick]);
    expect(page).toMatchObject({ code: 0 });
    expect(page.stdout).toMatch(/cascade +AIQ/);
    expect(readFileSync(at("page.html"), "utf8")).toContain("Cascades on");
  });

  it.each([
    [
      ["fit", "--train", train, "-c", "frugal-gtp", "-o", file],
      /Unknown cascade "frugal-gtp"\. Did you mean "frugal-gpt"/,
      2,
    ],
    [["fit", "--train", train, "-c", "mot:sampels=3", "-o", file], /Did you mean "samples"/, 2],
    [["fit", "--train", train, "-c", "mot", "-c", "c3po", "-o", file], /--cascade is given twice/, 2],
    [["fit", "--train", train, "-c", "mot:chain=raven", "-o", file], /"chain" of mot must be a list/, 2],
    [["explain", file, "--table", test, "--budget", "0"], /budget/, 2],
    [["explain", file, "--table", test, "--query", "none"], /no query with the id or text "none"/, 2],
    [["explain", train, "--table", test], /is not a saved cascade/, 3],
  ])("refuses %j", async (args, message, code) => {
    const ended = await run(["cascade", ...args]);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toMatch(message);
  });

  it("says what is pointless, and fits it all the same: one model, equal answers, empty ones, a dear bad model", async () => {
    const one = at("one.jsonl", lines(cascadeTable(20, 1, { models: 1, samples: 1 })));
    const fitted = await run(["cascade", "fit", "--train", one, "-c", "log-probability", "-o", at("one.json")]);
    expect(fitted.code).toBe(0);
    expect(fitted.stdout).toMatch(/has one model, wren; a cascade of it is that model/);
    for (const [answer, told] of [
      ["equal", /All answers in .* are equal/],
      ["empty", /Every answer in .* is empty/],
    ] as const) {
      const table = at(`${answer}.jsonl`, lines(cascadeTable(40, 1, { models: 2, samples: 2, answer })));
      const ended = await run(["cascade", "fit", "--train", table, "-c", "mot:samples=2", "-o", at(`${answer}.json`)]);
      expect(ended.code).toBe(0);
      expect(ended.stdout).toMatch(told);
    }
    const turned = cascadeTable(40, 1, { models: 2, samples: 1 });
    const dear = at(
      "dear.jsonl",
      lines(turned).replaceAll('"model":"wren"', '"model":"z"').replaceAll('"model":"crow"', '"model":"a"'),
    );
    const order = await run(["cascade", "fit", "--train", dear, "-o", at("dear.json"), "--json"]);
    // By cost, not by name.
    expect(JSON.parse(order.stdout).chain).toEqual(["z", "a"]);
    const strangers = await run(["cascade", "explain", at("dear.json"), "--table", test]);
    expect(strangers).toMatchObject({ code: 6, stdout: "" });
    expect(strangers.stderr).toMatch(/was fitted on z, a, and .* has no outcomes of z, a/);
  });

  it("says that four queries are too few, and never writes over the table that it reads", async () => {
    const few = at("few.jsonl", lines(cascadeTable(4, 1, { models: 2, samples: 1 })));
    const before = readFileSync(few, "utf8");
    const fitted = await run([
      "cascade",
      "fit",
      "--train",
      few,
      "-c",
      "log-probability",
      "-o",
      at("few.json"),
      "--json",
    ]);
    expect(fitted.code).toBe(0);
    expect(JSON.parse(fitted.stdout).notes).toContainEqual(expect.stringMatching(/has 4 queries: .* fewer than 50/));
    const over = await run(["cascade", "fit", "--train", few, "-o", few]);
    expect(over).toMatchObject({ code: 2, stdout: "" });
    expect(over.stderr).toContain("the result would replace it");
    expect(readFileSync(few, "utf8")).toBe(before);
  });

  it("budget 0 asks the cheapest model alone", async () => {
    const saved = at("frugal.json");
    await run(["cascade", "fit", "--train", train, "-c", "frugal-gpt", "-o", saved]);
    const ended = await run(["cascade", "explain", saved, "--table", test, "--budget", "0", "--json"]);
    expect(JSON.parse(ended.stdout).models).toMatchObject([{ asked: 1 }, { asked: 0 }]);
  });

  it("teaches in every --help with examples of its own", async () => {
    const parts = ["list", "fit", "eval", "explain"];
    const helps = await Promise.all(parts.map((part) => run(["cascade", part, "--help"])));
    for (const [index, { stdout, code }] of helps.entries()) {
      expect(code).toBe(0);
      expect(stdout).toContain(`$ llamafuse cascade ${parts[index]}`);
      expect(stdout.split("\n").every((line) => line.length <= 80)).toBe(true);
    }
  });
});
