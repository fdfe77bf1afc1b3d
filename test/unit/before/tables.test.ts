import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { pythonStrings } from "../../../src/before/table/formats/python-strings.js";
import { emptyMatrix, OutcomeTable } from "../../../src/before/table/outcome-table.js";
import { readOutcomeTable } from "../../../src/before/table/read.js";
import { matrixOf } from "../../../src/learning/matrix.js";
import { refusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
const rowsOf = (table: OutcomeTable, key: "quality" | "cost") =>
  table.queries.map((_, row) => table.models.map((_, column) => table[key].get(row, column)));

describe("tables from files", () => {
  it("JSONL, an outcome a line: samples are averaged, missing cells are NaN", async () => {
    const file = at(
      "long.jsonl",
      [
        { query: "1 + 1?", model: "a", quality: 1, cost: 0.5, answer: "2", latencyMs: 12, subject: "sums" },
        { query: "1 + 1?", model: "a", quality: 0, cost: 0.7, answer: "3" },
        { query: "sky?", model: "b", quality: true, promptTokens: 4, completionTokens: 9, tags: ["colour"] },
        { query: "sky?", model: "a", quality: null, cost: null },
      ]
        .map((row) => JSON.stringify(row))
        .join("\n\n"),
    );
    const table = await readOutcomeTable(file);
    expect(table.models).toEqual(["a", "b"]);
    expect(table.queries).toEqual(["1 + 1?", "sky?"]);
    expect(rowsOf(table, "quality")).toEqual([
      [0.5, Number.NaN],
      [Number.NaN, 1],
    ]);
    expect(table.cost.get(0, 0)).toBeCloseTo(0.6, 12);
    expect(table.answers).toEqual([["2", "3"], undefined, [], []]);
    expect(table.sampleQuality?.[0]).toEqual([1, 0]);
    expect(table.subjects).toEqual(["sums", undefined]);
    expect(table.tags).toEqual([[], ["colour"]]);
    expect(table.latencyMs?.get(0, 0)).toBe(12);
    expect(table.completionTokens?.get(1, 1)).toBe(9);
  });

  it("JSONL, a query a line, with embeddings", async () => {
    const wide = (query: string, embedding: number[]) =>
      JSON.stringify({
        query,
        queryId: query,
        embedding,
        outcomes: { a: { quality: 1, cost: 2 }, b: { quality: 0.25 } },
      });
    const table = await readOutcomeTable(at("wide.jsonl", `${wide("x", [1, 2])}\n${wide("y", [3, 4])}\n`));
    expect(rowsOf(table, "quality")).toEqual([
      [1, 0.25],
      [1, 0.25],
    ]);
    expect(Array.from(table.embeddings!.data)).toEqual([1, 2, 3, 4]);
    const bad = at("embeddings.jsonl", `${wide("x", [1, 2])}\n${wide("y", [3])}\n`);
    expect((await refusal(() => readOutcomeTable(bad))).message).toMatch(
      /"y" has an embedding of 1 numbers, others have 2/,
    );
  });

  it("CSV, an outcome a row", async () => {
    const file = at(
      "long.csv",
      '\ufeffquery,model,quality,cost,answer\n"a, ""b""\nc",m,1,0.1,yes\n"a, ""b""\nc",n,,0.2,no\n',
    );
    const table = await readOutcomeTable(file);
    expect(table.queries).toEqual(['a, "b"\nc']);
    expect(rowsOf(table, "quality")).toEqual([[1, Number.NaN]]);
    expect(rowsOf(table, "cost")).toEqual([[0.1, 0.2]]);
  });

  it("RouterBench: printed lists are read back, equal ids stay two queries", async () => {
    const header =
      ",sample_id,prompt,eval_name,x/a,b,x/a|model_response,b|model_response,x/a|total_cost,b|total_cost,oracle_model_to_route_to";
    const row = `0,s.1,"['It\\'s\\n""so""']",arc,1.0,,['A'],"[""it's""]",0.001,0.002,x/a`;
    const table = await readOutcomeTable(at("bench.csv", [header, row, row].join("\n")));
    expect(table.models).toEqual(["x/a", "b"]);
    expect(table.queries[0]).toBe('It\'s\n"so"');
    expect(table.ids).toEqual(["s.1", "s.1#2"]);
    expect(rowsOf(table, "quality")[1]).toEqual([1, Number.NaN]);
    expect(rowsOf(table, "cost")[0]).toEqual([0.001, 0.002]);
    expect(table.answers?.slice(0, 2)).toEqual([["A"], ["it's"]]);
    expect(table.datasets).toEqual(["arc", "arc"]);
  });

  it("RouterDC and RouteLLM; a folder is one table whose subjects are its files", async () => {
    const dc = at(
      "dc.json",
      '[{"question": "q [1]", "scores": {"m/a": 0.25, "b": 1}, "cluster_id": 3},\n {"question": "r", "scores": {"m/a": 0, "b": 0.5}}]',
    );
    const table = await readOutcomeTable(dc);
    expect(rowsOf(table, "quality")).toEqual([
      [0.25, 1],
      [0, 0.5],
    ]);
    expect(table.hasCosts).toBe(false);
    expect(table.subjects).toEqual(["3", undefined]);
    mkdirSync(at("folder"));
    at("folder/law.csv", "prompt,weak,strong\nq1,True,False\n");
    at("folder/art.csv", "prompt,weak,strong,weak_response\nq2,False,True,hm\n");
    const folder = await readOutcomeTable(at("folder"));
    expect(folder.models).toEqual(["weak", "strong"]);
    expect(folder.subjects).toEqual(["art", "law"]);
    expect(rowsOf(folder, "quality")).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  it("columns that are no models are left out and named: by their name, or as all of their cells are texts", async () => {
    const csv = " prompt , m.l ,s, Gold Label,why,empty\nq, 1,0, 1,as it is,\nr,nan,0.5, 0,,\n";
    const table = await readOutcomeTable(at("columns.csv", csv));
    expect(table.models).toEqual(["m.l", "s", "empty"]);
    expect(table.leftOutColumns).toEqual(["Gold Label", "why"]);
    expect(rowsOf(table, "quality")).toEqual([
      [1, 0, Number.NaN],
      [Number.NaN, 0.5, Number.NaN],
    ]);
    const named = await readOutcomeTable(at("label.csv", "prompt,label,label_response\nq,1,so\n"));
    expect(named.models).toEqual(["label"]);
    const mixed = await refusal(() => readOutcomeTable(at("mixed.csv", "prompt,a,b\nq,1,0\nr,1,yes\n")));
    expect(mixed.message).toMatch(/mixed\.csv:3: b is "yes".* If the column does not belong to a model, remove it/);
    const twice = await refusal(() => readOutcomeTable(at("twice.csv", "prompt,a,a \nq,1,0\n")));
    expect(twice.message).toMatch(/twice\.csv:1: two columns are named "a"/);
  });

  it("LLMRouter's rows, of one model and of a list, and Python's NaN", async () => {
    const one = { query: "q NaN", task_name: "t", model_name: "a", response: "so", performance: 0.5, input_tokens: 3 };
    const list = { query: "r", llm_name_list: ["a", "b"], perf_list: [1, "NONE"] };
    const text = `${JSON.stringify({ ...one, response_time: 0.25 })}\n${JSON.stringify(list).replace('"NONE"', "NaN")}\n`;
    const table = await readOutcomeTable(at("router.jsonl", text));
    expect(table.queries).toEqual(["q NaN", "r"]);
    expect(table.datasets).toEqual(["t", undefined]);
    expect(table.latencyMs?.get(0, 0)).toBe(250);
    expect(table.promptTokens?.get(0, 0)).toBe(3);
    expect(rowsOf(table, "quality")).toEqual([
      [0.5, Number.NaN],
      [1, Number.NaN],
    ]);
    const odd = at("odd.jsonl", JSON.stringify({ ...list, perf_list: [1] }));
    expect((await refusal(() => readOutcomeTable(odd))).message).toMatch(/as many entries as llm_name_list/);
  });

  it("one id in two files or data sets with other texts is two queries; in one it is refused with both texts", async () => {
    const row = (query: string, model: string, more = {}) =>
      JSON.stringify({ queryId: 0, query, model, quality: +(model === "a"), ...more });
    const files = [
      at("sums.jsonl", `${row("1 + 1?", "a")}\n${row("1 + 1?", "b")}\n`),
      at("towns.jsonl", `${row("Where?", "b")}\n${row("Where?", "a")}\n${row("1 + 1?", "c", { dataset: "sums" })}\n`),
    ];
    const table = await readOutcomeTable(files);
    expect(table.queries).toEqual(["1 + 1?", "Where?"]);
    expect(table.ids).toEqual(["0", "0#2"]);
    expect(rowsOf(table, "quality")).toEqual([
      [1, 0, 0],
      [1, 0, Number.NaN],
    ]);
    const sets = `${row("x", "a", { dataset: "one" })}\n${row("y", "a", { dataset: "two" })}\n`;
    expect((await readOutcomeTable(at("sets.jsonl", sets))).queries).toEqual(["x", "y"]);
    const bad = at("two-texts.jsonl", `${row("Who?", "a")}\n${row("When?", "b")}\n`);
    expect((await refusal(() => readOutcomeTable(bad))).message).toMatch(
      /two-texts\.jsonl:2: the query id "0" has two texts, "Who\?" and "When\?"/,
    );
  });

  it.each([
    ["quality.csv", "query,model,quality\nq,m,1\nr,m,1.5\n", /quality\.csv:3: the quality is 1\.5/],
    ["wide.csv", "prompt,a,b\nq,1,2\n", /wide\.csv:2: the quality of b is 2; 0 to 1/],
    ["word.csv", "query,model,quality\nq,m,good\n", /word\.csv:2: quality is "good", which is not a number/],
    ["cost.jsonl", '{"query":"q","model":"m","quality":1,"cost":-1}\n', /cost\.jsonl:1: cost is -1/],
    ["infinite.csv", "query,model,quality\nq,m,Infinity\n", /infinite\.csv:2/],
    ["model.jsonl", '{"query":"q","quality":1}\n', /model\.jsonl:1: model: /],
    ["json.jsonl", '{"query":"q","model":"m","quality":1}\n\n{"query": 1,}\n', /json\.jsonl:3: not JSON/],
    ["between.jsonl", '{"query":"q","model":"m","quality":1}\nhello\n', /between\.jsonl:2: "hello/],
    ["cut.json", '[{"question": "q", "scores": {"a": 1}},\n{"question": "r", "sco', /cut\.json:2: the text ends/],
    ["ragged.csv", "query,model,quality\nq,m,1\nr,m\n", /ragged\.csv:3: /],
    [
      "header.csv",
      "one,two\n1,2\n",
      /header\.csv is not a table of outcomes: the header is "one, two".* JSONL or CSV with query/,
    ],
    [
      "prose.md",
      "# A title\n\nOne, two, three, four.\n",
      /prose\.md is not a table of outcomes: .* JSONL or CSV with query/,
    ],
    ["empty.csv", " \n", /empty\.csv is empty/],
    ["none.csv", "query,model,quality\n", /none\.csv: the table has no rows/],
  ])("%s: a bad row is named by its line", async (name, text, message) => {
    const error = await refusal(() => readOutcomeTable(at(name, text)));
    expect(error.code).toBe("invalid-data");
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("\n");
  });

  it("a missing file, a folder without tables and text that is not UTF-8 are errors of their own", async () => {
    expect((await refusal(() => readOutcomeTable(at("missing.csv")))).code).toBe("file-unreadable");
    mkdirSync(at("bare"));
    expect((await refusal(() => readOutcomeTable(at("bare")))).message).toMatch(/without \.csv/);
    const latin = at("latin.csv", Uint8Array.of(0x71, 0x2c, 0xe4, 0x0a));
    expect((await refusal(() => readOutcomeTable(latin))).code).toBe("invalid-text");
  });

  const shared = path.resolve(import.meta.dirname, "../../../../shared/routing");
  it.skipIf(!existsSync(shared))("the published tables have the sizes and means that they are known by", async () => {
    const arc = await readOutcomeTable(path.join(shared, "routerbench/arc_challenge_train.csv"));
    expect([arc.rows, arc.models.length]).toEqual([1039, 11]);
    expect(arc.meansOf(arc.quality)[arc.column("gpt-4-1106-preview")]).toBeCloseTo(0.9534, 4);
    expect(arc.queries.every((query) => !query.startsWith("["))).toBe(true);
    const gsm8k = await readOutcomeTable(path.join(shared, "routellm/gsm8k_responses.csv"));
    expect([gsm8k.rows, ...gsm8k.meansOf(gsm8k.quality).map((mean) => Math.round(1e4 * mean) / 1e4)]).toEqual([
      1319, 0.6384, 0.8567,
    ]);
    const mmlu = await readOutcomeTable(path.join(shared, "routerdc/mmlu_test.json"));
    expect([mmlu.rows, mmlu.models.length]).toEqual([4213, 7]);
  });
});

describe("a table in memory", () => {
  const table = new OutcomeTable({
    name: "t",
    models: ["a", "b", "c"],
    queries: ["p", "q"],
    quality: matrixOf([
      [1, 0, Number.NaN],
      [0.5, 1, Number.NaN],
    ]),
    cost: matrixOf([
      [1, 2, 3],
      [Number.NaN, 4, 3],
    ]),
    answers: [["1"], ["2"], ["3"], ["4"], ["5"], ["6"]],
  });

  it("is cut by rows and by models, with every column that it has", () => {
    const rows = table.selectRows([1, 0]);
    expect(rows.queries).toEqual(["q", "p"]);
    expect(rows.answers).toEqual([["4"], ["5"], ["6"], ["1"], ["2"], ["3"]]);
    expect(rowsOf(rows, "quality")[0]).toEqual([0.5, 1, Number.NaN]);
    const models = table.selectModels(["c", "a"]);
    expect(rowsOf(models, "cost")).toEqual([
      [3, 1],
      [3, Number.NaN],
    ]);
    expect(models.answers).toEqual([["3"], ["1"], ["6"], ["4"]]);
  });

  it("has means of what is observed, and takes prices where nothing is", async () => {
    expect(Array.from(table.meansOf(table.quality))).toEqual([0.75, 0.5, Number.NaN]);
    expect(rowsOf(table.withPrices(new Map([["a", 9]])), "cost")).toEqual([
      [1, 2, 3],
      [9, 4, 3],
    ]);
    expect((await refusal(() => table.withPrices(new Map([["d", 1]])))).message).toMatch(/Known: a, b, c/);
  });

  it("refuses shapes, names and numbers that cannot be", async () => {
    const make = (parts: object) => refusal(() => new OutcomeTable({ ...table, ...parts }));
    expect((await make({ models: ["a", "a", "c"] })).message).toMatch(/"a" names two/);
    expect((await make({ cost: emptyMatrix(1, 3) })).message).toMatch(/cost is 1 × 3/);
    expect(
      (
        await make({
          quality: matrixOf([
            [1, 2, 0],
            [0, 0, 0],
          ]),
        })
      ).message,
    ).toMatch(/quality of b .* is 2/);
    expect((await make({ queries: [], ids: [] })).message).toMatch(/no rows/);
  });
});

it("strings as Python prints them", () => {
  expect(pythonStrings("['a\\n\\t\\\\b', \"it's\"]")).toEqual(["a\n\t\\b", "it's"]);
  expect(pythonStrings("['\\xe9\\u20ac\\U0001f600']")).toEqual(["é€😀"]);
  expect(pythonStrings("plain 'text'")).toEqual(["plain 'text'"]);
  expect(pythonStrings("'one'")).toEqual(["one"]);
});
