// Numbers in 16 bits (see ../../vocabulary/small-numbers.ts): the bits of a float32 from the tenth of its mantissa on, with
// an exponent that counts from 2^-63. Shifted into place and moved by a constant they are that float32.

const SHIFT: i32 = 13;
const BASE: i32 = 64 << 23;

/** Four numbers from eight bytes. */
@inline
function four(at: usize): v128 {
  return i32x4.add(i32x4.shl(v128.load_ext<u16>(at), SHIFT), i32x4.splat(BASE));
}

@inline
function one(at: usize): f64 {
  return <f64>reinterpret<f32>((<i32>load<u16>(at) << SHIFT) + BASE);
}

/** The upper two of four as float64. */
@inline
function upper(values: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(values, values, 2, 3, 2, 3));
}

export function addSmall(codes: usize, n: i32, scale: f64, out: usize): void {
  const factor = f64x2.splat(scale);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const values = four(codes + ((<usize>i) << 1));
    const at = out + ((<usize>i) << 3);
    v128.store(at, f64x2.add(v128.load(at), f64x2.mul(factor, f64x2.promote_low_f32x4(values))));
    v128.store(at, f64x2.add(v128.load(at, 16), f64x2.mul(factor, upper(values))), 16);
  }
  for (; i < n; i++) {
    const at = out + ((<usize>i) << 3);
    store<f64>(at, load<f64>(at) + scale * one(codes + ((<usize>i) << 1)));
  }
}

export function dotSmall(codes: usize, n: i32, x: usize): f64 {
  let a = f64x2.splat(0.0);
  let b = a;
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const values = four(codes + ((<usize>i) << 1));
    const at = x + ((<usize>i) << 3);
    a = f64x2.add(a, f64x2.mul(f64x2.promote_low_f32x4(values), v128.load(at)));
    b = f64x2.add(b, f64x2.mul(upper(values), v128.load(at, 16)));
  }
  const lanes = f64x2.add(a, b);
  let total = f64x2.extract_lane(lanes, 0) + f64x2.extract_lane(lanes, 1);
  for (; i < n; i++) total += one(codes + ((<usize>i) << 1)) * load<f64>(x + ((<usize>i) << 3));
  return total;
}
