/**
 * How much a template may do. Templates come with model files, from anybody, and run in the thread that asks: two nested
 * loops of 100,000, or a string that doubles, would otherwise stop the program or fill its memory.
 *
 * One step is one node of the program evaluated, one item gone through, or `CHARACTERS_A_STEP` characters made, searched,
 * compared or hashed: about the same time each, so that the limit on steps is one on time, and the same on every machine.
 * What is made is kept at most, so it is one on memory as well.
 */
import { JinjaError } from "./errors.js";
import { Text } from "./text.js";
import { Dict, Tuple, type Value } from "./values.js";

/**
 * A second at most, on a machine that is busy. The largest of the published templates and conversations that are tested
 * takes 3,500 steps (test/golden/chat-template.json); each further message takes 100 to 300.
 */
const BASE_STEPS = 500_000;
/** Of the conversation: its text is read, made and printed, at a step for 32 characters each. */
const STEPS_A_CHARACTER = 2;
/** However long the conversation is: 700 messages of Gemma 4, which looks at all messages before for every one. */
const MAX_STEPS = 1_500_000;
const CHARACTERS_A_STEP = 32;
/** More than any context holds: about a million tokens. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
const MAX_ITEMS = 250_000;
/** Steps of cutting a piece out of a text and putting another in its place. */
export const PIECE = 4;
/** Macros that call each other, and parentheses inside each other. */
export const MAX_DEPTH = 150;

export class Budget {
  readonly steps: number;
  #left: number;
  #depth = 0;

  /** `given`: what the template is given. */
  constructor(given: readonly Value[] = []) {
    this.#left = this.steps = Math.min(MAX_STEPS, BASE_STEPS + STEPS_A_CHARACTER * charactersIn([...given]));
  }

  get used(): number {
    return this.steps - this.#left;
  }

  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0)
      throw new JinjaError("BudgetExceeded", `it takes more than ${this.steps.toLocaleString("en")} steps`);
  }

  /** Before a text of this length is made or searched. */
  text(characters: number): void {
    if (characters > MAX_CHARACTERS) {
      throw new JinjaError(
        "BudgetExceeded",
        `it makes a text of more than ${MAX_CHARACTERS.toLocaleString("en")} characters`,
      );
    }
    this.spend(characters / CHARACTERS_A_STEP);
  }

  /** Before a list of this length is made or gone through. */
  items(count: number): void {
    if (count > MAX_ITEMS)
      throw new JinjaError("BudgetExceeded", `it makes a list of more than ${MAX_ITEMS.toLocaleString("en")} items`);
    this.spend(count);
  }

  /** Before a value is compared, hashed, or given to what reads all of it; lists are counted by who goes through them. */
  reads(value: Value | undefined): void {
    if (value instanceof Text) this.spend(value.value.length / CHARACTERS_A_STEP);
    else if (value instanceof Tuple) {
      this.spend(value.items.length);
      for (const item of value.items) this.reads(item);
    }
  }

  enter(): void {
    if (++this.#depth > MAX_DEPTH) throw new JinjaError("RecursionError", "maximum recursion depth exceeded");
  }

  leave(): void {
    this.#depth--;
  }
}

function charactersIn(value: Value): number {
  if (value instanceof Text) return value.value.length;
  if (value instanceof Dict) return charactersIn(value.keys()) + charactersIn(value.values());
  return Array.isArray(value) ? value.reduce((sum: number, item) => sum + charactersIn(item), 0) : 0;
}
