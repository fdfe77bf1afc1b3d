/** On the terminal: every candidate with the reasons for and against it, and what to do next. */
import type { Determination, Reason } from "../../evaluation/determine.js";
import { isNativeName, nativeModel } from "../../native-models.js";
import { interval, percent, points, quantity } from "../../report/markup.js";
import { renderTable } from "../table.js";
import { type Colors, oneLine, shellWord } from "../terminal.js";

export function renderDetermination(determination: Determination, colors: Colors): string {
  const { models, questions, settings, notes } = determination;
  const rows = models.map(({ name, grade, gap, length, lengthRatio, isChosen, reason }) => [
    isChosen ? colors.green("✓") : colors.red("✗"),
    isChosen ? colors.bold(oneLine(name)) : oneLine(name),
    percent(grade.value),
    colors.dim(interval(grade)),
    reason === "best" ? "" : points(-gap),
    length === null ? "" : quantity(length),
    reason === "best" || lengthRatio === null ? "" : lengthRatio.toFixed(2),
    why(reason, settings),
  ]);
  const head = ["", "", "grade", "95 %", "vs best", "length", "ratio", ""];
  const title = `${colors.bold(settings.tasks.map(oneLine).join(", "))}  ${questions} questions, grades in percent, lengths in characters\n`;
  const table = renderTable(rows, { colors, head, right: [2, 3, 4, 5, 6], wrap: [7] });
  return `${title}${table}\n${advice(determination, colors)}${notes.map((note) => `${colors.yellow("note:")} ${oneLine(note)}\n`).join("")}`;
}

function why(reason: Reason, { maxGap, maxLengthRatio, most }: Determination["settings"]): string {
  switch (reason) {
    case "best":
      return "best";
    case "compatible":
      return "compatible";
    case "gap":
      return `more than ${percent(maxGap)} points below`;
    case "style":
      return `answers differ in length by more than ${maxLengthRatio}`;
    case "most":
      return `${most} are enough`;
  }
}

function advice({ models }: Determination, colors: Colors): string {
  const chosen = models.filter(({ isChosen }) => isChosen);
  if (chosen.length === 1) return `No other model is compatible with ${oneLine(chosen[0].name)}: use it alone.\n`;
  const members = chosen.map((each) => `-m ${shellWord(oneLine(memberWord(each)))}`).join(" ");
  return `Combine these ${chosen.length}:\n  ${colors.cyan(`llamafuse generate ${members} "…"`)}\n`;
}

/** As --member takes it. */
function memberWord({ name, model }: Determination["models"][number]): string {
  return isNativeName(name) && nativeModel(name).path === model ? name : model;
}
