/**
 * Odd values against every public call: each one is answered, or refused by one LlamafuseError; none hangs, and what was
 * asked before is answered as before. By hand until all calls hold (LLAMAFUSE_LONG=1); the long form:
 * `npx tsx test/hardening/odd-calls.ts --count 1000`.
 */
import { expect, it } from "vitest";
import { askOddly } from "./odd-calls.js";

it.runIf(process.env.LLAMAFUSE_LONG)(
  "every public call answers odd values or refuses them by one typed error",
  { timeout: 300_000 },
  async () => {
    const { rawErrors, hangs, calls, outcomes } = await askOddly({ count: 10 });
    expect({ rawErrors, hangs }).toEqual({ rawErrors: {}, hangs: [] });
    expect(calls).toBeGreaterThan(300);
    expect(outcomes.answered).toBeGreaterThan(100);
  },
);
