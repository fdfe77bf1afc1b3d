/**
 * What members are asked about answers. All words are ours; each method that uses one takes another as its option. `{question}`,
 * `{answer}`, `{answers}`, `{a}` and `{b}` are filled in.
 */

/** Is an answer right? Followed by Yes or No. */
export const IS_RIGHT = `Question:
{question}

Answer:
{answer}

Is the answer correct and does it answer the question? Reply Yes or No.`;

/** Which of two answers is better? Followed by A or B. */
export const WHICH_IS_BETTER = `Question:
{question}

Answer A:
{a}

Answer B:
{b}

Which answer is better? Reply A or B.`;

/** How good is an answer? Followed by a number. */
export const HOW_GOOD = `Question:
{question}

Answer:
{answer}

How good is the answer, from 1 (wrong) to {best} (right and complete)? Reply with one number.`;

/** Make one answer of several, which are numbered. */
export const WRITE_FROM_ANSWERS = `Question:
{question}

Answers of several assistants:

{answers}

Some of these answers may be wrong or incomplete. Check them, then write one correct and complete answer to the question. Write only the answer.`;

/** Rank answers, which have letters, and make one of the best. The reply begins with `RANKING`. */
export const RANK_AND_WRITE = `Question:
{question}

{answers}

First name the letters of the best answers. Then use these answers alone to write one correct and complete answer to the question.`;

/** What a reply to `RANK_AND_WRITE` says, with letters between. */
export const RANKING = "Best answers:";
export const FINAL = "Final answer:";

/** What others answered, said behind one's own answer. */
export const DEBATE = `Other assistants answered:

{answers}

Check these answers and your own. Then answer the question again, and correct your answer where it is wrong.

Question:
{question}`;

/** A prompt with its places filled in; what is filled in is not read for further places. */
export function fill(prompt: string, values: Readonly<Record<string, string>>): string {
  return prompt.replace(/\{(\w+)\}/g, (place, name: string) => (Object.hasOwn(values, name) ? values[name] : place));
}
