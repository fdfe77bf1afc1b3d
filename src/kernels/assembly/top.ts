// The k largest logits with a heap of the k best so far, worst on top, in the two output arrays.
//
// A logit enters the heap only if it beats the worst there, and almost none do once the heap has seen a few thousand; the
// scan looks at 16 at a time for one that does. Logits in rising order would make every one enter, so a first scan finds
// a floor: it takes the maxima of blocks of B logits, and their k-th largest cannot exceed the k-th largest logit. Fewer
// than k blocks hold anything above the floor, so whatever the order at most n/B + k·(B + 1) entries are inserted.

import { largestLane } from "./softmax";

/** Logits a block, a multiple of 16. Wide blocks cost fewer insertions, where there are at least 1.5·k of them. */
const WIDE_BLOCK: i32 = 64;
const NARROW_BLOCK: i32 = 16;

export function top(logits: usize, n: i32, k: i32, outIds: usize, outLogits: usize): i32 {
  if (k <= 0) return 0;
  clear(k, outIds, outLogits);
  scanBlocks(logits, n, 2 * n >= 3 * k * WIDE_BLOCK ? WIDE_BLOCK : NARROW_BLOCK, k, outIds, outLogits);
  const floor = load<f32>(outLogits);
  clear(k, outIds, outLogits);
  scan(logits, n, below(floor), k, outIds, outLogits);
  return sort(k, outIds, outLogits);
}

/** Fill the heap with placeholders that every logit above -Infinity beats. */
function clear(k: i32, ids: usize, logits: usize): void {
  for (let i = 0; i < k; i++) {
    store<i32>(ids + ((<usize>i) << 2), -1);
    store<f32>(logits + ((<usize>i) << 2), -Infinity);
  }
}

/** The next smaller float, so that "at least z" becomes "more than below(z)"; -Infinity stays. */
function below(z: f32): f32 {
  const bits = reinterpret<i32>(z);
  if (z > 0.0) return reinterpret<f32>(bits - 1);
  if (z == 0.0) return reinterpret<f32>(0x80000001);
  return z == -Infinity ? z : reinterpret<f32>(bits + 1);
}

/** Leave the k largest block maxima in the heap; what remains after the last full block is passed over. */
function scanBlocks(logits: usize, n: i32, block: i32, k: i32, ids: usize, heap: usize): void {
  let worst: f32 = -Infinity;
  for (let start = 0; start + block <= n; start += block) {
    const end = logits + ((<usize>start + block) << 2);
    let a = f32x4.splat(-Infinity);
    let b = a;
    let c = a;
    let d = a;
    for (let at = logits + ((<usize>start) << 2); at < end; at += 64) {
      a = f32x4.pmax(a, v128.load(at));
      b = f32x4.pmax(b, v128.load(at, 16));
      c = f32x4.pmax(c, v128.load(at, 32));
      d = f32x4.pmax(d, v128.load(at, 48));
    }
    const lanes = f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d));
    if (!v128.any_true(f32x4.gt(lanes, f32x4.splat(worst)))) continue;
    sink(k, ids, heap, start, largestLane(lanes));
    worst = load<f32>(heap);
  }
}

/** Put every logit above `limit` that beats the heap's worst into the heap, lowest id first. */
function scan(logits: usize, n: i32, limit: f32, k: i32, ids: usize, heap: usize): void {
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    const at = logits + ((<usize>i) << 2);
    const limits = f32x4.splat(limit);
    const g0 = f32x4.gt(v128.load(at), limits);
    const g1 = f32x4.gt(v128.load(at, 16), limits);
    const g2 = f32x4.gt(v128.load(at, 32), limits);
    const g3 = f32x4.gt(v128.load(at, 48), limits);
    if (!v128.any_true(v128.or(v128.or(g0, g1), v128.or(g2, g3)))) continue;
    let hits =
      i32x4.bitmask(g0) | (i32x4.bitmask(g1) << 4) | (i32x4.bitmask(g2) << 8) | (i32x4.bitmask(g3) << 12);
    for (; hits; hits &= hits - 1) limit = offer(logits, i + ctz(hits), limit, k, ids, heap);
  }
  for (; i < n; i++) limit = offer(logits, i, limit, k, ids, heap);
}

/** Returns what the next logit has to beat. */
@inline
function offer(logits: usize, id: i32, limit: f32, k: i32, ids: usize, heap: usize): f32 {
  const z = load<f32>(logits + ((<usize>id) << 2));
  if (!(z > limit)) return limit;
  sink(k, ids, heap, id, z);
  return max(limit, load<f32>(heap));
}

/** Replace the heap's top by this entry and let it sink until both entries below it are better. */
function sink(k: i32, ids: usize, logits: usize, id: i32, z: f32): void {
  let hole = 0;
  for (;;) {
    let child = 2 * hole + 1;
    if (child >= k) break;
    let cz = load<f32>(logits + ((<usize>child) << 2));
    let cid = load<i32>(ids + ((<usize>child) << 2));
    if (child + 1 < k) {
      const sz = load<f32>(logits + ((<usize>child + 1) << 2));
      const sid = load<i32>(ids + ((<usize>child + 1) << 2));
      if (worse(sz, sid, cz, cid)) {
        child++;
        cz = sz;
        cid = sid;
      }
    }
    if (!worse(cz, cid, z, id)) break;
    store<f32>(logits + ((<usize>hole) << 2), cz);
    store<i32>(ids + ((<usize>hole) << 2), cid);
    hole = child;
  }
  store<f32>(logits + ((<usize>hole) << 2), z);
  store<i32>(ids + ((<usize>hole) << 2), id);
}

/** Smaller logits are worse; of equal ones, the higher id. */
@inline
function worse(az: f32, aid: i32, bz: f32, bid: i32): bool {
  return az < bz || (az == bz && aid > bid);
}

/** Heap sort in place, best first; returns how many entries are no placeholders. */
function sort(k: i32, ids: usize, logits: usize): i32 {
  for (let last = k - 1; last > 0; last--) {
    const at = (<usize>last) << 2;
    const z = load<f32>(logits + at);
    const id = load<i32>(ids + at);
    store<f32>(logits + at, load<f32>(logits));
    store<i32>(ids + at, load<i32>(ids));
    sink(last, ids, logits, id, z);
  }
  let count = k;
  while (count > 0 && load<i32>(ids + ((<usize>count - 1) << 2)) < 0) count--;
  return count;
}
