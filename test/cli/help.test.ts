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

  it.each(["generate", "chat", "methods", "inspect", "bench", "eval", "determine", "route", "train"])(
    "%s --help has examples",
    async (command) => {
      const ended = await run([command, "--help"]);
      expect(ended).toMatchObject({ code: 0, stderr: "" });
      expect(ended.stdout).toContain(`$ llamafuse ${command}`);
      expect(ended.stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
      expect((await run(["help", command])).stdout).toBe(ended.stdout);
    },
  );

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
