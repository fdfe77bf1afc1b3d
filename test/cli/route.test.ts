import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_ROUTER } from "../../src/before/default-router.js";
import { topicTable } from "../support/outcome-tables.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { run } from "./run.js";

const at = temporaryFolder();

function tableFile(name: string, rows: number, seed: number, models = 3): string {
  const { table } = topicTable(rows, seed);
  const lines = table.queries.flatMap((query, row) =>
    table.models.slice(0, models).map((model, column) =>
      JSON.stringify({
        query: `${query} of table ${seed}`,
        model,
        quality: table.quality.get(row, column),
        cost: table.cost.get(row, column),
      }),
    ),
  );
  return at(name, `${lines.join("\n")}\n`);
}

const train = tableFile("train.jsonl", 120, 1);
const test = tableFile("test.jsonl", 80, 2);

interface Report {
  baselines: Record<string, { aiq: number; quality: number; cost: number }>;
  routers: { name: string; points: { knob: object; quality: number; cost: number }[] }[];
  leaked: { query: string }[];
}

describe("llamafuse route eval", () => {
  it("--json has the baselines and every router with its curve", async () => {
    const ended = await run([
      "route",
      "eval",
      "--train",
      train,
      "--test",
      test,
      "-r",
      "knn",
      "-r",
      "knn:k=5",
      "--json",
    ]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const report = JSON.parse(ended.stdout) as Report;
    for (const name of ["random", "bestSingle", "zeroRouter", "oracle"]) {
      const { aiq, quality, cost } = report.baselines[name];
      for (const value of [aiq, quality, cost]) expect(value).toEqual(expect.any(Number));
    }
    expect(report.baselines.bestSingle).toMatchObject({ model: "sage", cost: 10 });
    expect(report.baselines.oracle.quality).toBeGreaterThanOrEqual(report.baselines.bestSingle.quality);
    expect(report.routers.map(({ name }) => name)).toEqual(["knn", "knn:k=5"]);
    for (const router of report.routers) {
      expect(router).toMatchObject({
        aiq: expect.any(Number),
        // Three models have no one gap between a weak and a strong one.
        apgr: null,
        overZero: expect.any(Number),
        better: true,
        quality: expect.any(Number),
        cost: expect.any(Number),
        decideMs: expect.any(Number),
        fitMs: expect.any(Number),
      });
      expect(router.points.length).toBeGreaterThan(5);
      for (const { knob, quality, cost } of router.points) {
        expect(Object.values(knob).every((value) => typeof value === "number")).toBe(true);
        expect(quality).toBeGreaterThanOrEqual(0);
        expect(cost).toBeGreaterThan(0);
      }
    }
  });

  it("evaluates every router in folds, and writes a page with the curves", async () => {
    const html = at("report.html");
    const small = tableFile("small.jsonl", 60, 5, 2);
    const args = ["route", "eval", "--train", small, "--folds", "2", "--resamples", "0", "--html", html];
    const ended = await run(args);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/60 queries in 2 folds, 2 models/);
    expect(ended.stdout).not.toContain("does best here");
    for (const row of ["random", "best single", "zero router", "oracle", "knn"]) {
      expect(ended.stdout).toMatch(new RegExp(`^${row}.* \\d`, "m"));
    }
    expect(readFileSync(html, "utf8")).toContain("<svg");
  });

  it("says which routers are better than the zero router, and whether the default one is significantly worse", async () => {
    const ended = await run(["route", "eval", "--train", train, "--test", test, "-r", "knn", "-r", DEFAULT_ROUTER]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^Better than the zero router, which mixes single models, corrected for 2 routers: /m);
    expect(ended.stdout).toMatch(/vs zero/);
  });

  it("names queries that stand in both tables and takes them out of the training table", async () => {
    const both = at("both.jsonl", readFileSync(train, "utf8") + readFileSync(test, "utf8"));
    const ended = await run(["route", "eval", "--train", both, "--test", test, "-r", "knn", "--json"]);
    const report = JSON.parse(ended.stdout) as Report & { train: { rows: number } };
    expect(report.leaked).toHaveLength(80);
    expect(report.train.rows).toBe(120);
  });

  it.each([
    [["--train", "nowhere.csv"], /nowhere\.csv/, 3],
    [["--train", train, "--test", train], /--folds/, 3],
    [["--train", train, "-r", "knnn"], /Did you mean "knn".*llamafuse route list/, 2],
    [["--train", train, "-r", "knn", "-r", "knn"], /The router knn is given twice/, 2],
    [["--train", train, "--threads", "-1"], /--threads must be an integer >= 0; found -1/, 2],
    [["--train", train, "--resamples", "-3"], /--resamples must be an integer >= 0; found -3/, 2],
    [["--train", train, "-s", "1.5"], /--seed must be an integer from 0/, 2],
    [["--train", train, "--folds", "1000"], /--folds must be an integer from 2 to 120/, 2],
    [["--train", train, "-r", "knn:k=0"], /option "k" of knn/, 2],
    [["--train", train, "--leave-out", "bard"], /bard/, 2],
    [["--train", train, "--price", "poet"], /MODEL=COST/, 2],
    [["--train", train, "--leave-out", "poet", "--leave-out", "clerk", "-r", "knn"], /only sage/, 3],
    [["--train", train, "--test", test, "--folds", "3"], /--folds/, 2],
    [["--train", train, "--html", "/nowhere/at/all.html"], /all\.html/, 3],
  ])("%j is one line that says what is wrong", async (args, message, code) => {
    const ended = await run(["route", "eval", ...args]);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr.trimEnd()).not.toContain("\n");
  });
});

