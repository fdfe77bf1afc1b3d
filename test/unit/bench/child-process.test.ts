import { afterAll, expect, it } from "vitest";
import { BenchChild } from "../../../bench/child-process.js";
import { refusal } from "../../support/refusal.js";

const child = new BenchChild();
afterAll(() => child.end());

it("hands back a task's own error, with its code", async () => {
  const job = { method: "gac", prompt: "Once", steps: 1 } as const;
  expect(await refusal(() => child.call("runPeer", job as never))).toMatchObject({
    code: "disposed",
    details: { allowed: "openPeer" },
  });
  const missing = { models: ["/nowhere.gguf"], prompt: "Once", contextSize: 64 };
  expect((await refusal(() => child.call("measureLoad", missing))).code).toBe("file-unreadable");
  // What llama.cpp says of a file is not Llamafuse's to check here.
  expect((await refusal(() => child.call("measureBareLoad", missing))).code).toBe("unsupported-model");
});
