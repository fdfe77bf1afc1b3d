import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { addCommonOptions, addEnsembleOptions, addSamplingOptions } from "../../../src/cli/options.js";
import { explained, refuseForeignOptions } from "../../../src/cli/reflexes.js";

function program(): Command {
  const made = new Command("llamafuse").exitOverride().configureOutput({ outputError: () => {}, writeOut: () => {} });
  const generate = made
    .command("generate")
    .argument("[PROMPT]")
    .option("--chat")
    .option("--system <text>")
    .action(() => {});
  addSamplingOptions(addEnsembleOptions(generate));
  addCommonOptions(generate);
  made
    .command("methods")
    .argument("[NAME]")
    .action(() => {});
  return made;
}

/** The message that these words end in; "" where they are understood. */
async function messageOf(...words: string[]): Promise<string> {
  const made = program();
  try {
    refuseForeignOptions(words, made);
    await made.parseAsync(words, { from: "user" });
    return "";
  } catch (error) {
    return (explained(error, words, made) as Error).message;
  }
}

describe("options of other programs", () => {
  it.each([
    ["--temp", "--temperature"],
    ["--temp=1", "--temperature"],
    ["-c", "--context-size"],
    ["--ctx-size", "--context-size"],
    ["--num_ctx", "--context-size"],
    ["-ngl", "--gpu-layers"],
    ["--n-gpu-layers", "--gpu-layers"],
    ["--n-predict", "--max-tokens"],
    ["--n_predict", "--max-tokens"],
    ["--max_tokens", "--max-tokens"],
    ["--model", "--member"],
    ["-hf", "--member hf:USER/REPO"],
    ["--top_k", "--top-k"],
    ["--repeat-penalty", "--repetition-penalty"],
    ["-sys", "--system"],
    ["--reverse-prompt", "--stop"],
  ])("%s: use %s", async (flag, ours) => {
    expect(await messageOf("generate", flag, "8", "Once")).toBe(`Unknown option '${flag}'. Use ${ours}.`);
  });

  it("--prompt: the prompt is the last word", async () => {
    expect(await messageOf("generate", "-p", "Once")).toMatch(
      /^Unknown option '-p'\. Give the prompt as the last word/,
    );
  });

  it("suggests nothing that the command has not", async () => {
    expect(await messageOf("methods", "--temp", "1")).not.toMatch(/--temperature/);
    expect(await messageOf("methods", "-p", "1")).toBe("error: unknown option '-p'");
  });

  it("leaves values, our own options and typing errors alone", async () => {
    expect(await messageOf("generate", "--stop", "-ngl", "-n", "8", "Once")).toBe("");
    expect(await messageOf("generate", "--temprature", "1")).toMatch(/Did you mean --temperature/);
  });
});
