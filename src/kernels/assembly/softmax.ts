import { exponentialAny, exponentialPlain, exponentialSingle } from "./exponential";

/** The largest logit; NaN if any is NaN. */
export function maximum(logits: usize, n: i32): f32 {
  const end = logits + ((<usize>n) << 2);
  let a = f32x4.splat(-Infinity);
  let b = a;
  let c = a;
  let d = a;
  // pmax(a, z) keeps a where z is NaN, so NaNs are noticed apart: they alone differ from themselves.
  let odd = i32x4.splat(0);
  let at = logits;
  for (; at + 64 <= end; at += 64) {
    const z0 = v128.load(at);
    const z1 = v128.load(at, 16);
    const z2 = v128.load(at, 32);
    const z3 = v128.load(at, 48);
    a = f32x4.pmax(a, z0);
    b = f32x4.pmax(b, z1);
    c = f32x4.pmax(c, z2);
    d = f32x4.pmax(d, z3);
    odd = v128.or(odd, v128.or(f32x4.ne(z0, z0), f32x4.ne(z1, z1)));
    odd = v128.or(odd, v128.or(f32x4.ne(z2, z2), f32x4.ne(z3, z3)));
  }
  if (v128.any_true(odd)) return f32.NaN;
  let best = largestLane(f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d)));
  for (; at < end; at += 4) {
    const z = load<f32>(at);
    if (z != z) return z;
    if (z > best) best = z;
  }
  return best;
}

/** The largest of four lanes, none of them NaN. */
@inline
export function largestLane(v: v128): f32 {
  return max(
    max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

export function expInto(logits: usize, n: i32, shift: f64, out: usize): f64 {
  return within(logits, n, shift) ? exponentials(logits, n, shift, out, true) : exponentials(logits, n, shift, out, false);
}

export function sumExp(logits: usize, n: i32, max: f32): f64 {
  const end = logits + ((<usize>n) << 2);
  const shifts = f32x4.splat(max);
  let low = f64x2.splat(0.0);
  let high = f64x2.splat(0.0);
  let lower = low;
  let higher = low;
  let at = logits;
  if (at + 32 <= end) {
    do {
      const x = exponentialSingle(f32x4.sub(v128.load(at), shifts));
      const y = exponentialSingle(f32x4.sub(v128.load(at, 16), shifts));
      low = f64x2.add(low, f64x2.promote_low_f32x4(x));
      high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 2, 3)));
      lower = f64x2.add(lower, f64x2.promote_low_f32x4(y));
      higher = f64x2.add(higher, f64x2.promote_low_f32x4(v128.shuffle<i32>(y, y, 2, 3, 2, 3)));
      at += 32;
    } while (at + 32 <= end);
  }
  const sums = f64x2.add(f64x2.add(low, high), f64x2.add(lower, higher));
  let total = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  for (; at < end; at += 4) {
    total += <f64>f32x4.extract_lane(exponentialSingle(f32x4.splat(load<f32>(at) - max)), 0);
  }
  return total;
}

/** Whether |z − shift| < 708 for every logit, so that the plain exponential serves all; a scan costs less than masks. */
function within(logits: usize, n: i32, shift: f64): bool {
  // As floats the two ends are off by up to |shift|·2^-24, which the distance from 700 to 708 covers up to here.
  if (!(abs(shift) < 1e8)) return false;
  const low = <f32>(shift - 700.0);
  const high = <f32>(shift + 700.0);
  const end = logits + ((<usize>n) << 2);
  let at = logits;
  for (; at + 32 <= end; at += 32) {
    const lows = f32x4.splat(low);
    const highs = f32x4.splat(high);
    const y = v128.load(at);
    const z = v128.load(at, 16);
    const above = v128.and(f32x4.gt(y, lows), f32x4.gt(z, lows));
    const below = v128.and(f32x4.lt(y, highs), f32x4.lt(z, highs));
    if (!i32x4.all_true(v128.and(above, below))) return false;
  }
  for (; at < end; at += 4) {
    const z = load<f32>(at);
    if (!(z > low && z < high)) return false;
  }
  return true;
}

@inline
function exponentials(logits: usize, n: i32, shift: f64, out: usize, plain: bool): f64 {
  const end = logits + ((<usize>n) << 2);
  const shifts = f64x2.splat(shift);
  let low = f64x2.splat(0.0);
  let high = f64x2.splat(0.0);
  let at = logits;
  if (at + 16 <= end) {
    // With its test at the end the loop is a single block, and V8 then keeps the constants out of it.
    do {
      const z = v128.load(at);
      let x = f64x2.sub(f64x2.promote_low_f32x4(z), shifts);
      let y = f64x2.sub(f64x2.promote_low_f32x4(v128.shuffle<i32>(z, z, 2, 3, 2, 3)), shifts);
      if (plain) {
        x = exponentialPlain(x);
        y = exponentialPlain(y);
      } else {
        x = exponentialAny(x);
        y = exponentialAny(y);
      }
      v128.store(out, x);
      v128.store(out, y, 16);
      out += 32;
      low = f64x2.add(low, x);
      high = f64x2.add(high, y);
      at += 16;
    } while (at + 16 <= end);
  }
  let total =
    f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1) + (f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1));
  for (; at < end; at += 4) {
    const x = exponentialAny(f64x2.splat((<f64>load<f32>(at)) - shift));
    const e = f64x2.extract_lane(x, 0);
    store<f64>(out, e);
    out += 8;
    total += e;
  }
  return total;
}
