// e^x in double precision, two at a time, without branches.
//
// Range reduction (Cody and Waite): x = k·ln 2 + r with k an integer and |r| <= ln 2 / 2, so e^x = 2^k · e^r. ln 2 is
// split in two: its 41 leading bits times any k here (11 bits) is exact, and the rest is below rounding.
//
// e^r = (c + r)/(c − r) with c = r·coth(r/2), which is even in r: c = 2 + r²·P(r²). P has degree 3, fitted with the
// Remez algorithm for the smallest relative error of e^r, 2.5e-16. c + r, c − r and their quotient add 1.1e-16 each, r and
// c another 1e-16: in all below 7e-16 (measured over 160,000 values: 4.9e-16, 3.5 units in the last place). A degree
// more would halve that for a few percent more time, which nothing here needs.

const LOG2_E: f64 = 1.4426950408889634;
const LN2_HIGH: f64 = 0.693147180559663;
const LN2_LOW: f64 = 2.8235290563031577e-13;
/** 1.5·2^52: adding it rounds a small double to an integer and leaves that integer in the low bits of the sum. */
const ROUNDER: f64 = 6755399441055744.0;

const P0: f64 = 0.16666666666573537;
const P1: f64 = -0.0027777777148336098;
const P2: f64 = 6.613615507551873e-5;
const P3: f64 = -1.640523568290471e-6;

/** Below, e^x rounds to zero. */
const UNDERFLOW: f64 = -745.1332191019412;
/** e^x is Infinity from 709.78 on, so nothing changes when larger x are taken for this. */
const OVERFLOW: f64 = 710.0;

/** The integer k nearest to x / ln 2, in the low bits of a double (see ROUNDER). */
@inline
function rounded(x: v128): v128 {
  return f64x2.add(f64x2.mul(x, f64x2.splat(LOG2_E)), f64x2.splat(ROUNDER));
}

/** e^r, in [√½, √2]. */
@inline
function fraction(x: v128, rounded: v128): v128 {
  const k = f64x2.sub(rounded, f64x2.splat(ROUNDER));
  const r = f64x2.sub(f64x2.sub(x, f64x2.mul(k, f64x2.splat(LN2_HIGH))), f64x2.mul(k, f64x2.splat(LN2_LOW)));
  const s = f64x2.mul(r, r);
  const upper = f64x2.add(f64x2.splat(P2), f64x2.mul(s, f64x2.splat(P3)));
  const lower = f64x2.add(f64x2.splat(P0), f64x2.mul(s, f64x2.splat(P1)));
  const p = f64x2.add(lower, f64x2.mul(f64x2.mul(s, s), upper));
  const c = f64x2.add(f64x2.splat(2.0), f64x2.mul(s, p));
  return f64x2.div(f64x2.add(c, r), f64x2.sub(c, r));
}

/** e^x for |x| < 708, where k + 1023 is an exponent of normal doubles: 2^k is applied by adding to the exponent bits. */
@inline
export function exponentialPlain(x: v128): v128 {
  const k = rounded(x);
  return i64x2.add(fraction(x, k), i64x2.shl(k, 52));
}

/** e^x for any x, the same bits where both apply: subnormals as they should be, 0 for -Infinity, NaN for NaN. */
@inline
export function exponentialAny(x: v128): v128 {
  // Zero is put in by masks, because arithmetic that underflows is slow on many processors.
  const vanishing = f64x2.lt(x, f64x2.splat(UNDERFLOW));
  const bounded = f64x2.pmin(v128.andnot(x, vanishing), f64x2.splat(OVERFLOW));
  const k = rounded(bounded);
  const y = fraction(bounded, k);
  // 2^k as the product of two powers, since k itself may lie outside the exponents of normal doubles. With u = k + 2·1023,
  // ⌊u/2⌋ and ⌈u/2⌉ are their exponent fields.
  const u = i64x2.sub(k, i64x2.splat(reinterpret<i64>(ROUNDER) - 2 * 1023));
  const half = i64x2.shr_u(u, 1);
  const first = i64x2.shl(half, 52);
  const second = i64x2.shl(i64x2.sub(u, half), 52);
  return v128.andnot(f64x2.mul(f64x2.mul(y, first), second), vanishing);
}

// e^x in single precision, four at a time, for x <= 0: where only a sum of many values counts.
//
// The same reduction with floats: ln 2 split after 9 bits, so that k·high is exact. e^r = 1 + r + r²·Q(r) with Q of degree 4,
// fitted for the smallest relative error of e^r, 3.1e-9; rounding adds about one unit in the last place, 6e-8 (measured:
// 1.1e-7 at most). e^0 is exactly 1. x itself is z − max in floats, which costs |x|·6e-8 of e^x: 2.2e-8 of the largest at most.

const LOG2_E_SINGLE: f32 = 1.44269504;
const LN2_HIGH_SINGLE: f32 = 0.693359375;
const LN2_LOW_SINGLE: f32 = -0.00021219444;
/** 1.5·2^23; see ROUNDER. */
const ROUNDER_SINGLE: f32 = 12582912.0;
const Q0: f32 = 0.49999993432110496;
const Q1: f32 = 0.16666520398962353;
const Q2: f32 = 0.04166839078739655;
const Q3: f32 = 0.008368745116358569;
const Q4: f32 = 0.0013814539987295905;
/** Smaller x are taken for this, so that 2^k stays a normal float: beside e^0 it is nothing. */
const LOWEST_SINGLE: f32 = -87.0;

/** e^x for x <= 0. */
@inline
export function exponentialSingle(x: v128): v128 {
  const bounded = f32x4.pmax(f32x4.splat(LOWEST_SINGLE), x);
  const rounded = f32x4.add(f32x4.mul(bounded, f32x4.splat(LOG2_E_SINGLE)), f32x4.splat(ROUNDER_SINGLE));
  const k = f32x4.sub(rounded, f32x4.splat(ROUNDER_SINGLE));
  const r = f32x4.sub(
    f32x4.sub(bounded, f32x4.mul(k, f32x4.splat(LN2_HIGH_SINGLE))),
    f32x4.mul(k, f32x4.splat(LN2_LOW_SINGLE)),
  );
  const s = f32x4.mul(r, r);
  const low = f32x4.add(f32x4.splat(Q0), f32x4.mul(r, f32x4.splat(Q1)));
  const high = f32x4.add(f32x4.splat(Q2), f32x4.mul(r, f32x4.add(f32x4.splat(Q3), f32x4.mul(r, f32x4.splat(Q4)))));
  const q = f32x4.add(low, f32x4.mul(s, high));
  const y = f32x4.add(f32x4.splat(1.0), f32x4.add(r, f32x4.mul(s, q)));
  return i32x4.add(y, i32x4.shl(rounded, 23));
}
