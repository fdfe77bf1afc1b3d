/** One question and its answer, with the oldest turns forgotten where the context is full. */

import type { GenerateOptions } from "../../decoding/request.js";
import type { GenerateResult } from "../../decoding/result.js";
import { LlamafuseError } from "../../errors.js";
import { renderStep, renderSummary, traceColumns } from "../generate/render-trace.js";
import type { Answering } from "../load-ensemble.js";
import { noticesOfDropped, tell } from "../notices.js";
import { waitingNotice } from "../progress.js";
import { AnswerWriter, colorsFor, write } from "../terminal.js";
import { ThoughtWriter } from "../thought-writer.js";
import type { ChatSession } from "./session.js";

/**
 * Answer the question on stdout; the trace goes to stderr. Errors: those of Ensemble.stream; context-overflow only where
 * the question does not fit by itself. After an error the conversation is as it was before the question.
 */
export async function answerTurn(
  { answering, conversation, requestOptions, showsThoughts }: ChatSession,
  question: string,
  signal: AbortSignal,
): Promise<GenerateResult> {
  const before = conversation.snapshot();
  conversation.ask(question);
  for (let dropped = 0; ; dropped++) {
    try {
      const options = { ...requestOptions, signal, reusePrompt: true };
      const result = await stream(answering, conversation.messages, options, showsThoughts, () => tellDropped(dropped));
      conversation.answer(result.text);
      tell(noticesOfDropped(result.dropped));
      return result;
    } catch (error) {
      const isFull = error instanceof LlamafuseError && error.code === "context-overflow";
      if (isFull && conversation.dropOldest()) continue;
      conversation.restore(before);
      throw error;
    }
  }
}

/** Told whether or not a person watches: the answers from here on do not know these turns. */
function tellDropped(count: number): void {
  if (count === 0) return;
  const what = count === 1 ? "question and its answer are" : `${count} questions and their answers are`;
  process.stderr.write(`llamafuse: The context is full; the oldest ${what} dropped.\n`);
}

/** `onBegin`: the prompt fits, and the answer begins. */
async function stream(
  answering: Answering,
  messages: Parameters<Answering["stream"]>[0],
  options: GenerateOptions,
  showsThoughts: boolean,
  onBegin: () => void,
): Promise<GenerateResult> {
  const answer = answering.stream(messages, options);
  const writer = new AnswerWriter();
  const colors = colorsFor(process.stderr);
  const columns = traceColumns(process.stderr);
  const thoughts = new ThoughtWriter(showsThoughts, answering.members.length > 1);
  let hasBegun = false;
  let hasText = false;
  const stopWaiting = waitingNotice("Reading …");
  try {
    while (true) {
      const next = await answer.next();
      stopWaiting();
      if (!hasBegun) onBegin();
      hasBegun = true;
      if (!next.done && next.value.reasoning !== undefined) {
        await thoughts.write(next.value.reasoning);
        continue;
      }
      await thoughts.end();
      if (next.done) {
        await writer.endLine();
        const { trace } = next.value;
        if (trace !== undefined) await write(process.stderr, renderSummary(trace, colors, columns));
        return next.value;
      }
      const { step, text: piece } = next.value;
      // A traced answer stands in its summary, where both go to one terminal.
      if (step !== undefined) await write(process.stderr, renderStep(step, colors, columns));
      if (options.trace && process.stdout.isTTY && process.stderr.isTTY) continue;
      // Members without a chat template begin with the space that follows "Assistant:".
      const text: string = hasText ? piece : piece.trimStart();
      hasText ||= text !== "";
      await writer.write(text);
    }
  } catch (error) {
    // What is said of it begins on a line of its own.
    await writer.endLine();
    throw error;
  } finally {
    stopWaiting();
    thoughts.stop();
    await answer.return(undefined as never);
  }
}
