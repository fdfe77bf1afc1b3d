/** `llamafuse bench`: measurements of this machine, by the bench suite. */
import type { Command } from "commander";
import { addCommonOptions } from "../options.js";

export function registerBench(program: Command): void {
  const command = program
    .command("bench")
    .summary("measure this machine")
    .description("Run a benchmark of the suite.")
    .argument("[NAME]", "which one");
  addCommonOptions(command).action(async () => {});
}
