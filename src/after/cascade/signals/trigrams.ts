/** Texts as counts of their character trigrams, over the trigrams of all of them: lower case, white space as one blank. */
export function trigramVectors(texts: readonly string[]): Float64Array[] {
  const places = new Map<string, number>();
  const lists = texts.map((text) => {
    const characters = Array.from(` ${text.toLowerCase().trim().replaceAll(/\s+/g, " ")} `);
    return characters.slice(2).map((_, at) => {
      const gram = characters.slice(at, at + 3).join("");
      const place = places.get(gram) ?? places.size;
      places.set(gram, place);
      return place;
    });
  });
  return lists.map((grams) => {
    const counts = new Float64Array(places.size);
    for (const gram of grams) counts[gram]++;
    return counts;
  });
}
