/** Escape sequences in names and texts do not reach the terminal, by any command, with colours and without. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { field } from "../../scripts/lib/gguf-writer.js";
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import { colorsFor, shownOn } from "../../src/cli/terminal.js";
import { models, run } from "./run.js";

const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-escapes-"));
afterAll(() => rmSync(folder, { recursive: true }));
/** Renames the window, erases the screen, hides text, and a control sequence in one character. */
const HOSTILE = "a\u001b]0;owned\u0007b\u001b[2Jc\u001b[8md\u009b31me\u007f\u0085";
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const CONTROL = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]|\u001b(?!\[\d{1,3}m)/;

describe("text on a terminal", () => {
  it("keeps our own colours where there are any, and nothing else", () => {
    const terminal = { isTTY: true } as NodeJS.WriteStream;
    const before = { ...process.env };
    process.env.FORCE_COLOR = "1";
    delete process.env.NO_COLOR;
    const { cyan, dim } = colorsFor(terminal);
    const shown = shownOn(terminal, dim(`${cyan("name")} ${HOSTILE}\n\tnext`));
    process.env.FORCE_COLOR = "0";
    const plain = shownOn(terminal, `${cyan("name")} ${HOSTILE}`);
    Object.assign(process.env, before);
    expect(shown).toContain(cyan("name"));
    expect(shown).not.toMatch(CONTROL);
    expect(shown).not.toContain("\u001b[8m");
    expect(shown).toContain("\n\tnext");
    expect(plain).not.toContain("\u001b");
  });
});

describe.skipIf(models === undefined)("hostile names and texts", () => {
  const member = path.join(folder, `${HOSTILE}.gguf`);
  copyFileSync(models![0], member);
  const [named] = writeTinyModel(path.join(folder, "named.gguf"), {
    metadata: { "general.name": field.string(HOSTILE) },
  });

  it.each([
    ["inspect", member, named],
    ["inspect", member, named, "--json"],
    ["generate", "-M", HOSTILE, "Once"],
    ["route", "explain", path.join(folder, `none ${HOSTILE}.json`), "Once"],
    [HOSTILE],
  ])("%s %s …", async (...args) => {
    for (const FORCE_COLOR of ["0", "1"]) {
      const { stdout, stderr } = await run(args, { env: { FORCE_COLOR } });
      expect(stdout + stderr).not.toMatch(CONTROL);
      if (FORCE_COLOR === "0") expect(stdout + stderr).not.toContain("\u001b");
    }
  });
});
