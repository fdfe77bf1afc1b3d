import { spawn, spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.js";
import { CLI, run } from "./run.js";

const at = temporaryFolder();
const here = (program: string) => spawnSync(program, ["--version"]).status === 0;
const hasTerminals = process.platform === "linux" && here("script");
const shells = ["bash", "zsh", "fish"].filter((shell) => here(shell) && (shell === "fish" || hasTerminals));
const missing = ["bash", "zsh", "fish"].filter((shell) => !shells.includes(shell));
if (missing.length > 0) console.warn(`skipped: completion in ${missing.join(", ")}, not installed here`);

/** A folder for PATH in which `llamafuse` is the command line that was built. */
let bin = "";
beforeAll(async () => {
  const command = at("llamafuse", `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`);
  chmodSync(command, 0o755);
  bin = path.dirname(command);
  for (const shell of shells) at(`script.${shell}`, (await run(["completion", shell])).stdout);
});

/** What a line becomes when Tab is pressed at its end, in a shell with a terminal of its own. */
async function completed(shell: string, line: string, becomes: RegExp): Promise<void> {
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: bin, TERM: "dumb", LLAMAFUSE_MODELS: bin };
  if (shell === "fish") {
    const { stdout } = spawnSync("fish", ["-c", `source ${at("script.fish")}; complete -C '${line}'`], { env });
    const words = line.split(" ").slice(0, -1).join(" ");
    expect(
      stdout
        .toString()
        .split("\n")
        .map((each) => `${words} ${each.split("\t")[0]} `),
    ).toContainEqual(expect.stringMatching(becomes));
    return;
  }
  const [start, prepare] = {
    bash: ["bash --norc --noprofile -i", ""],
    zsh: ["zsh -f -i", "autoload -U compinit; compinit -u -D; "],
  }[shell]!;
  const child = spawn("script", ["-qfec", start, "/dev/null"], { env, stdio: ["pipe", "pipe", "inherit"] });
  let seen = "";
  const shown = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      const look = () => pattern.test(seen) && resolve();
      child.stdout.on("data", (chunk: Buffer) => {
        // Terminals are told to move and clear, too; the letters are what counts.
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what such commands begin with
        seen += chunk.toString("utf8").replace(/\u001b\[[?\d;]*[a-zA-Z]|\u0007/g, "");
        look();
      });
      look();
    });
  child.stdin.write(`${prepare}source ${at(`script.${shell}`)}; echo rea''dy\n`);
  await shown(/ready/);
  // A Tab that comes while a busy machine still redraws the prompt is lost: Ctrl-U, and again.
  child.stdin.write(`${line}\t`);
  const again = setInterval(() => child.stdin.write(`\u0015${line}\t`), 8000);
  await shown(becomes);
  clearInterval(again);
  child.kill("SIGKILL");
}

describe.each(shells)("completion in %s", (shell) => {
  it.each([
    ["commands", "llamafuse generat", /llamafuse generate /],
    ["options", "llamafuse generate --temper", /generate --temperature /],
    ["methods", "llamafuse generate -M contr", /-M contrast /],
    ["routers", "llamafuse route fit -r llm-", /-r llm-bandit/],
    ["models of this machine", "llamafuse chat --member spar", /--member sparrow/],
    ["what a command takes", "llamafuse train cit", /train citer/],
  ])(
    "%s",
    async (_, line, becomes) => {
      await completed(shell, line, becomes);
    },
    60_000,
  );
});

describe("llamafuse completion", () => {
  it("names the shells that it knows", async () => {
    expect(await run(["completion", "bsh"])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/Did you mean "bash"/),
    });
  });
});
