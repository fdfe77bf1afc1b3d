/**
 * The tokens that several vocabularies have in common, by their bytes: the anchors of relative representations and the
 * dictionary of a mapping between embeddings.
 */

import { drawOrder } from "../../../learning/draws.js";
import { RandomGenerator } from "../../../random.js";
import { byteKey, TokenClass, type Vocabulary } from "../../../vocabulary/vocabulary.js";

/**
 * The token of every vocabulary for each byte string that is a text token in all of them, in the order of the first
 * vocabulary's ids: ids[i][a] is vocabulary i's token for common string a. Of tokens of one vocabulary with the same bytes
 * the one that texts are made of counts (Vocabulary.idOf): the embedding of a byte token beside it means nothing.
 */
export function commonTokens(vocabularies: readonly Vocabulary[]): Int32Array[] {
  const [first, ...others] = vocabularies;
  const found: number[][] = vocabularies.map(() => []);
  for (let id = 0; id < first.size; id++) {
    if (first.classOf(id) !== TokenClass.text) continue;
    const key = byteKey(first.bytesOf(id));
    if (key === "" || first.idOf(key) !== id) continue;
    const ids = [id, ...others.map((vocabulary) => vocabulary.idOf(key))];
    if (ids.includes(-1)) continue;
    for (const [index, own] of ids.entries()) found[index].push(own);
  }
  return found.map((ids) => Int32Array.from(ids));
}

/**
 * The same by the texts in the model files, as released code compares vocabularies: `Ġ` and `▁` are one letter, control
 * and end tokens take part, and byte tokens (`<0x41>`) are strings of their own.
 */
export function commonTexts(vocabularies: readonly Vocabulary[]): Int32Array[] {
  const tables = vocabularies.map((vocabulary) => {
    const table = new Map<string, number>();
    for (let id = 0; id < vocabulary.size; id++) {
      const text = vocabulary.textOf(id).replaceAll("Ġ", "▁");
      if (text !== "" && !table.has(text)) table.set(text, id);
    }
    return table;
  });
  const shared = [...tables[0].keys()].filter((text) => tables.every((table) => table.has(text)));
  return tables.map((table) => Int32Array.from(shared, (text) => table.get(text)!));
}

/** At most `count` of the common tokens, drawn with a seed, in their former order. */
export function sampleCommon(common: readonly Int32Array[], count: number, seed: number): Int32Array[] {
  const all = common[0].length;
  if (count >= all) return [...common];
  const places = drawOrder(new RandomGenerator(seed), all).subarray(0, count).sort();
  return common.map((ids) => Int32Array.from(places, (place) => ids[place]));
}
