/** What the documentation shows is run as it stands, and what it names exists. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { generatedPages } from "../scripts/docs/pages.js";

const run = promisify(execFile);
const cli = path.join("dist", "cli.js");
const pages = ["README.md", ...readdirSync("docs").map((file) => path.join("docs", file))].filter((file) =>
  file.endsWith(".md"),
);
const texts = new Map(pages.map((file) => [file, readFileSync(file, "utf8")]));
/** What a reader holds in the hand at once. */
const README_BYTES = 10_240;

describe("library examples", () => {
  const snippets = [...texts].flatMap(([file, text]) =>
    [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code], index) => [file, index + 1, code] as const),
  );
  /** Inside the project, where the package's own name leads to the build. */
  const folder = path.join(".cache", "readme");

  it("are found in the README", () => {
    expect(snippets.some(([file]) => file === "README.md")).toBe(true);
  });

  it.each(snippets)("%s example %i runs", async (page, index, code) => {
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, `${path.basename(page, ".md")}-${index}.mts`);
    writeFileSync(file, code);
    const { stdout } = await run(process.execPath, ["--import", "tsx", file]);
    expect(stdout.trim().length).toBeGreaterThan(10);
    if (page === "README.md") {
      expect(stdout).toMatch(/moo/);
      expect(stdout).toMatch(/stop|length/);
    }
  });

  it.each(readdirSync("examples").filter((name) => name.endsWith(".mjs")))("examples/%s runs", async (name) => {
    const { stdout } = await run(process.execPath, [path.join("examples", name)]);
    expect(stdout.trim().length).toBeGreaterThan(10);
  });
});

describe("every page", () => {
  it("is written anew by npm run docs without a change", () => {
    for (const [file, text] of Object.entries(generatedPages()))
      expect(text === readFileSync(file, "utf8"), `${file} is out of date: npm run docs`).toBe(true);
  });

  it("names only npm scripts that exist", () => {
    const scripts = JSON.parse(readFileSync("package.json", "utf8")).scripts as Record<string, string>;
    for (const [file, text] of texts)
      for (const [, script] of text.matchAll(/npm run ([\w:]+)/g)) expect(scripts, file).toHaveProperty([script]);
  });

  it("links only to files and headings that exist", () => {
    for (const [file, text] of texts) {
      for (const [, target] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
        const [to, anchor] = target.split("#");
        const linked = to === "" ? file : path.join(path.dirname(file), to);
        expect(existsSync(linked), `${file} links to ${target}`).toBe(true);
        if (anchor !== undefined)
          expect(anchorsOf(readFileSync(linked, "utf8")), `${file} links to ${target}`).toContain(anchor);
      }
    }
  });

  it("shows only commands and options that the command line has", async () => {
    const helps = new Map<string, string>();
    const helpOf = async (command: string) => {
      if (!helps.has(command)) {
        const { stdout } = await run(process.execPath, [cli, ...command.split(" ").filter(Boolean), "--help"]);
        helps.set(command, stdout);
      }
      return helps.get(command)!;
    };
    const commands = [...(await helpOf("")).matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name);
    for (const [file, text] of texts) {
      for (const [, line] of text.matchAll(/(?:npx |`)llamafuse ([a-z][^\n`]*)/g)) {
        const [name, sub] = line.split(/\s+/);
        expect(commands, `${file}: llamafuse ${line}`).toContain(name);
        const help = await helpOf(
          ["route", "cascade"].includes(name) && /^[a-z]+$/.test(sub ?? "") ? `${name} ${sub}` : name,
        );
        for (const [, flag] of line.replace(/#.*/, "").matchAll(/\s(--[a-z-]+)/g))
          expect(help, `${file}: llamafuse ${line}`).toContain(flag);
      }
    }
  });
});

it("keeps the README short, with every method in it", async () => {
  const readme = texts.get("README.md")!;
  expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(README_BYTES);
  const { stdout } = await run(process.execPath, [cli, "methods", "--json"]);
  for (const { name } of JSON.parse(stdout) as { name: string }[]) expect(readme).toContain(`\`${name}\``);
});

/** The headings of a page, as a link names them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
