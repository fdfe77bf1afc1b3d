/** One question and its answer, with the oldest turns forgotten where the context is full. */
import type { GenerateOptions } from "../../decoding/request.js";
import type { GenerateResult } from "../../decoding/result.js";
import { LlamafuseError } from "../../errors.js";
import type { Answering } from "../load-ensemble.js";
import { waitingNotice } from "../progress.js";
import { AnswerWriter } from "../terminal.js";
import type { Conversation } from "./conversation.js";

/**
 * Answer the question on stdout. Errors: those of Ensemble.stream; context-overflow only where the question alone does
 * not fit. After an error the conversation is as it was before the question, less what was dropped.
 */
export async function answerTurn(
  ensemble: Answering,
  conversation: Conversation,
  question: string,
  options: GenerateOptions,
  signal: AbortSignal,
): Promise<GenerateResult> {
  conversation.ask(question);
  while (true) {
    try {
      const result = await stream(ensemble, conversation, { ...options, signal, reusePrompt: true });
      conversation.answer(result.text);
      return result;
    } catch (error) {
      if (error instanceof LlamafuseError && error.code === "context-overflow" && conversation.dropOldest()) {
        // Told whether or not a person watches: the answers from here on do not know that turn.
        process.stderr.write("llamafuse: The context is full; the oldest question and its answer are dropped.\n");
        continue;
      }
      conversation.answer("");
      throw error;
    }
  }
}

async function stream(
  ensemble: Answering,
  conversation: Conversation,
  options: GenerateOptions,
): Promise<GenerateResult> {
  const answer = ensemble.stream(conversation.messages, options);
  const writer = new AnswerWriter();
  let begun = false;
  const stopWaiting = waitingNotice("Reading …");
  try {
    while (true) {
      const next = await answer.next();
      stopWaiting();
      if (next.done) {
        await writer.endLine();
        return next.value;
      }
      // Members without a chat template begin with the space that follows "Assistant:".
      const text: string = begun ? next.value.text : next.value.text.trimStart();
      begun ||= text !== "";
      await writer.write(text);
    }
  } finally {
    stopWaiting();
    await answer.return(undefined as never);
  }
}
