import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DEFAULT_ROUTER } from "../../src/before/default-router.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { models, run } from "./run.js";

const at = temporaryFolder();

/** "How many …?" is robin's, "Where …?" is wren's. */
const THINGS = ["hen", "deer", "tree", "lake", "road", "lamp"];
const rows = THINGS.flatMap((thing) =>
  [`How many are three ${thing}s?`, `Where does the ${thing} live?`].flatMap((query, half) =>
    ["robin", "wren"].map((model, column) =>
      JSON.stringify({ query, model, quality: Number(column === half), cost: 1 }),
    ),
  ),
);
const table = at("birds.jsonl", `${rows.join("\n")}\n`);
const router = at("router.json");

describe.skipIf(models === undefined)("llamafuse generate with a router", () => {
  it("asks the member that the router chooses, and says why", async () => {
    const fitted = await run(["route", "fit", "--train", table, "-r", "knn:k=3", "-o", router]);
    expect(fitted).toMatchObject({ code: 0, stderr: "" });
    const asked = ["generate", "-M", "knn", "-o", `router=${router}`, "-n", "4", "Where does the hen live?"];
    const members = models!.flatMap((model) => ["-m", model]);
    const ended = await run([...asked, ...members, "--json"]);
    expect(ended.code).toBe(0);
    const result = JSON.parse(ended.stdout);
    expect(result).toMatchObject({ method: "knn", route: { models: ["wren"], loaded: ["wren"], evicted: [] } });
    expect(result.route.reason).toMatch(/^wren .* passed over robin/);
  });

  it.each([
    [["-M", "knn"], /knn is a router and needs a fitted router file/, 2],
    [["-M", "eagle", "-o", `router=${router}`], /router\.json is a knn router; use the method knn instead of eagle/, 2],
    [["-M", "knn", "-o", `router=${at("none.json")}`], /none\.json/, 3],
    [["-M", "knn", "-o", `router=${router}`, "-o", "memory=1000"], /needs .* the memory for members is/, 4],
    [["-M", "knn", "-o", `router=${router}`, "-o", "lamda=1"], /Did you mean "lambda"/, 2],
    [["-M", "knn", "-o", `router=${router}`, "-m", models?.[0] ?? ""], /can choose wren/, 6],
  ])("refuses %j", async (args, message, code) => {
    const ended = await run(["generate", ...args, "-n", "2", "Once"]);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toMatch(message);
  });
});

