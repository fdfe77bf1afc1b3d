import { nearestWords } from "../../../src/during/alignments/mined/minimum-edit.js";
import { withMarker } from "../../../src/during/alignments/mined/space.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  referencePieces: string[];
  otherPieces: string[];
  referenceMarker: string;
  otherMarker: string;
}

export const mined: GoldenAdapter = {
  method: "mined",
  tolerance: 0,
  run({ referencePieces, otherPieces, referenceMarker, otherMarker }: Input) {
    const words = withMarker(referencePieces, otherPieces, referenceMarker, otherMarker);
    const map = nearestWords(words, otherPieces);
    return {
      map,
      pieces: Array.from(map, (id) => otherPieces[id]),
      candidates: words.map((word) => (otherPieces.includes(word) ? null : nearestAll(word, otherPieces))),
    };
  },
};

/** Every piece at the least distance: none that is put before another of them is taken for it. */
function nearestAll(word: string, pieces: readonly string[]): string[] {
  const nearest = pieces[nearestWords([word], pieces)[0]];
  return pieces.filter((piece) => nearestWords([word], [piece, nearest])[0] === 0);
}
