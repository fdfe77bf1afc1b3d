/** Models that think, as GGUF files in llama.cpp: what they write on their way is never text. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEnsemble, type Ensemble, type FusionChoice, loadMembers, type Members } from "../../src/index.js";
import { CHATML, writeSpeaker } from "../support/speaker.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const QUESTION = [{ role: "user", content: "3+4?" }] as const;
let members: Members;

const tags = {
  name: "tags",
  pieces: ["<think>", "plan ", "more", "</think>", "\n\n", "It is", " 7"],
  controls: ["<|im_start|>"],
  next: {
    "\n": "<think>",
    "<think>": "plan ",
    "plan ": "more",
    more: "</think>",
    "</think>": "\n\n",
    "\n\n": "It is",
    "It is": " 7",
  },
};
const marks = {
  name: "marks",
  pieces: ["plan.", "It is", " 7"],
  controls: ["[INST]", "[/INST]", "[THINK]", "[/THINK]"],
  next: { "[/INST]": "[THINK]", "[THINK]": "plan.", "plan.": "[/THINK]", "[/THINK]": "It is", "It is": " 7" },
  template: "{% for m in messages %}[INST]{{ m.content }}[/INST]{% endfor %}",
};
const plain = {
  name: "plain",
  pieces: ["It", " is", " 7"],
  controls: ["<|im_start|>"],
  next: { "\n": "It", It: " is", " is": " 7" },
  template: CHATML,
};

beforeAll(async () => {
  const files = [tags, marks, plain].map((speech) => ({
    name: speech.name,
    model: writeSpeaker(folder(`${speech.name}.gguf`), speech),
  }));
  members = await loadMembers({ members: files, gpu: false, schedule: "parallel" });
});
afterAll(() => members?.dispose());

async function answering(method: FusionChoice, ...names: string[]): Promise<Ensemble> {
  return await createEnsemble({ members: members.only(...names), method });
}

describe("models that think", () => {
  it.each([["unite"], ["gac"], ["abe"], ["product"], ["safe"], [{ name: "packllm", reference: "tags" }]] as const)(
    "%j: all answer, each behind its own thoughts",
    async (method) => {
      const ensemble = await answering(method, "tags", "marks", "plain");
      const result = await ensemble.generate([...QUESTION], { maxTokens: 20, thinking: "private" });
      expect(result).toMatchObject({
        text: "It is 7",
        reasoning: { tags: "plan more", marks: "plan." },
        finishReason: "stop",
      });
      const off = await ensemble.generate([...QUESTION], { maxTokens: 20, thinking: "off" });
      expect(off).toMatchObject({ text: "It is 7", finishReason: "stop" });
      expect(off).not.toHaveProperty("reasoning");
    },
  );

  it("say the same again, and no token of a thought is read twice", async () => {
    const ensemble = await answering("unite", "tags", "plain");
    const [first, second] = [
      await ensemble.generate([...QUESTION], { maxTokens: 20, thinking: "private" }),
      await ensemble.generate([...QUESTION], { maxTokens: 20, thinking: "private", reusePrompt: true }),
    ];
    expect(second).toMatchObject({ text: first.text, reasoning: first.reasoning!, usage: first.usage });
    // The thought, its marks and the line break behind it; then the answer's tokens.
    expect(first.usage.reasoningTokens).toEqual({ tags: 5, plain: 0 });
  });
});
