/** The short form of the soak. */
import { expect, it } from "vitest";
import { soak } from "./soak.js";

it("answers of requests that run, wait and end beside each other are those of each alone", {
  timeout: 120_000,
}, async () => {
  const { differences, rawErrors, outcomes, requests } = await soak({ count: 400, seed: 5 });
  expect({ differences, rawErrors }).toEqual({ differences: [], rawErrors: [] });
  expect(requests).toBeGreaterThanOrEqual(400);
  for (const seen of ["answered: length", "answered: aborted", "refused: invalid-option", "left"])
    expect(outcomes[seen]).toBeGreaterThan(0);
});
