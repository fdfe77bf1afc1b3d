/**
 * Damaged routers, switching models and ledgers: each is refused by an error that names the file, or used; what is used
 * decides by finite numbers. Tables, ensemble files, tasks and alignment caches come from fuzz-files.ts. By hand, longer:
 * LLAMAFUSE_LONG=1, and `npx tsx test/hardening/fuzz-files.ts`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Answer } from "../../src/answers/answer-cache.js";
import { Ledger } from "../../src/answers/ledger.js";
import { isAnswer } from "../../src/answers/saved-answer.js";
import { routerInfos, routerNamed } from "../../src/before/registry.js";
import { restoreRouter } from "../../src/before/saved-router.js";
import { LlamafuseError } from "../../src/errors.js";
import { RandomGenerator } from "../../src/random.js";
import { firstModels, queryOf, topicTable } from "../support/outcome-tables.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { damagedJson } from "./damaged-json.js";
import { fuzzFiles } from "./fuzz-files.js";

const TIMES = process.env.LLAMAFUSE_LONG ? 2000 : 60;
const at = temporaryFolder();
const data = firstModels(topicTable(80, 7), 2);

describe("a damaged router", () => {
  it.each(routerInfos.map(({ name }) => name))(`%s is refused by name or decides, ${TIMES} times`, async (name) => {
    const router = routerNamed(name);
    await router.fit(data, { seed: 1 });
    const saved = router.toJSON();
    let used = 0;
    for (let seed = 0; seed < TIMES; seed++) {
      const text = damagedJson(saved, seed);
      try {
        const restored = restoreRouter(JSON.parse(text), "damaged.json");
        const { models, scores } = restored.decide(queryOf(data, seed % 80));
        expect([seed, Object.values(scores).every(Number.isFinite)]).toEqual([seed, true]);
        for (const model of models) expect(restored.models).toContain(model);
        used++;
      } catch (error) {
        if (error instanceof SyntaxError && text.length < JSON.stringify(saved).length * 4) continue;
        if (!(error instanceof LlamafuseError))
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
    expect(used).toBeGreaterThan(0);
  });
});

describe("a damaged ledger", () => {
  it(`gives whole answers only, and names the other lines, ${TIMES} times`, () => {
    const answer = { text: "fine", finishReason: "stop", steps: 1, tokens: [3], seconds: 0.5, promptSeconds: 0.1 };
    const file = at("ledger.jsonl");
    for (let seed = 0; seed < TIMES; seed++) {
      const random = new RandomGenerator(seed);
      const lines = Array.from({ length: 8 }, (_, index) => {
        const record = { key: `k${index}`, value: answer };
        return random.next() < 0.5 ? damagedJson(record, seed * 8 + index) : JSON.stringify(record);
      });
      writeFileSync(file, `{"llamafuse":"ledger","version":1}\n${lines.join("\n")}\n`);
      const ledger = new Ledger<Answer>(file, isAnswer);
      for (let index = 0; index < 8; index++) {
        const value = ledger.get(`k${index}`);
        if (value !== undefined) expect(isAnswer(value)).toBe(true);
        if (lines[index] === JSON.stringify({ key: `k${index}`, value: answer })) expect(value).toEqual(answer);
      }
      for (const place of ledger.broken) expect(place).toMatch(/ledger\.jsonl:[2-9]$/);
      ledger.set("new", answer as Answer);
      ledger.close();
      expect(readFileSync(file, "utf8").endsWith(`${JSON.stringify({ key: "new", value: answer })}\n`)).toBe(true);
    }
  });
});

describe("a damaged file of any kind", () => {
  it("is used, or refused by one error that names it", { timeout: 120_000 }, async () => {
    const { rawErrors, outcomes } = await fuzzFiles({ count: 20 });
    expect(rawErrors).toEqual([]);
    expect(Object.keys(outcomes).length).toBeGreaterThan(routerInfos.length + 15);
  });
});