describe("llamafuse route fit and explain", () => {
  const file = at("router.json");

  it("saves a router that explains itself", async () => {
    const fitted = await run(["route", "fit", "--train", train, "-r", "knn:k=7", "-o", file]);
    expect(fitted).toMatchObject({ code: 0, stderr: "" });
    expect(fitted.stdout).toMatch(/knn on 120 queries and 3 models/);
    const explained = await run(["route", "explain", file, "--lambda", "0.02", "rhyme number 3", "--json"]);
    expect(explained).toMatchObject({ code: 0, stderr: "" });
    const decision = JSON.parse(explained.stdout);
    expect(Object.keys(decision.scores)).toEqual(["poet", "clerk", "sage"]);
    expect(decision.models).toHaveLength(1);
    expect(decision.costs).toEqual({ poet: 1, clerk: 2, sage: 10 });
    const shown = await run(["route", "explain", file, "rhyme number 3"]);
    expect(shown.stdout).toMatch(/^→ +(poet|clerk|sage) /m);
    expect(shown.stdout.split("\n")[0]).toContain("by the best estimate");
  });

  it.each([
    [["--budget", "0.1"], /budget 0\.1 is below the cheapest/, 2],
    [["--lambda", "1", "--budget", "5"], /set at once/, 2],
    [["--preference", "7"], /preference is 7/, 2],
  ])("explain refuses %j", async (args, message, code) => {
    const ended = await run(["route", "explain", file, ...args, "a query"]);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toMatch(message);
  });

  it("says that no score reaches a threshold, and heads scores as such", async () => {
    const shown = await run(["route", "explain", file, "--threshold", "2", "rhyme number 3"]);
    expect(shown.stdout.split("\n")[0]).toContain("by threshold 2, which no score reaches");
    expect(shown.stdout).toMatch(/ model +score +cost$/m);
  });

  it("lists the chosen of equal scores first", async () => {
    const constant = at("all-right.jsonl", readFileSync(train, "utf8").replace(/"quality":0/g, '"quality":1'));
    const dear = at("dear.json");
    await run(["route", "fit", "--train", constant, "-r", "knn", "--leave-out", "poet", "-o", dear]);
    const swapped = JSON.parse(readFileSync(dear, "utf8"));
    expect(swapped.models).toEqual(["clerk", "sage"]);
    swapped.models.reverse();
    swapped.costs.reverse();
    const shown = await run(["route", "explain", at("swapped.json", JSON.stringify(swapped)), "rhyme number 3"]);
    expect(shown.stdout).toMatch(/cost\n→ +clerk .*\n +sage /);
  });

  it.each([
    [["-r", "knn", "-r", "eagle"], /--router is given twice \(knn and eagle\)/],
    [["-s", "-5"], /--seed must be an integer from 0 .* found -5/],
    [["-s", "1.5"], /--seed must be an integer from 0 .* found 1\.5/],
  ])("fit refuses %j", async (args, message) => {
    const ended = await run(["route", "fit", "--train", train, "-o", at("none.json"), ...args]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toMatch(message);
  });

  it("fit notes that costs are assumed, and which files of a folder were read", async () => {
    mkdirSync(at("parts"));
    for (const name of ["law_train", "law_test"]) {
      const content = `prompt,weak,strong\n${Array.from({ length: 20 }, (_, row) => `${name} ${row},${row % 2 ? "True" : "False"},True`).join("\n")}\n`;
      at(`parts/${name}.csv`, content);
    }
    const fitted = await run(["route", "fit", "--train", at("parts"), "-r", "knn", "-o", at("parts.json")]);
    expect(fitted).toMatchObject({ code: 0, stderr: "" });
    expect(fitted.stdout).toMatch(/^note .*parts is one table of 2 files: law_test\.csv, law_train\.csv\.$/m);
    expect(fitted.stdout).toMatch(/^note The table has no costs; assumed cost per call: weak 0, strong 1\.$/m);
  });

  it("refuses a file of another version", async () => {
    const old = at("old.json", readFileSync(file, "utf8").replace('"version":1', '"version":0'));
    const ended = await run(["route", "explain", old, "a query"]);
    expect(ended).toMatchObject({ code: 3, stdout: "" });
    expect(ended.stderr).toMatch(/old\.json was saved as version 0; .* Fit the router again/);
  });
});

describe("bad tables", () => {
  const lines = (rows: object[]) => rows.map((row) => JSON.stringify(row)).join("\n");
  const outcomes = (of: (query: number) => object[]) =>
    lines(
      Array.from({ length: 12 }, (_, query) => of(query).map((row) => ({ query: `question ${query}`, ...row }))).flat(),
    );
  const both = (a: object, b: object) =>
    outcomes(() => [
      { model: "a", ...a },
      { model: "b", ...b },
    ]);

  it.each<[string, string, RegExp]>([
    ["one model", outcomes(() => [{ model: "a", quality: 1 }]), /has only a\. Add outcomes of another model/],
    ["a model without any quality", both({ quality: 1 }, { quality: null }), /the model b has no quality in any row/],
    ["no quality at all", both({}, {}), /the model a has no quality in any row/],
    [
      "costs of one model only",
      both({ quality: 1, cost: 2 }, { quality: 0, cost: "NaN" }),
      /b has no cost .*--price b=COST/,
    ],
    [
      "a cost that is no number",
      both({ quality: 1, cost: "cheap" }, { quality: 0 }),
      /:1: cost is "cheap", which is not a number/,
    ],
    ["a negative cost", both({ quality: 1, cost: -2 }, { quality: 0 }), /:1: cost is -2; 0 or more/],
    ["a quality above 1", both({ quality: 7 }, { quality: 0 }), /:1: the quality is 7; 0 to 1/],
  ])("%s is one line that names the table", async (name, content, message) => {
    const file = at(`${name.replaceAll(" ", "-")}.jsonl`, content);
    for (const args of [
      ["fit", "-o", at("none.json")],
      ["eval", "--folds", "2", "-r", "knn"],
    ]) {
      const ended = await run(["route", ...args, "--train", file]);
      expect(ended).toMatchObject({ code: 3, stdout: "" });
      expect(ended.stderr).toMatch(message);
      expect(ended.stderr).toContain(path.basename(file));
      expect(ended.stderr.trimEnd()).not.toContain("\n");
    }
  });

  it("a quality that never changes is learned and evaluated all the same", async () => {
    const file = at("constant.jsonl", both({ quality: 1, cost: 1 }, { quality: 1, cost: 2 }));
    const fitted = await run(["route", "fit", "--train", file, "-o", at("constant.json"), "--json"]);
    expect(fitted).toMatchObject({ code: 0, stderr: "" });
    const evaluated = await run(["route", "eval", "--train", file, "--folds", "2", "--resamples", "20", "--json"]);
    expect(evaluated.code).toBe(0);
    const { baselines, routers } = JSON.parse(evaluated.stdout) as Report & { routers: { quality: number }[] };
    expect(baselines.bestSingle).toMatchObject({ model: "a", quality: 1, cost: 1 });
    for (const { quality } of routers) expect(quality).toBe(1);
  });

  it("a model that only one of two tables knows is named", async () => {
    const known = at("known.jsonl", both({ quality: 1, cost: 1 }, { quality: 0, cost: 2 }));
    const other = at(
      "other.jsonl",
      lines([
        { query: "x", model: "a", quality: 1 },
        { query: "x", model: "c", quality: 1 },
      ]),
    );
    const ended = await run(["route", "eval", "--train", known, "--test", other, "-r", "knn"]);
    expect(ended).toMatchObject({ code: 3, stdout: "" });
    expect(ended.stderr).toMatch(/other\.jsonl has no outcomes of b, which .*known\.jsonl trains on/);
  });

  it("a router whose embedder is another than the one it was fitted on is refused", async () => {
    const file = at("fitted.json");
    await run(["route", "fit", "--train", train, "-r", "knn", "-o", file]);
    const saved = JSON.parse(readFileSync(file, "utf8"));
    const other = at("other.json");
    await run(["route", "fit", "--train", test, "-r", "knn", "-o", other]);
    const { state } = JSON.parse(readFileSync(other, "utf8")).embedder;
    const mixed = at("mixed.json", JSON.stringify({ ...saved, embedder: { ...saved.embedder, state } }));
    const ended = await run(["route", "explain", mixed, "a query"]);
    expect(ended).toMatchObject({ code: 6, stdout: "" });
    expect(ended.stderr).toMatch(/mixed\.json was made with the embedder tfidf:.* Fit the router again/);
  });
});

const shared = path.resolve(import.meta.dirname, "../../../shared/routing/routerbench");
describe.skipIf(!existsSync(shared))("on RouterBench", () => {
  it("knows the models' means and takes the published columns", async () => {
    const [from, to] = ["train", "test"].map((part) => path.join(shared, `winograde_${part}.csv`));
    const ended = await run([
      "route",
      "eval",
      "--train",
      from,
      "--test",
      to,
      "-r",
      "knn",
      "--json",
      "--resamples",
      "0",
    ]);
    const { baselines } = JSON.parse(ended.stdout) as Report;
    expect(baselines.bestSingle).toMatchObject({ model: "gpt-4-1106-preview", quality: expect.closeTo(325 / 380, 9) });
    expect(baselines.random.quality).toBeCloseTo(0.6096, 4);
    expect(baselines.zeroRouter.aiq).toBeLessThan(baselines.oracle.aiq);
  });
});
if (!existsSync(shared)) console.warn("skipped: the tests on RouterBench need ../shared/routing");
