import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { run } from "./run.js";

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const COLOUR = /\u001b\[/;

describe("llamafuse", () => {
  it("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(await run(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  it.each([[[]], [["--help"]], [["help"]]])("%j tells what there is", async (args) => {
    const ended = await run(args);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    for (const command of ["generate", "chat", "methods", "inspect", "bench", "eval", "determine", "route", "train"])
      expect(ended.stdout).toContain(command);
  });

  it.each([
    "generate",
    "chat",
    "models",
    "methods",
    "inspect",
    "bench",
    "eval",
    "determine",
    "route",
    "train",
    "completion",
  ])("%s --help has examples", async (command) => {
    const ended = await run([command, "--help"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain(`$ llamafuse ${command}`);
    expect(ended.stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect((await run(["help", command])).stdout).toBe(ended.stdout);
  });

  it.each(["list", "eval", "fit", "explain", "describe"])(
    "route %s --help has examples of its own, within 80 columns",
    async (part) => {
      const ended = await run(["route", part, "--help"]);
      expect(ended).toMatchObject({ code: 0, stderr: "" });
      const examples = ended.stdout.slice(ended.stdout.indexOf("Examples:"));
      expect(examples).toContain(`$ llamafuse route ${part}`);
      for (const line of examples.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
      expect((await run(["help", "route", part])).stdout).toBe(ended.stdout);
    },
  );

  it("help of a part that there is not says which there are", async () => {
    expect((await run(["help", "route", "fits"])).stderr).toMatch(/Unknown command "fits"\. Did you mean "fit"/);
    expect((await run(["help", "methods", "unite"])).stderr).toMatch(/methods has no subcommands/);
  });

  it("route list has every router with its knobs, route list NAME and methods NAME its options", async () => {
    const listed = await run(["route", "list", "--json"]);
    const names = JSON.parse(listed.stdout).map(({ name }: { name: string }) => name);
    expect(names).toContain("llm-bandit");
    const table = await run(["route", "list"]);
    for (const name of names) expect(table.stdout).toMatch(new RegExp(`^${name} `, "m"));
    for (const knob of ["lambda", "threshold", "budget", "preference"])
      expect(table.stdout).toMatch(new RegExp(`^ +${knob} `, "m"));
    const one = await run(["route", "list", "knn"]);
    expect(one.stdout).toMatch(/^ +k +/m);
    expect(one.stdout).toMatch(/^ +preference +/m);
    expect((await run(["methods", "knn"])).stdout).toBe(one.stdout);
    expect((await run(["route", "--help"])).stdout).toContain("route list");
    expect((await run(["route", "fit", "--help"])).stdout).toContain("route list");
  });

  it("methods lists every method, methods NAME its options", async () => {
    const listed = await run(["methods", "--json"]);
    const names = JSON.parse(listed.stdout).map(({ name }: { name: string }) => name);
    expect(names).toContain("unite");
    const table = await run(["methods"]);
    for (const name of names) expect(table.stdout).toMatch(new RegExp(`^${name} `, "m"));
    const one = await run(["methods", "unite"]);
    expect(one.stdout).toMatch(/^ +k +How many/m);
  });

  it.each([
    ["a pipe", [], {}, false],
    ["FORCE_COLOR", [], { FORCE_COLOR: "1" }, true],
    ["NO_COLOR over FORCE_COLOR", [], { FORCE_COLOR: "1", NO_COLOR: "1" }, false],
    ["--no-color over FORCE_COLOR", ["--no-color"], { FORCE_COLOR: "1" }, false],
  ])("colours with %s", async (_, args, env, coloured) => {
    expect(COLOUR.test((await run(["methods", ...args], { env })).stdout)).toBe(coloured);
  });
});
