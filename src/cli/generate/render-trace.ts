/**
 * The trace as a person reads it: one line a step, then the answer painted by whose favourite each piece was.
 *
 *      0 "Once"             ███████▎ 0.91  ● "Once" 0.95       ● "Once" 0.88
 *      1 " upon"            ████▌    0.56  ● " upon" 0.97        " there" 0.61
 *
 * From left: the step, the chosen piece, its fused probability as a bar and a number, and for each member its own
 * favourite with the probability that this member gave it; ● marks a favourite that was chosen, ◐ one that the chosen
 * piece begins with. Of bytes, the member's share of the chosen one's probability follows. A color stands for the members that
 * had the chosen piece as their favourite: green for all, a member's own color for this one alone. Pieces that were written
 * ahead have no probability here.
 *
 * Of methods that choose among whole texts, a line for each: ● before the chosen one, then who wrote it, the method's score and
 * each member's part in it.
 */

import { TextStream } from "../../decoding/text-stream.js";
import type { TraceCandidate, TracePiece, TraceStep, TraceText } from "../../decoding/trace.js";
import { samePiece } from "../../decoding/trace.js";
import { printable } from "../../printable.js";
import { displayWidth, fitted, type Painted, quoted, quotedBytes, wrapped } from "../columns.js";
import { type Colors, oneLine } from "../terminal.js";

/** Every line keeps within this, or within a narrower terminal. */
export const TRACE_COLUMNS = 100;

const PIECE_COLUMNS = 18;
const BAR_COLUMNS = 8;
/** `   0 "piece"            ████████ 1.00` */
const FUSED_COLUMNS = 4 + 1 + PIECE_COLUMNS + 1 + BAR_COLUMNS + 1 + 4;
const MAX_MEMBER_COLUMNS = 30;
/** What is shown of a text. */
const TEXT_COLUMNS = 32;
/** `  ● "abc…" 0.99`: less would show nothing of the piece. */
const MIN_MEMBER_COLUMNS = 15;
/** `  ● "a" 0.99 100 %` */
const MIN_SHARE_COLUMNS = 20;
/** ` +12` */
const MORE_COLUMNS = 4;
/** One member and how many more there are; a terminal that has less breaks the lines. */
const LEAST_COLUMNS = FUSED_COLUMNS + MIN_MEMBER_COLUMNS + MORE_COLUMNS;
/** `■ ` before and `    1  40 %` behind a winner. */
const COUNT_COLUMNS = 14;

/** The columns of a trace on this stream: a terminal's, where it is one. */
export function traceColumns({ columns }: { columns?: number }): number {
  return Math.max(LEAST_COLUMNS, Math.min(TRACE_COLUMNS, columns || TRACE_COLUMNS));
}

type Paint = (text: string) => string;

/** One line (two at step 0, the first naming the columns), each with its line break. */
export function renderStep(step: TraceStep, colors: Colors, columns = TRACE_COLUMNS): string {
  return `${step.index === 0 ? `${header(step, colors, columns)}\n` : ""}${stepLine(step, colors, columns)}\n`;
}

/** What the steps come to: the answer painted by winner, what the colors mean and how often, and the times. */
export function renderSummary(steps: readonly TraceStep[], colors: Colors, columns = TRACE_COLUMNS): string {
  if (steps.length === 0) return "";
  const names = steps[0].members.map(({ name }) => name);
  const groups = new Map<string, { label: string; paint: Paint; order: number; count: number }>();
  const runs: Painted[] = [];
  const stream = new TextStream();
  for (const step of steps) {
    const { label, order, paint } = winnerOf(step, names, colors);
    const group = groups.get(label) ?? { label, paint, order, count: 0 };
    groups.set(label, group);
    group.count++;
    runs.push({ text: printable(stream.push(bytesOf(step.chosen))), paint: group.paint });
  }
  runs.push({ text: stream.flush(), paint: String });
  const counts = [...groups.values()].sort((a, b) => a.order - b.order || b.count - a.count);
  const labelColumns = Math.min(
    70,
    columns - COUNT_COLUMNS,
    Math.max(...counts.map(({ label }) => displayWidth(label))),
  );
  const legend = counts.map(({ label, paint, count }) => {
    const share = `${Math.round((100 * count) / steps.length)} %`.padStart(6);
    return `${paint(`${colors.isColorSupported ? "■ " : ""}${fitted(label, labelColumns)}`)} ${String(count).padStart(5)}${share}`;
  });
  legend.push(...sharesLine(steps));
  const answer = wrapped(runs, columns);
  return `\n${answer}\n\n${legend.join("\n")}\n${wrapped([{ text: timesLine(steps), paint: colors.dim }], columns)}\n`;
}

