/** Things that are built from a list of vocabularies and worth keeping between requests. */
import type { Vocabulary } from "./vocabulary.js";

/**
 * A function that builds once for the same vocabularies in the same order, and forgets with the first of them.
 *
 * ```ts
 * export const unionOf = byVocabularies((vocabularies) => new UnionDictionary(vocabularies));
 * ```
 */
export function byVocabularies<T>(
  build: (vocabularies: readonly Vocabulary[]) => T,
): (vocabularies: readonly Vocabulary[]) => T {
  const built = new WeakMap<Vocabulary, { vocabularies: readonly Vocabulary[]; value: T }[]>();
  return (vocabularies) => {
    const candidates = built.get(vocabularies[0]) ?? [];
    const known = candidates.find(
      (candidate) =>
        candidate.vocabularies.length === vocabularies.length &&
        candidate.vocabularies.every((vocabulary, index) => vocabulary === vocabularies[index]),
    );
    if (known !== undefined) return known.value;
    const value = build(vocabularies);
    built.set(vocabularies[0], [...candidates, { vocabularies: [...vocabularies], value }]);
    return value;
  };
}
