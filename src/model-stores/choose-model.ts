/** Which stored model a part of a name means. */
import { LlamafuseError, nearestName } from "../errors.js";
import { namesOf, type StoredModel } from "./find-models.js";
import { STORE_TITLES } from "./store.js";

/** More models than this are counted in an error, not named. */
const MOST_NAMED = 8;

/**
 * The model whose name is `word`, or the only one with `word` in its name, where it begins a word or a number there:
 * `qwen` and `0.5b` are in `qwen2.5-0.5b-instruct`, `wen` is not. Capitals do not count.
 * Errors: invalid-option where several have it, file-unreadable where none has.
 */
export function chooseModel(word: string, models: readonly StoredModel[]): StoredModel {
  const wanted = word.toLowerCase();
  const exact = models.filter((model) => namesOf(model).has(wanted));
  const found =
    exact.length > 0 ? exact : models.filter((model) => [...namesOf(model)].some((name) => holds(name, wanted)));
  if (found.length === 1) return found[0];
  throw found.length === 0 ? noSuchModel(word, models) : ambiguous(word, found);
}

/** Whether the part stands in the name where it cuts no word and no number at its beginning. */
function holds(name: string, part: string): boolean {
  for (let at = name.indexOf(part); at >= 0; at = name.indexOf(part, at + 1)) {
    if (at === 0 || kindOf(name[at - 1]) !== kindOf(part[0]) || kindOf(part[0]) === "sign") return true;
  }
  return false;
}

function kindOf(character: string): "letter" | "digit" | "sign" {
  return /\p{L}/u.test(character) ? "letter" : /\d/.test(character) ? "digit" : "sign";
}

function ambiguous(word: string, found: readonly StoredModel[]): LlamafuseError {
  const named = found.slice(0, MOST_NAMED).map(({ label, store }) => `${label} (${STORE_TITLES[store]})`);
  const more = found.length > MOST_NAMED ? `, and ${found.length - MOST_NAMED} more` : "";
  const message = `"${word}" fits ${found.length} models: ${named.join(", ")}${more}. Type more of the name.`;
  return new LlamafuseError("invalid-option", message, {
    option: "member",
    found: word,
    allowed: found.map(({ label }) => label),
  });
}

function noSuchModel(word: string, models: readonly StoredModel[]): LlamafuseError {
  const near = nearModel(word, models);
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  const message = `${word}: no file has this path, and no model has this in its name.${hint} "llamafuse models" lists the models of this machine.`;
  return new LlamafuseError("file-unreadable", message, { found: word, file: word, nearest: near });
}

/** The label whose name, or one word of it, is nearest. */
function nearModel(word: string, models: readonly StoredModel[]): string | undefined {
  const labels = new Map<string, string>();
  for (const model of models) {
    for (const name of namesOf(model)) {
      for (const part of [name, ...name.split(/[-_/: ]/)]) if (!labels.has(part)) labels.set(part, model.label);
    }
  }
  const near = nearestName(word, labels.keys());
  return near === undefined ? undefined : labels.get(near);
}