/** How many members fit beside the fused choice, and how wide each one's column is. */
function memberColumns(count: number, columns: number): { shown: number; width: number } {
  const room = columns - FUSED_COLUMNS;
  const fitting = Math.floor(room / MIN_MEMBER_COLUMNS);
  const shown = count <= fitting ? count : Math.floor((room - MORE_COLUMNS) / MIN_MEMBER_COLUMNS);
  const width = Math.floor((count <= fitting ? room : room - MORE_COLUMNS) / Math.max(1, shown));
  return { shown, width: Math.min(MAX_MEMBER_COLUMNS, width) };
}

function header({ members }: TraceStep, colors: Colors, columns: number): string {
  const { shown, width } = memberColumns(members.length, columns);
  const names = members.slice(0, shown).map(({ name }, index) => {
    return `    ${memberPaint(index, colors)(fitted(oneLine(name), width - 4))}`;
  });
  const more = members.length > shown ? colors.dim(` +${members.length - shown}`) : "";
  return `${colors.dim(fitted("step chosen", FUSED_COLUMNS))}${names.join("")}${more}`.trimEnd();
}

function stepLine(step: TraceStep, colors: Colors, columns: number): string {
  const { chosen, members, candidates } = step;
  if (candidates !== undefined) return textLines(step, candidates, colors, columns);
  const { paint } = winnerOf(
    step,
    members.map(({ name }) => name),
    colors,
  );
  const { shown, width } = memberColumns(members.length, columns);
  const piece = paint(fitted(visible(chosen), PIECE_COLUMNS));
  const isHeard = members.some(({ heard }) => heard);
  const sure = isHeard ? chosen.probability.toFixed(2) : "   –";
  const fused = `${piece} ${paint(bar(isHeard ? chosen.probability : 0))} ${sure}`;
  const cells = members.slice(0, shown).map(({ candidates, share }, index) => {
    const favourite: TraceCandidate | undefined = candidates[0];
    if (favourite === undefined) return colors.dim(fitted("    –", width));
    const won = samePiece(favourite, chosen);
    const own = share === undefined || width < MIN_SHARE_COLUMNS ? "" : ` ${percent(share)}`;
    const probability = `${Math.exp(favourite.logProb).toFixed(2)}${own}`;
    const text = visible(favourite);
    // The number stands right after the piece where there is room, and at the column's end where the piece is cut.
    const cell = `${fitted(text, Math.min(displayWidth(text), width - 5 - probability.length))} ${probability}`;
    const painted = won ? memberPaint(index, colors) : colors.dim;
    return painted(`  ${won ? "●" : begins(favourite, chosen) ? "◐" : " "} ${fitted(cell, width - 4)}`);
  });
  return `${colors.dim(String(step.index).padStart(4))} ${fused}${cells.join("")}`.trimEnd();
}

/** All texts of a step, the chosen one first. */
function textLines(step: TraceStep, texts: readonly TraceText[], colors: Colors, columns: number): string {
  const names = step.members.map(({ name }) => name);
  const { paint } = winnerOf(step, names, colors);
  const ordered = [...texts].sort((a, b) => Number(b.isChosen) - Number(a.isChosen));
  const lines = ordered.map(({ text, bytes, end, writers, score, scores, isChosen }, place) => {
    const index = colors.dim((place === 0 ? String(step.index) : "").padStart(4));
    const said = text === "" ? "⟨end⟩" : `${visible({ text, bytes })}${end ? " ⟨end⟩" : ""}`;
    const parts = Object.entries(scores).map(([name, own]) => `${oneLine(name)} ${shownScore(own)}`);
    const by = `${shownScore(score)}  by ${writers.map(oneLine).join(", ")}; ${parts.join(", ")}`;
    const room = Math.max(MIN_MEMBER_COLUMNS, columns - TEXT_COLUMNS - 8);
    const line = ` ${isChosen ? "●" : "○"} ${fitted(said, TEXT_COLUMNS)} ${fitted(by, room)}`.trimEnd();
    return index + (isChosen ? paint(line) : colors.dim(line));
  });
  return lines.join("\n");
}

