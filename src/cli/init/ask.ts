/** The short form of `llamafuse init` at a terminal. */
import { createInterface } from "node:readline/promises";
import { regenerationInfos } from "../../after/regenerate/registry.js";
import { selectionInfos } from "../../after/select/registry.js";
import { methodInfos } from "../../during/methods.js";
import { LlamafuseError, nearestName } from "../../errors.js";
import { findModels } from "../../model-stores/find-models.js";
import { STORE_TITLES } from "../../model-stores/store.js";
import { oneLine } from "../terminal.js";

interface Given {
  method?: string;
  chat?: boolean;
  system?: string;
}

/** Models and what was not given as an option. Errors: aborted, where the questions are left. */
export async function askForEnsemble({ method, chat, system }: Given): Promise<Given & { member: string[] }> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const left = new Promise<never>((_, reject) => {
    lines.once("close", () => reject(new LlamafuseError("aborted", "Nothing was written.")));
    lines.once("SIGINT", () => lines.close());
  });
  // Where no question waits any more, nobody listens.
  left.catch(() => {});
  const ask = (question: string) => Promise.race([lines.question(question), left]);
  try {
    const member = await askForMembers(ask);
    return {
      member,
      method: method ?? (member.length > 1 ? await askForMethod(ask) : undefined),
      chat:
        chat ??
        (system === undefined
          ? /^y/i.test((await ask("Chat templates (for instruct models)? [y/N] ")).trim())
          : undefined),
    };
  } finally {
    lines.close();
  }
}

type Ask = (question: string) => Promise<string>;

async function askForMembers(ask: Ask): Promise<string[]> {
  const { models } = findModels();
  const listed = models.map(
    ({ label, store }, at) => `  ${String(at + 1).padStart(3)}  ${oneLine(label)} (${STORE_TITLES[store]})\n`,
  );
  process.stderr.write(`Models of this machine:\n${listed.join("")}`);
  for (;;) {
    const words = (await ask("Members, by numbers, names or paths, with spaces between (default: robin wren finch): "))
      .trim()
      .split(/[\s,]+/)
      .filter((word) => word !== "");
    if (words.length === 0) return ["robin", "wren", "finch"];
    const wrong = words.find((word) => /^\d+$/.test(word) && models[Number(word) - 1] === undefined);
    if (wrong === undefined) return words.map((word) => (/^\d+$/.test(word) ? models[Number(word) - 1].label : word));
    process.stderr.write(`Number ${wrong} is not in the list; 1 to ${models.length} are listed.\n`);
  }
}

async function askForMethod(ask: Ask): Promise<string> {
  const infos = [...methodInfos, ...selectionInfos, ...regenerationInfos];
  const names = infos.map(({ name }) => name);
  for (;;) {
    const word = (await ask("Method (unite, gac, …; ? lists them; default: unite): ")).trim() || "unite";
    const [name] = word.split(":");
    if (names.includes(name)) return word;
    if (word === "?") for (const info of infos) process.stderr.write(`  ${info.name.padEnd(20)}${info.summary}\n`);
    else
      process.stderr.write(
        `Unknown method "${oneLine(name)}". Did you mean "${nearestName(name, names) ?? "unite"}"?\n`,
      );
  }
}
