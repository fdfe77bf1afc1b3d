/** The laws, on the native models in llama.cpp. */
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import { LlamaMember } from "../../src/member/llama-member.js";
import { nativeModels } from "../../src/native-models.js";
import { memberLaws } from "./member.js";
import { methodLaws } from "./method.js";

const [robin, wren] = nativeModels().map(({ path }) => path);
const load = (model: string, name?: string) => LlamaMember.load({ model, name, contextSize: 128 }, new SharedMemory());

/** Tokens decoded in other batches differ in the last bits of float32; this is what that makes of probabilities. */
const tolerance = 5e-3;

for (const model of [robin, wren]) memberLaws(model.replace(/^.*[\\/]/, ""), () => load(model), { tolerance });

methodLaws("unite on the native models", {
  method: { name: "unite" },
  covers: "some",
  make: async () => [await load(robin), await load(wren)],
  copy: () => load(robin, "again"),
  tolerance,
  prompt: "Once upon a time",
});
methodLaws("gac on the native models", {
  method: { name: "gac" },
  covers: "all",
  make: async () => [await load(robin), await load(wren)],
  copy: () => load(robin, "again"),
  tolerance,
  prompt: "Once upon a time",
});
