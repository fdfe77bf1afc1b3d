/**
 * How much a template may do. Templates come with model files, from anybody, and run in the thread that asks: two nested
 * loops of 100,000, or a string that doubles, would otherwise stop the program or fill its memory.
 *
 * One step is one node of the program evaluated, or `CHARACTERS_A_STEP` characters produced or searched. What exceeds the
 * limits ends in a second or two; a conversation of 2,000 messages takes 300,000 steps with most templates.
 */
import { JinjaError } from "./errors.js";

const BASE_STEPS = 4_000_000;
/** Some templates copy what they have so far for every message (Gemma 4), so that long conversations take more. */
const STEPS_A_CHARACTER = 16;
const CHARACTERS_A_STEP = 32;
/** Far more than any context holds: about 4 million tokens. */
const MAX_CHARACTERS = 16 * 1024 * 1024;
const MAX_ITEMS = 1_000_000;
/** Macros that call each other, and parentheses inside each other. */
export const MAX_DEPTH = 150;

export class Budget {
  readonly #steps: number;
  #left: number;
  #depth = 0;

  /** `given`: how many characters the template is given. */
  constructor(given: number) {
    this.#left = this.#steps = BASE_STEPS + STEPS_A_CHARACTER * given;
  }

  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0)
      throw new JinjaError("BudgetExceeded", `it takes more than ${this.#steps.toLocaleString("en")} steps`);
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

  enter(): void {
    if (++this.#depth > MAX_DEPTH) throw new JinjaError("RecursionError", "maximum recursion depth exceeded");
  }

  leave(): void {
    this.#depth--;
  }
}
