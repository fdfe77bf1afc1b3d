/** `llamafuse route fit` in this process: what it writes is read back as it was. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { describe, expect, it, vi } from "vitest";
import { embedQuery } from "../../../src/before/fitting/training-data.js";
import { routerInfos } from "../../../src/before/registry.js";
import { loadRouter } from "../../../src/before/saved-router.js";
import { registerRoute } from "../../../src/cli/route/command.js";
import { outcomeLines, topicTable } from "../../support/outcome-tables.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
const QUERY = "rhyme number 3";

async function route(...args: string[]): Promise<void> {
  const program = new Command().exitOverride().enablePositionalOptions();
  registerRoute(program);
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((_, done) => {
    (done as unknown as () => void)();
    return true;
  });
  try {
    await program.parseAsync(["route", ...args], { from: "user" });
  } finally {
    stdout.mockRestore();
  }
}

async function decisionOf(file: string) {
  const { router, embedder } = await loadRouter(file);
  return router.decide(await embedQuery(embedder, QUERY));
}

describe("route fit without flags", () => {
  const two = at("two.jsonl", outcomeLines(topicTable(60).table, 2));
  const three = at("three.jsonl", outcomeLines(topicTable(60).table));
  // What needs pairs is fitted on two models.
  const pairRouters = ["routellm", "hybrid-llm"];

  it.each(routerInfos.map(({ name }) => name))("%s is read back, and is that of -s 1", async (name) => {
    const [plain, seeded] = [at(`${name}.json`), at(`${name}-1.json`)];
    const train = pairRouters.includes(name) ? two : three;
    await route("fit", "--train", train, "-r", name, "-o", plain);
    await route("fit", "--train", train, "-r", name, "-s", "1", "-o", seeded);
    expect(readFileSync(plain, "utf8")).toBe(readFileSync(seeded, "utf8"));
    const decision = await decisionOf(plain);
    expect(decision.models.length).toBeGreaterThan(0);
    expect(await decisionOf(plain)).toEqual(decision);
  });
});
