/** The report of `inspect` for a person. */

import type { Device } from "../../llama/devices.js";
import type { Overlap } from "../../vocabulary/overlap.js";
import { bar, renderTable } from "../table.js";
import { type Colors, colorsFor, oneLine } from "../terminal.js";
import { count, size } from "../units.js";
import type { InspectedFacts } from "./open.js";
import type { ReadPrompt } from "./prompts.js";

export interface InspectedModel extends InspectedFacts {
  name: string;
  /** Distinct byte strings of its ordinary tokens. */
  byteStrings: number;
  /** Tokens that it cuts the text into. */
  textTokens: number;
  /** Other model's name → the share of those tokens whose byte string is a token there too. */
  sharedInText: Record<string, number>;
}

export interface InspectReport {
  models: InspectedModel[];
  /** What members can be put on, with free memory now. */
  devices: Device[];
  pairs: Overlap[];
  /** What each model reads of --prompt. */
  prompts?: ReadPrompt[];
  warnings?: string[];
}

/** Models side by side in one table. */
const COLUMNS = 3;
const BAR_WIDTH = 20;
/** Of a longer path the end is shown, which says more than its beginning. */
const PATH_WIDTH = 28;

export function renderReport({ models, pairs, devices, prompts = [] }: InspectReport): string {
  const colors = colorsFor(process.stdout);
  const blocks: string[] = [];
  for (let at = 0; at < models.length; at += COLUMNS) blocks.push(renderFacts(models.slice(at, at + COLUMNS), colors));
  blocks.push(renderDevices(devices, colors));
  if (pairs.length > 0) blocks.push(renderPairs(models, pairs, colors));
  blocks.push(...prompts.map((prompt) => renderPrompt(prompt, colors)));
  return blocks.join("\n");
}

function renderPrompt({ name, chatTemplate, text, ids }: ReadPrompt, colors: Colors): string {
  const format = chatTemplate ? "" : ", without a chat template";
  const shown = text.replace(/⟨[^⟩]*⟩/g, (control) => colors.cyan(control));
  return `${colors.bold(oneLine(name))} reads ${ids.length} ${ids.length === 1 ? "token" : "tokens"}${format}:\n${shown}\n`;
}

const FACTS: [string, (model: InspectedModel) => string | 0 | undefined][] = [
  ["file", ({ file }) => tail(oneLine(file), PATH_WIDTH)],
  ["file size", ({ fileBytes }) => fileBytes && size(fileBytes)],
  ["holds", ({ kind }) => (kind === "vocabulary" ? "a vocabulary that cannot generate" : kind)],
  ["architecture", ({ architecture }) => architecture],
  ["parameters", ({ parameters }) => parameters && count(parameters)],
  ["quantisation", ({ quantization }) => quantization],
  ["layers", ({ layers }) => layers?.toString()],
  ["embedding", ({ embeddingLength }) => embeddingLength?.toString()],
  ["context", ({ contextLength }) => contextLength && `${contextLength.toLocaleString("en")} tokens`],
  ["weights need", ({ memory }) => memory && size(memory.weights)],
  [
    "cache needs",
    ({ memory }) => memory && `${size(memory.cache)} for ${memory.contextSize.toLocaleString("en")} tokens`,
  ],
  [
    "goes back by",
    ({ memory }) =>
      memory?.checkpoints && `up to ${memory.checkpoints.most} states of ${size(memory.checkpoints.bytes)}`,
  ],
  ["tokenizer", ({ tokenizer }) => oneLine(tokenizer)],
  ["vocabulary", ({ tokens }) => `${tokens.toLocaleString("en")} tokens`],
  ["byte strings", ({ byteStrings }) => byteStrings.toLocaleString("en")],
  ["begins with", ({ bosText }) => bosText && oneLine(bosText)],
  ["ends with", ({ endTexts }) => endTexts?.map(oneLine).join(" ")],
  ["chat template", ({ chatTemplate }) => (chatTemplate === undefined ? undefined : chatTemplate ? "yes" : "no")],
];

function renderFacts(models: readonly InspectedModel[], colors: Colors): string {
  const rows = FACTS.map(([label, read]) => [colors.dim(label), ...models.map((model) => read(model) || "–")]);
  const known = rows.filter((row) => row.slice(1).some((cell) => cell !== "–"));
  const names = ["", ...models.map(({ name }) => colors.bold(oneLine(name)))];
  return renderTable([names, ...known], { colors, wrap: models.map((_, index) => index + 1) });
}

function renderDevices(devices: readonly Device[], colors: Colors): string {
  const rows = devices.map(({ name, description, freeBytes, totalBytes }) => [
    name,
    `${size(freeBytes)} of ${size(totalBytes)}`,
    oneLine(description),
  ]);
  return renderTable(rows, { colors, head: ["device", "free memory", ""], wrap: [2] });
}

function renderPairs(models: readonly InspectedModel[], pairs: readonly Overlap[], colors: Colors): string {
  const byName = new Map(models.map((model) => [model.name, model]));
  const share = (of: string, other: string) => percent(byName.get(of)?.sharedInText[other] ?? 0);
  const rows = pairs.map(({ a, b, common, union, jaccard }) => [
    oneLine(a),
    oneLine(b),
    common.toLocaleString("en"),
    union.toLocaleString("en"),
    `${heat(jaccard, colors)(bar(jaccard, BAR_WIDTH))} ${percent(jaccard)}`,
    `${share(a, b)} / ${share(b, a)}`,
  ]);
  const head = ["a", "b", "common", "union", "overlap (common / union)", "shared in text (a / b)"];
  return renderTable(rows, { colors, head, right: [2, 3], wrap: [0, 1] });
}

/** Little in common is what fusing has to bridge; much makes it easy. */
function heat(share: number, { red, yellow, green }: Colors): (text: string) => string {
  return share < 1 / 3 ? red : share < 2 / 3 ? yellow : green;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`.padStart(7);
}

function tail(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(1 - width)}`;
}
