/** Labels of a chart's points: beside their points, inside the plot, none over another label or over a point. */

export interface LabelledPoint {
  x: number;
  y: number;
  text: string;
}

export interface Plot {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface PlacedLabel {
  /** Where the text begins, or ends with `isEnd`. */
  x: number;
  /** The middle of the line of text. */
  y: number;
  isEnd: boolean;
  /** So far from its point that a line must lead there. */
  isFar: boolean;
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** At 11 pixels: of a character on average, and of a line. */
const CHARACTER = 6.3;
const LINE = 12;
/** Of a point, with a little air. */
const RADIUS = 5.5;
/** From a point's middle to its label. */
const GAP = 8;
/** How far a label may move, in half lines, and in steps to the side. */
const STEPS = 24;
const SIDEWAYS = [0, 14, 34, 60];

/**
 * A place for each label, in the order of the points: the nearest free one to the right or left of its point. Points that
 * have fewer free places around them choose first. Where nothing is free a label stands beside its point all the same.
 */
export function placeLabels(points: readonly LabelledPoint[], plot: Plot): PlacedLabel[] {
  const taken: Box[] = points.map(({ x, y }) => boxAround(x, y));
  const order = points
    .map((point, index) => ({ index, crowd: points.filter((other) => isNear(point, other)).length }))
    .sort((a, b) => b.crowd - a.crowd || points[a.index].y - points[b.index].y || a.index - b.index);
  const placed: PlacedLabel[] = [];
  for (const { index } of order) {
    const candidates = candidatesOf(points[index], plot);
    const free = candidates.find(({ box }) => !taken.some((other) => overlap(box, other)));
    const { label, box } = free ?? candidates[0];
    taken.push(box);
    placed[index] = label;
  }
  return placed;
}

/** Nearest first; all of them inside the plot. */
function candidatesOf({ x, y, text }: LabelledPoint, plot: Plot): { label: PlacedLabel; box: Box; far: number }[] {
  const width = CHARACTER * Array.from(text).length;
  const all: { label: PlacedLabel; box: Box; far: number }[] = [];
  for (let step = 0; step <= STEPS; step++) {
    for (const sign of step === 0 ? [1] : [-1, 1]) {
      for (const sideways of SIDEWAYS) {
        for (const isEnd of [false, true]) {
          const at = isEnd ? x - GAP - sideways : x + GAP + sideways;
          const middle = y + (sign * step * LINE) / 2;
          const [left, right] = isEnd ? [at - width, at] : [at, at + width];
          const box = { left, right, top: middle - LINE / 2, bottom: middle + LINE / 2 };
          if (left < plot.left || right > plot.right || box.top < plot.top || box.bottom > plot.bottom) continue;
          const far = Math.hypot(sideways, (step * LINE) / 2);
          all.push({ label: { x: at, y: middle, isEnd, isFar: far >= LINE }, box, far });
        }
      }
    }
  }
  if (all.length === 0) return [{ label: { x: x + GAP, y, isEnd: false, isFar: false }, box: boxAround(x, y), far: 0 }];
  return all.sort((a, b) => a.far - b.far);
}

function boxAround(x: number, y: number): Box {
  return { left: x - RADIUS, right: x + RADIUS, top: y - RADIUS, bottom: y + RADIUS };
}

function isNear(a: LabelledPoint, b: LabelledPoint): boolean {
  return Math.abs(a.x - b.x) < 4 * LINE && Math.abs(a.y - b.y) < LINE;
}

/** Boxes that only touch do not overlap. */
function overlap(a: Box, b: Box): boolean {
  const slack = 0.01;
  return a.left < b.right - slack && b.left < a.right - slack && a.top < b.bottom - slack && b.top < a.bottom - slack;
}
