/** Columns of one turn: four vectors, so that multiplications of different lanes overlap. */
const TURN: i32 = 16;

export function dots(rows: usize, count: i32, columns: i32, x: usize, out: usize): void {
  let at = rows;
  for (let row = 0; row < count; row++) {
    let a = f32x4.splat(0.0);
    let b = a;
    let c = a;
    let d = a;
    let y = x;
    for (let j = 0; j < columns; j += TURN) {
      a = f32x4.add(a, f32x4.mul(v128.load(at), v128.load(y)));
      b = f32x4.add(b, f32x4.mul(v128.load(at, 16), v128.load(y, 16)));
      c = f32x4.add(c, f32x4.mul(v128.load(at, 32), v128.load(y, 32)));
      d = f32x4.add(d, f32x4.mul(v128.load(at, 48), v128.load(y, 48)));
      at += 64;
      y += 64;
    }
    const lanes = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    const left = f32x4.extract_lane(lanes, 0) + f32x4.extract_lane(lanes, 1);
    const right = f32x4.extract_lane(lanes, 2) + f32x4.extract_lane(lanes, 3);
    store<f32>(out + ((<usize>row) << 2), left + right);
  }
}
