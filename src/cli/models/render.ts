/** The list of models for a person. */
import type { ListedModel, ModelListing, UnusableModel } from "../../model-stores/list-models.js";
import { STORE_TITLES, type StoreName } from "../../model-stores/store.js";
import { displayWidth, wrapped } from "../columns.js";
import { DEFAULT_WIDTH } from "../table.js";
import { type Colors, oneLine } from "../terminal.js";
import { size } from "../units.js";

const HEAD = ["model", "size", "architecture", "weights", "vocabulary"];
/** Columns with numbers. */
const RIGHT = [1, 4];

export function renderListing(listing: ModelListing, part: string | undefined, colors: Colors): string {
  const { models, unusable, folders } = listing;
  const render = rendererFor(models, colors);
  const stores = (Object.keys(STORE_TITLES) as StoreName[])
    .map((store) => ({ store, own: models.filter((model) => model.store === store) }))
    .filter(({ own }) => own.length > 0);
  const blocks = stores.map(({ store, own }, at) => `${colors.bold(STORE_TITLES[store])}\n${render(own, at === 0)}`);
  const foreign = models.some(({ store }) => store !== "native");
  if (part !== undefined && models.length === 0 && unusable.length === 0) {
    blocks.push(`No model has ${JSON.stringify(oneLine(part))} in its name. "llamafuse models" lists all.\n`);
  } else if (!foreign && part === undefined) {
    const looked = folders.map(({ folder }) => `  ${oneLine(folder)}\n`).join("");
    blocks.push(`No other models were found. Looked in:\n${colors.dim(looked)}`);
  }
  if (unusable.length > 0)
    blocks.push(`${colors.bold("Cannot be members")}\n${unusable.map((each) => problem(each, colors)).join("")}`);
  return blocks.join("\n");
}

/** A line a model; two where names and numbers do not fit side by side, for a name that is cut cannot be copied. */
function rendererFor(
  models: readonly ListedModel[],
  colors: Colors,
): (own: readonly ListedModel[], first: boolean) => string {
  const columns = process.stdout.columns || DEFAULT_WIDTH;
  // Alike for all stores, so that columns stand under each other.
  const widths = HEAD.map((head, column) =>
    Math.max(...[head, ...models.map((model) => cellsOf(model)[column])].map(displayWidth)),
  );
  const needed = widths.reduce((sum, width) => sum + width + 2, 0);
  if (needed > columns) {
    return (own) =>
      own
        .map(cellsOf)
        .map(([name, ...facts]) => twoLines(name, facts, columns, colors))
        .join("");
  }
  const line = (cells: readonly string[], paint: Colors["dim"]) => {
    const padded = cells.map((cell, column) => {
      const gap = " ".repeat(widths[column] - displayWidth(cell));
      return RIGHT.includes(column) ? gap + cell : cell + gap;
    });
    return `  ${paint(padded[0])}  ${padded.slice(1).join("  ")}`.trimEnd().concat("\n");
  };
  const head = line(HEAD, String);
  return (own, first) =>
    `${first ? colors.dim(head) : ""}${own.map((model) => line(cellsOf(model), colors.cyan)).join("")}`;
}

function twoLines(name: string, facts: readonly string[], columns: number, colors: Colors): string {
  const line = wrapped([{ text: facts.join(" · "), paint: colors.dim }], columns - 4).replaceAll("\n", "\n    ");
  return `  ${colors.cyan(name)}\n    ${line}\n`;
}

function cellsOf({ label, bytes, parts, architecture, quantization, vocabulary }: ListedModel): string[] {
  const inParts = parts > 1 ? ` in ${parts} files` : "";
  return [
    oneLine(label),
    `${size(bytes)}${inParts}`,
    oneLine(architecture),
    quantization,
    `${vocabulary.toLocaleString("en")} tokens`,
  ];
}

function problem({ label, store, file, message }: UnusableModel, colors: Colors): string {
  const columns = (process.stdout.columns || DEFAULT_WIDTH) - 4;
  const text = wrapped([{ text: oneLine(message), paint: String }], columns).replaceAll("\n", "\n    ");
  return `  ${colors.red(oneLine(label ?? file))} ${colors.dim(`(${STORE_TITLES[store]})`)}\n    ${text}\n`;
}
