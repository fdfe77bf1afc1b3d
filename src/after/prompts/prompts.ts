/**
 * What members are asked about answers. All words are ours; each method that uses one takes another as its option. `{question}`,
 * `{answer}`, `{a}` and `{b}` are filled in.
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

/** A prompt with its places filled in; what is filled in is not read for further places. */
export function fill(prompt: string, values: Readonly<Record<string, string>>): string {
  return prompt.replace(/\{(\w+)\}/g, (place, name: string) => (Object.hasOwn(values, name) ? values[name] : place));
}
