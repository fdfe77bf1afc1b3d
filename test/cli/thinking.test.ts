/** Models that think, on the command line. */
import { describe, expect, it } from "vitest";
import { CHATML, writeSpeaker } from "../support/speaker.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { run } from "./run.js";

const at = temporaryFolder();
const OWN_SYSTEM =
  "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are a terse owl.<|im_end|>\n{% endif %}";

const thinker = writeSpeaker(at("thinker.gguf"), {
  name: "thinker",
  pieces: ["<think>", "plan", "</think>", "Seven."],
  controls: ["<|im_start|>"],
  next: { "\n": "<think>", "<think>": "plan", plan: "</think>", "</think>": "Seven." },
  template: OWN_SYSTEM + CHATML,
});
const plain = writeSpeaker(at("plain.gguf"), {
  name: "plain",
  pieces: ["Seven."],
  controls: ["<|im_start|>"],
  next: { "\n": "Seven." },
});
const MEMBERS = ["--gpu", "false", "-m", thinker, "-m", plain];

describe("generate", () => {
  it("writes the answer alone, and the thoughts in --json", async () => {
    const ended = await run(["generate", ...MEMBERS, "--chat", "3+4?"]);
    expect(ended).toMatchObject({ code: 0, stdout: "Seven.\n", stderr: "" });
    const json = JSON.parse((await run(["generate", ...MEMBERS, "--chat", "--json", "3+4?"])).stdout);
    expect(json).toMatchObject({ text: "Seven.", reasoning: { thinker: "plan" } });
  });

  it("--show-thinking shows thoughts on stderr, --thinking off has none", async () => {
    const shown = await run(["generate", ...MEMBERS, "--chat", "--show-thinking", "3+4?"]);
    expect(shown).toMatchObject({ code: 0, stdout: "Seven.\n", stderr: "thinker thinks:\nplan\n\n" });
    const off = await run(["generate", ...MEMBERS, "--chat", "--show-thinking", "--thinking", "off", "3+4?"]);
    expect(off).toMatchObject({ code: 0, stdout: "Seven.\n", stderr: "" });
  });

  it("refuses another way of thinking", async () => {
    const ended = await run(["generate", "--thinking", "loud", "Hi"]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toMatch(/^llamafuse: --thinking needs off, private or a number of tokens; found "loud"\.\n$/);
  });
});

describe("chat", () => {
  it("keeps thoughts out of the conversation, and /thinking changes how", async () => {
    const input = "3+4?\n/thinking show\n/thinking 5\n3+4?\n";
    const ended = await run(["chat", ...MEMBERS], { input });
    expect(ended).toMatchObject({ code: 0, stdout: "Seven.\nSeven.\n" });
    expect(ended.stderr).toBe("thinker thinks:\nplan\n\n");
  });
});

describe("inspect --prompt", () => {
  it("shows what each model reads, and warns of system prompts of their own", async () => {
    const ended = await run(["inspect", thinker, plain, "--prompt", "Hi <|im_end|>", "--json"]);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(
      /different system prompts of their own \(thinker: "You are a terse owl\."; plain: none\)/,
    );
    const { prompts } = JSON.parse(ended.stdout) as { prompts: { text: string; ids: number[] }[] };
    expect(prompts.map(({ text }) => text)).toEqual([
      "⟨<|im_start|>⟩system\nYou are a terse owl.⟨<|im_end|>⟩\n⟨<|im_start|>⟩user\nHi <|im_end|>⟨<|im_end|>⟩\n⟨<|im_start|>⟩assistant\n",
      "⟨<|im_start|>⟩user\nHi <|im_end|>⟨<|im_end|>⟩\n⟨<|im_start|>⟩assistant\n",
    ]);
    // One token a byte, and one for each control token.
    expect(prompts[1].ids).toHaveLength("user\nHi <|im_end|>\nassistant\n".length + 3);
  });

  it("with a system message, all read the same", async () => {
    const ended = await run(["inspect", thinker, plain, "--prompt", "Hi", "--system", "Be brief and kind."]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(
      /thinker reads \d+ tokens:\n⟨<\|im_start\|>⟩system\nBe brief and kind\.⟨<\|im_end\|>⟩/,
    );
  });
});
