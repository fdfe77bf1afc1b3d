/** The toy models of the GaC and Mixture goldens: token texts, logits, and the tokenizer that made them. */
import type { PublishedUnion } from "../../../src/during/alignments/published-strings.js";
import {
  PUBLISHED_END_STRINGS,
  type PublishedFeedback,
  prefixProbe,
} from "../../../src/during/alignments/published-strings.js";

export interface ToyModel {
  family: "sp" | "bbpe";
  pieces: string[];
  eos: string;
  logits: number[];
  weight: number;
  encodeCalls?: { text: string; ids: number[] }[];
}

const SPECIAL = /^<(unk|s|\/s|\|.*\|)>$/;
const BYTE = /^<0x[0-9A-F]{2}>$/;

/** How each model takes strings back; calls that the golden lists are answered from it. */
export function feedbacksOf(models: readonly ToyModel[], union: PublishedUnion): PublishedFeedback[] {
  const endStrings = new Set([...models.map(({ eos }) => eos), ...PUBLISHED_END_STRINGS]);
  return models.map((model, index) => {
    const listed = new Map(model.encodeCalls?.map(({ text, ids }) => [text, ids]));
    return {
      byteTable: union.byteTables[index],
      probe: prefixProbe(model.pieces),
      endStrings,
      endId: model.pieces.indexOf(model.eos),
      encode: (text) => listed.get(text) ?? tokenize(model, text),
    };
  });
}

export function softmax(logits: readonly number[]): Float64Array {
  const max = logits.reduce((a, b) => Math.max(a, b));
  const exps = Float64Array.from(logits, (logit) => Math.exp(logit - max));
  const sum = exps.reduce((a, b) => a + b);
  return exps.map((exp) => exp / sum);
}

/** Greedy longest match over the ordinary pieces, as the golden's notes say. */
export function tokenize({ family, pieces }: ToyModel, text: string): number[] {
  const idOf = new Map(pieces.map((piece, id) => [piece, id]));
  const isOrdinary = (piece: string) => idOf.has(piece) && !SPECIAL.test(piece) && !BYTE.test(piece);
  const units = Array.from(family === "sp" ? `▁${text.replaceAll(" ", "▁")}` : byteLetters(text));
  const ids: number[] = [];
  for (let at = 0; at < units.length; ) {
    let end = units.length;
    while (end > at && !isOrdinary(units.slice(at, end).join(""))) end--;
    if (end > at) ids.push(idOf.get(units.slice(at, end).join("")) as number);
    else
      ids.push(
        ...Array.from(
          Buffer.from(units[at]),
          (byte) => idOf.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`) as number,
        ),
      );
    at = Math.max(end, at + 1);
  }
  return ids;
}

/** UTF-8 bytes in GPT-2's alphabet. */
function byteLetters(text: string): string {
  const printable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  const moved = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !printable(byte));
  return Array.from(Buffer.from(text), (byte) =>
    String.fromCharCode(printable(byte) ? byte : 256 + moved.indexOf(byte)),
  ).join("");
}
