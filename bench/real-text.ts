/** The part of `bench real` on wikitext: how many bits members and methods need for a byte of text. */
import { readFileSync } from "node:fs";
import type { AnswerRequest } from "../src/answers/answer-cache.js";
import type { RealAnswers, RealContender } from "./real-models.js";
import type { BenchTable, Cell } from "./report.js";
import { sum } from "./statistics.js";

/** Passages are taken from the beginning of the file, one of these bytes after the other. */
const STRIDE = 2560;
const CONTEXT_BYTES = 512;
const SCORED_BYTES = 256;
const PASSAGES = 8;

export interface TextRun {
  answers: Pick<RealAnswers, "has" | "outcome">;
  contenders: readonly RealContender[];
  file: string;
  limit?: number;
  onProgress?: (what: string) => void;
}

export async function scoreTexts(run: TextRun): Promise<{ table: BenchTable; notes: string[] }> {
  const passages = passagesOf(readFileSync(run.file, "utf8"), run.limit ?? PASSAGES);
  const notes: string[] = [];
  const rows: Record<string, Cell>[] = [];
  for (const contender of run.contenders) {
    const scored: { bytes: number; bits: number; seconds: number; pieces: number }[] = [];
    for (const [place, { prompt, text }] of passages.entries()) {
      const request: AnswerRequest = { prompt, choices: [text], generation: { maxTokens: 0, stop: [] }, seed: 0 };
      const isKnown = run.answers.has(contender, request);
      const outcome = await run.answers.outcome(contender, request);
      if (outcome === undefined) {
        notes.push(`wikitext: time ran out for ${contender.name} after ${place} of ${passages.length} passages.`);
        break;
      }
      if ("refused" in outcome) {
        notes.push(`${contender.name} left out of wikitext: ${outcome.refused}`);
        break;
      }
      if (!isKnown) run.onProgress?.(`wikitext: ${contender.name}, passage ${place + 1} of ${passages.length}`);
      const { logLikelihoods = [], seconds, steps } = outcome.answer;
      const bits = -(logLikelihoods[0] ?? Number.NEGATIVE_INFINITY) / Math.LN2;
      scored.push({ bytes: Buffer.byteLength(text), bits, seconds, pieces: steps });
    }
    if (scored.length === 0) continue;
    const said = scored.filter(({ bits }) => Number.isFinite(bits));
    rows.push({
      who: contender.name,
      passages: scored.length,
      unsayable: scored.length - said.length,
      bitsPerByte:
        said.length < scored.length || said.length === 0
          ? null
          : sum(said.map(({ bits }) => bits)) / sum(said.map(({ bytes }) => bytes)),
      pieces: said.length === 0 ? null : sum(said.map(({ pieces }) => pieces)) / said.length,
    });
  }
  const title = `wikitext-2, ${passages.length} passages of ${SCORED_BYTES} bytes behind ${CONTEXT_BYTES}`;
  const columns = [
    { key: "who", title: "who reads" },
    { key: "passages", title: "passages", digits: 0 },
    { key: "unsayable", title: "that it cannot say", digits: 0 },
    { key: "bitsPerByte", title: "bits per byte", digits: 3 },
    { key: "pieces", title: "pieces", digits: 1 },
  ];
  return { table: { title, columns, rows }, notes };
}

/** Cut before spaces, so that neither a character nor a word is divided. */
function passagesOf(whole: string, count: number): { prompt: string; text: string }[] {
  const spaceFrom = (at: number) => whole.indexOf(" ", at);
  return Array.from({ length: count }, (_, place) => {
    const start = place === 0 ? 0 : spaceFrom(place * STRIDE);
    const border = spaceFrom(start + CONTEXT_BYTES);
    return { prompt: whole.slice(start, border), text: whole.slice(border, spaceFrom(border + SCORED_BYTES)) };
  });
}
