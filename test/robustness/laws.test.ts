/** The member laws on real models from elsewhere (the native ones keep them in test/laws), and in processes of their own. */
import { it } from "vitest";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import { nativeModels } from "../../src/native-models.js";
import { memberLaws } from "../laws/member.js";
import { MODELS } from "./models.js";

const native = new Set(nativeModels().map(({ path }) => path));
const others = MODELS.filter(([, model]) => !native.has(model));

for (const [name, model] of others) {
  memberLaws(name, () => LlamaMember.load({ model, contextSize: 128 }, new SharedMemory()), { tolerance: 5e-3 });
}
it.skipIf(others.length > 0)("has no models from elsewhere to test", () => {});

const [{ path: robin }] = nativeModels();
memberLaws(
  "a process of its own",
  () => LlamaMember.load({ model: robin, contextSize: 128, isolate: true }, new SharedMemory()),
  { tolerance: 5e-3 },
);