describe.skipIf(models === undefined)("from an evaluation to a router at work", () => {
  const members = (models ?? []).flatMap((model) => ["-m", model]);
  const quick = ["eval", ...members, "--threads", "1", "--limit", "6"];
  const [outcomes, saved, ledger] = [at("outcomes.jsonl"), at("fitted.json"), at("runs.ledger")];

  it("eval --outcomes asks the members alone and writes what route fit reads", async () => {
    const asked = await run([...quick, "--limit", "30", "--outcomes", outcomes, "--json"]);
    expect(asked).toMatchObject({ code: 0, stderr: "" });
    const [task] = JSON.parse(asked.stdout).tasks;
    expect(task.rows.map(({ kind }: { kind: string }) => kind)).toEqual(["member", "member", "oracle"]);
    const written = readFileSync(outcomes, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(written).toHaveLength(60);
    for (const [index, { id, question, tags, results }] of task.questions.entries()) {
      for (const [place, model] of ["robin", "wren"].entries()) {
        expect(written[2 * index + place]).toEqual({
          queryId: `native/${id}`,
          query: `Question: ${question}\nAnswer:`,
          model,
          quality: results[place].grade,
          cost: expect.closeTo(0.03, 1),
          completionTokens: expect.any(Number),
          latencyMs: expect.any(Number),
          answer: results[place].text.trim(),
          dataset: "native",
          subject: tags[0],
          tags,
        });
      }
    }
    const fitted = await run(["route", "fit", "--train", outcomes, "-o", saved]);
    expect(fitted).toMatchObject({ code: 0, stderr: "" });
    expect(fitted.stdout).toContain(`${DEFAULT_ROUTER} on 30 queries and 2 models`);
  });

  const evaluate = () => run([...quick, "-M", `${DEFAULT_ROUTER}:router=${saved}`, "--ledger", ledger, "--json"]);
  /** Lines of the ledger that are no claims: its head, and an answer each. */
  const lines = () => {
    const all = readFileSync(ledger, "utf8").trimEnd().split("\n");
    return all.filter((line) => !("claim" in JSON.parse(line))).length;
  };

  it("eval grades it beside its members", async () => {
    const first = await evaluate();
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const { rows } = JSON.parse(first.stdout).tasks[0];
    const [robin, wren, routed, oracle] = rows;
    expect(rows.map(({ kind }: { kind: string }) => kind)).toEqual(["member", "member", "method", "oracle"]);
    expect(routed.name).toBe(`${DEFAULT_ROUTER} router=${saved}`);
    expect(routed.all.value).toBeLessThanOrEqual(oracle.all.value);
    // One member is asked, not both.
    expect(routed.cost.tokens).toBeLessThanOrEqual(Math.max(robin.cost.tokens, wren.cost.tokens) * 1.2);
    expect(lines()).toBe(1 + 3 * 6);
  });

  it("eval asks the same router nothing again, and all once it was fitted anew", async () => {
    await evaluate();
    expect(lines()).toBe(1 + 3 * 6);
    const refitted = await run(["route", "fit", "--train", table, "-o", saved]);
    expect(refitted.code).toBe(0);
    await evaluate();
    expect(lines()).toBe(1 + 4 * 6);
  });

  it.each([
    ["knn", at("none.json"), /none\.json/, 3],
    ["eagle", router, /router\.json is a knn router; use the method knn instead of eagle/, 2],
  ])("eval refuses %s with %s", async (name, file, message, code) => {
    const ended = await run([...quick, "-M", `${name}:router=${file}`]);
    expect(ended).toMatchObject({ code, stdout: "" });
    expect(ended.stderr).toMatch(message);
  });

  it("eval refuses a router without its file", async () => {
    const ended = await run([...quick, "-M", "knn"]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toMatch(/knn is a router and needs a fitted router file/);
  });
});

describe.skipIf(models === undefined)("llamafuse route describe", () => {
  const routes = [
    { name: "animals", description: "how animals live", model: "wren" },
    { name: "numbers", description: "counting", model: "robin" },
  ];

  it("makes a router of descriptions, which explains itself", async () => {
    const file = at("described.json");
    const words = at("routes.json", JSON.stringify(routes));
    const env = { LLAMAFUSE_EMBEDDINGS: at("embeddings") };
    const made = await run(["route", "describe", words, "--model", models![0], "-o", file], { env });
    expect(made).toMatchObject({ code: 0, stderr: "", stdout: `${file}: 2 routes to wren, robin\n` });
    const explained = await run(["route", "explain", file, "How many?", "--json"], { env });
    expect(explained.code).toBe(0);
    const { models: chosen, scores } = JSON.parse(explained.stdout);
    expect(scores.wren + scores.robin).toBeCloseTo(1, 6);
    expect(chosen).toEqual([scores.wren >= scores.robin ? "wren" : "robin"]);
  });

  it.each([
    ["no JSON", /not JSON/],
    [JSON.stringify([{ name: "a" }]), /description/],
    [JSON.stringify(routes.map((route) => ({ ...route, name: "two\nlines" }))), /one line/],
  ])("refuses %j", async (content, message) => {
    const words = at("bad.json", content);
    const ended = await run(["route", "describe", words, "--model", models![0], "-o", at("bad-out.json")]);
    expect(ended).toMatchObject({ code: 3, stdout: "" });
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).toContain("bad.json");
  });
});
