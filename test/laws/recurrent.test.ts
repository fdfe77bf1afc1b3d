/**
 * The laws, on models that keep a state in the place of a cache of keys and values, or beside one, and go back by checkpoints:
 * Mamba, Granite hybrid and LFM2 of random weights.
 */
import {
  RECURRENT_ARCHITECTURES,
  type TinyRecurrentOptions,
  writeTinyRecurrent,
} from "../../scripts/lib/tiny-recurrent.js";
import type { LawMembers } from "../../src/laws/law.js";
import type { LawRun } from "../../src/laws/method-laws.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { lawsOfMethods, load, ROUNDING, setOf } from "./llama-members.js";
import { memberLaws } from "./member.js";

const at = temporaryFolder();
const write = (name: string, options: TinyRecurrentOptions) => writeTinyRecurrent(at(`${name}.gguf`), options);

for (const architecture of RECURRENT_ARCHITECTURES) {
  const model = write(architecture, { architecture });
  memberLaws(architecture, () => load(model), { tolerance: ROUNDING });
}

const mamba = write("sp-mamba", { architecture: "mamba", seed: 2 });
const [granite, small, tiny] = [3, 5, 2].map((layers) =>
  write(`bpe-${layers}`, { architecture: layers === 2 ? "lfm2" : "granitehybrid", tokenizer: "bpe", layers }),
);
// Words of random bytes may be longer than these contexts.
const run: LawRun = { tolerance: 4 * ROUNDING, prompt: "the sea", maxTokens: 16 };

await lawsOfMethods(
  new Map<LawMembers, LawRun>([
    [setOf("Mamba and a hybrid", [mamba, granite]), run],
    [setOf("hybrids of one vocabulary", [granite, small]), run],
    [setOf("three hybrids of one vocabulary", [granite, small, tiny]), run],
    [setOf("Mamba", [mamba]), run],
  ]),
  "recurrent members",
);
