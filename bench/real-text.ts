/** The part of `bench real` on wikitext: how many bits members and methods need for a byte of text. */
import { readFileSync } from "node:fs";
import type { Answer, AnswerRequest } from "../src/answers/answer-cache.js";
import type { Outcome, RealAnswers, RealContender } from "./real-models.js";
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

/** One passage after another, each to everyone, so that wherever a run stops all have read the same ones. */
export async function scoreTexts(run: TextRun): Promise<{ table: BenchTable; notes: string[] }> {
  const passages = passagesOf(readFileSync(run.file, "utf8"), run.limit ?? PASSAGES);
  const notes = new Set<string>();
  const read = new Map(run.contenders.map((contender): [RealContender, Scored[]] => [contender, []]));
  let complete = 0;
  for (const { prompt, text } of passages) {
    const request: AnswerRequest = { prompt, choices: [text], generation: { maxTokens: 0, stop: [] }, seed: 0 };
    const outcomes: Outcome[] = [];
    for (const contender of run.contenders) {
      const isKnown = run.answers.has(contender, request);
      const outcome = await run.answers.outcome(contender, request);
      outcomes.push(outcome);
      if (outcome === undefined) break;
      if ("refused" in outcome) notes.add(`${contender.name} left out of wikitext: ${outcome.refused}`);
      else read.get(contender)!.push(scoredOf(text, outcome.answer));
      if (!isKnown) run.onProgress?.(`wikitext: ${contender.name}, passage ${complete + 1} of ${passages.length}`);
    }
    if (outcomes.includes(undefined)) break;
    complete++;
  }
  if (complete < passages.length)
    notes.add(`wikitext: time ran out after ${complete} of ${passages.length} passages; figures are of those.`);
  const rows = Array.from(read, ([{ name }, scored]) => rowOf(name, scored.slice(0, complete)));
  const title = `wikitext-2, ${complete} passages of ${SCORED_BYTES} bytes behind ${CONTEXT_BYTES}`;
  const columns = [
    { key: "who", title: "who reads" },
    { key: "passages", title: "passages", digits: 0 },
    { key: "unsayable", title: "that it cannot say", digits: 0 },
    { key: "bitsPerByte", title: "bits per byte", digits: 3 },
    { key: "pieces", title: "pieces", digits: 1 },
  ];
  return { table: { title, columns, rows }, notes: [...notes] };
}

interface Scored {
  bytes: number;
  bits: number;
  pieces: number;
}

function scoredOf(text: string, { logLikelihoods = [], steps }: Answer): Scored {
  const bits = -(logLikelihoods[0] ?? Number.NEGATIVE_INFINITY) / Math.LN2;
  return { bytes: Buffer.byteLength(text), bits, pieces: steps };
}

function rowOf(who: string, scored: readonly Scored[]): Record<string, Cell> {
  const said = scored.filter(({ bits }) => Number.isFinite(bits));
  const isWhole = said.length === scored.length && said.length > 0;
  return {
    who,
    passages: scored.length,
    unsayable: scored.length - said.length,
    bitsPerByte: isWhole ? sum(said.map(({ bits }) => bits)) / sum(said.map(({ bytes }) => bytes)) : null,
    pieces: said.length === 0 ? null : sum(said.map(({ pieces }) => pieces)) / said.length,
  };
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
