/** Text that is safe in HTML: what the filters `safe` and `escape` give. It escapes what is added to it. */
import type { Budget } from "./budget.js";
import { mapCharacters } from "./print.js";
import { Markup, type Text } from "./text.js";

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" };

export function escaped(text: Text, budget: Budget): Markup {
  if (text instanceof Markup) return text;
  return markup(mapCharacters(text, /[&<>"']/g, budget, (letter) => ENTITIES[letter]));
}

export function markup(text: Text): Markup {
  return new Markup(text.value, text.runs);
}
