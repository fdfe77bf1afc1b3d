import path from "node:path";
import { z } from "zod";
import { type DataRecord, invalidData, readText } from "../../records.js";
import { choiceDraft, hasKeys, shape, type TaskFormat } from "./format.js";

const text = z.string().min(1);

const row = z.object({ goal: text, sol1: text, sol2: text, label: z.int().min(0).max(1) });

/**
 * PIQA (Bisk et al., arXiv 1911.11641): JSON lines with a goal and two solutions. The right one, 0 or 1, is the record's
 * `label`, or the same line of the file `<name>-labels.lst` beside it ("valid.jsonl" and "valid-labels.lst").
 */
export const piqa: TaskFormat = {
  name: "piqa",
  summary: '{"goal", "sol1", "sol2", "label": 0 or 1}, or the labels in a file <name>-labels.lst',
  defaults: { metric: "choice-likelihood-per-byte", prompt: "question", stop: ["\n"], maxTokens: 32 },
  shapes: [
    shape(
      (value) => hasKeys(value, "goal", "sol1", "sol2"),
      row,
      ({ goal, sol1, sol2, label }) => choiceDraft(goal, [sol1, sol2], label),
    ),
  ],
  async complete(records, file) {
    if (records.every(({ value }) => hasKeys(value, "label"))) return [...records];
    const labelFile = path.join(path.dirname(file), `${path.parse(file).name}-labels.lst`);
    const labels = (await readText(labelFile)).split("\n").filter((line) => line.trim() !== "");
    if (labels.length !== records.length) {
      throw invalidData(labelFile, `has ${labels.length} labels for the ${records.length} questions of ${file}.`, {
        found: labels.length,
        allowed: records.length,
      });
    }
    return records.map((record, index) => withLabel(record, labels[index], `${labelFile}:${index + 1}`));
  },
};

function withLabel(record: DataRecord, label: string, place: string): DataRecord {
  if (!["0", "1"].includes(label.trim())) {
    throw invalidData(place, `the label is ${JSON.stringify(label)}; expected 0 or 1.`, { found: label });
  }
  return { ...record, value: { ...(record.value as object), label: Number(label) } };
}