function shownScore(score: number | null): string {
  return score === null ? "∞" : score.toPrecision(3);
}

interface Winner {
  label: string;
  /** Where the legend lists it: all, each member, several members, nobody; behind them, steps that were settled before. */
  order: number;
  paint: Paint;
}

function winnerOf({ favourite, members, candidates }: TraceStep, names: readonly string[], colors: Colors): Winner {
  const heard = candidates === undefined ? members.filter((member) => member.heard).length : members.length;
  if (heard === 0) return { label: "written ahead", order: names.length + 3, paint: colors.dim };
  if (favourite.length === 0) return { label: "nobody's favourite", order: names.length + 2, paint: colors.red };
  if (favourite.length === heard && heard > 1)
    return { label: candidates === undefined ? "agreed by all" : "written by all", order: 0, paint: colors.green };
  if (favourite.length === 1) {
    const index = names.indexOf(favourite[0]);
    return { label: `won by ${oneLine(favourite[0])}`, order: 1 + index, paint: memberPaint(index, colors) };
  }
  return { label: `won by ${favourite.map(oneLine).join(" and ")}`, order: names.length + 1, paint: colors.bold };
}

function memberPaint(index: number, colors: Colors): Paint {
  const palette = [colors.cyan, colors.magenta, colors.yellow, colors.blue];
  const bright = [colors.cyanBright, colors.magentaBright, colors.yellowBright, colors.blueBright];
  return [...palette, ...bright][index % 8];
}

function visible(piece: TracePiece): string {
  if (piece.end) return "⟨end⟩";
  return piece.bytes === undefined ? quoted(piece.text) : quotedBytes(piece.bytes);
}

const percent = (share: number) => `${Math.round(100 * share)} %`.padStart(5);

/** Eighths of a column, from nothing to full. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

function bar(probability: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, probability)) * BAR_COLUMNS * 8);
  return ("█".repeat(eighths >> 3) + EIGHTHS[eighths & 7]).padEnd(BAR_COLUMNS);
}

function begins(start: TracePiece, piece: TracePiece): boolean {
  const bytes = bytesOf(start);
  return bytes.length > 0 && Buffer.compare(bytes, bytesOf(piece).subarray(0, bytes.length)) === 0;
}

function bytesOf(piece: TracePiece): Uint8Array {
  return piece.bytes === undefined ? Buffer.from(piece.text) : Buffer.from(piece.bytes, "hex");
}

/** Of bytes: how much of what was chosen is each member's, on average. */
function sharesLine(steps: readonly TraceStep[]): string[] {
  const shared = steps.filter(({ members }) => members.some(({ share }) => share !== undefined));
  if (shared.length === 0) return [];
  const means = shared[0].members.map(({ name }, index) => {
    const sum = shared.reduce((total, { members }) => total + (members[index].share ?? 0), 0);
    return `${oneLine(name)} ${percent(sum / shared.length).trim()}`;
  });
  return [`share of the chosen bytes: ${means.join(", ")}`];
}

function timesLine(steps: readonly TraceStep[]): string {
  const mean = (part: keyof TraceStep["ms"]) => steps.reduce((sum, { ms }) => sum + ms[part], 0) / steps.length;
  const [decode, fuse, sync] = [mean("decode"), mean("fuse"), mean("sync")];
  const total = (decode + fuse + sync).toFixed(2);
  const parts = `decode ${decode.toFixed(2)}, fuse ${fuse.toFixed(2)}, sync ${sync.toFixed(2)}`;
  return `${steps.length} ${steps.length === 1 ? "step" : "steps"}, ${total} ms each: ${parts}`;
}
