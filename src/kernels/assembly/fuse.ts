/** Doubles a tile: four vectors, so that additions of different lanes overlap. */
const TILE: i32 = 8;

export function scatter(exps: usize, map: usize, n: i32, scale: f64, out: usize, size: i32): void {
  memory.fill(out, 0, (<usize>size) << 3);
  for (let i = 0; i < n; i++) {
    const entry = load<u32>(map + ((<usize>i) << 2));
    // As an unsigned number -1 lies beyond every size, and no wrong map can write into another region.
    if (entry >= <u32>size) continue;
    const at = out + ((<usize>entry) << 3);
    store<f64>(at, load<f64>(at) + load<f64>(exps + ((<usize>i) << 3)) * scale);
  }
}

export function combine(inputs: usize, weights: usize, count: i32, out: usize, size: i32): i32 {
  let best: f64 = -Infinity;
  let tile = -1;
  let j = 0;
  for (; j + TILE <= size; j += TILE) {
    const offset = (<usize>j) << 3;
    let a = f64x2.splat(0.0);
    let b = a;
    let c = a;
    let d = a;
    for (let member: usize = 0; member < <usize>count; member++) {
      const at = load<u32>(inputs + (member << 2)) + offset;
      const weight = v128.load64_splat(weights + (member << 3));
      a = f64x2.add(a, f64x2.mul(weight, v128.load(at)));
      b = f64x2.add(b, f64x2.mul(weight, v128.load(at, 16)));
      c = f64x2.add(c, f64x2.mul(weight, v128.load(at, 32)));
      d = f64x2.add(d, f64x2.mul(weight, v128.load(at, 48)));
    }
    v128.store(out + offset, a);
    v128.store(out + offset, b, 16);
    v128.store(out + offset, c, 32);
    v128.store(out + offset, d, 48);
    const largest = largestOfTile(best, a, b, c, d);
    if (largest > best) {
      best = largest;
      tile = j;
    }
  }
  for (; j < size; j++) {
    const offset = (<usize>j) << 3;
    let value: f64 = 0.0;
    for (let member: usize = 0; member < <usize>count; member++) {
      value += load<f64>(weights + (member << 3)) * load<f64>(load<u32>(inputs + (member << 2)) + offset);
    }
    store<f64>(out + offset, value);
    if (value > best) {
      best = value;
      tile = j;
    }
  }
  return firstOf(best, out, tile);
}

export function argmax(values: usize, size: i32): i32 {
  let best: f64 = -Infinity;
  let tile = -1;
  let j = 0;
  for (; j + TILE <= size; j += TILE) {
    const at = values + ((<usize>j) << 3);
    const largest = largestOfTile(best, v128.load(at), v128.load(at, 16), v128.load(at, 32), v128.load(at, 48));
    if (largest > best) {
      best = largest;
      tile = j;
    }
  }
  for (; j < size; j++) {
    const value = load<f64>(values + ((<usize>j) << 3));
    if (value > best) {
      best = value;
      tile = j;
    }
  }
  return firstOf(best, values, tile);
}

/** The largest value of a tile if it is above `best`, else `best`; NaN is never above. */
@inline
function largestOfTile(best: f64, a: v128, b: v128, c: v128, d: v128): f64 {
  // pmax(x, y) is y only where x < y: with `best` first, a NaN never gets in.
  const bests = f64x2.splat(best);
  const left = f64x2.pmax(f64x2.pmax(bests, a), b);
  const right = f64x2.pmax(f64x2.pmax(bests, c), d);
  const largest = f64x2.pmax(left, right);
  if (!v128.any_true(f64x2.gt(largest, bests))) return best;
  return max(f64x2.extract_lane(largest, 0), f64x2.extract_lane(largest, 1));
}

/** The first entry from `from` on that equals `best`; -1 if no entry was above -Infinity. */
@inline
function firstOf(best: f64, values: usize, from: i32): i32 {
  if (from < 0) return -1;
  while (load<f64>(values + ((<usize>from) << 3)) != best) from++;
  return from;
}

export function sum(values: usize, size: i32): f64 {
  let a = f64x2.splat(0.0);
  let b = a;
  let c = a;
  let d = a;
  let j = 0;
  for (; j + TILE <= size; j += TILE) {
    const at = values + ((<usize>j) << 3);
    a = f64x2.add(a, v128.load(at));
    b = f64x2.add(b, v128.load(at, 16));
    c = f64x2.add(c, v128.load(at, 32));
    d = f64x2.add(d, v128.load(at, 48));
  }
  const lanes = f64x2.add(f64x2.add(a, b), f64x2.add(c, d));
  let total = f64x2.extract_lane(lanes, 0) + f64x2.extract_lane(lanes, 1);
  for (; j < size; j++) total += load<f64>(values + ((<usize>j) << 3));
  return total;
}
