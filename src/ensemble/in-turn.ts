/** An answer made in its turn, whole or piece by piece. Whatever a request throws, its turn ends. */
import type { Turn } from "./turns.js";

/** Make the pieces of an answer in a turn, whose signal cancels it. */
export type Produce<Chunk, Result> = (turn: Turn) => AsyncGenerator<Chunk, Result, void>;

/** All pieces, and what the last one returns. */
export async function answerInTurn<Result>(
  take: () => Promise<Turn>,
  produce: Produce<unknown, Result>,
): Promise<Result> {
  const turn = await take();
  try {
    const source = produce(turn);
    while (true) {
      const next = await source.next();
      if (next.done) return next.value;
    }
  } finally {
    turn.end();
  }
}

/**
 * The pieces as they are read: nothing is made while the reader pauses, unless another request waits. Then the rest is
 * made at once and kept for the reader, so that the turn ends by itself. Leaving early ends the request.
 */
export async function* streamInTurn<Chunk, Result>(
  take: () => Promise<Turn>,
  produce: Produce<Chunk, Result>,
): AsyncGenerator<Chunk, Result, void> {
  const turn = await take();
  /** What was made before the reader asked for it, in order. */
  const ahead: Promise<IteratorResult<Chunk, Result>>[] = [];
  let isOver = false;
  let source: AsyncGenerator<Chunk, Result, void> | undefined;
  try {
    const pieces = (source = produce(turn));
    turn.whenWanted(async () => {
      try {
        for (let isLast = false; !isLast && !isOver; ) {
          const next = pieces.next();
          ahead.push(next);
          isLast = (await next).done === true;
        }
      } catch {
        // It stands in the list, for the reader.
      }
      turn.end();
    });
    while (true) {
      const next = await (ahead.shift() ?? pieces.next());
      isOver = next.done === true;
      if (next.done) return next.value;
      yield next.value;
    }
  } finally {
    if (!isOver) turn.cancel();
    isOver = true;
    // What is under way comes to rest first.
    await source?.return(undefined as never).catch(() => {});
    turn.end();
  }
}
