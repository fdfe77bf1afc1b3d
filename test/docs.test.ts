/** What the documentation shows is run as it stands: the README's library example and every file in examples/. */
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const readme = readFileSync("README.md", "utf8");
const snippets = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
/** Inside the project, where the package's own name leads to the build. */
const folder = path.join(".cache", "readme");

it("finds the README's examples", () => {
  expect(snippets.length).toBeGreaterThan(0);
});

it.each(snippets.map((code, index) => [index + 1, code] as const))("README example %i runs", async (index, code) => {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `example-${index}.mts`);
  writeFileSync(file, code);
  const { stdout } = await run(process.execPath, ["--import", "tsx", file]);
  expect(stdout).toMatch(/moo/);
  expect(stdout).toMatch(/stop|length/);
});

it.each(readdirSync("examples"))("examples/%s runs", async (name) => {
  const { stdout } = await run(process.execPath, [path.join("examples", name)]);
  expect(stdout.trim().length).toBeGreaterThan(10);
});

it("names only commands, methods and files that exist", async () => {
  const { stdout } = await run(process.execPath, [path.join("dist", "cli.js"), "methods", "--json"]);
  for (const { name } of JSON.parse(stdout) as { name: string }[]) expect(readme).toContain(`\`${name}\``);
  const scripts = JSON.parse(readFileSync("package.json", "utf8")).scripts as Record<string, string>;
  for (const [, script] of readme.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([script]);
});
