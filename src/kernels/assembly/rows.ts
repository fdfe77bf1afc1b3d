// Sparse rows: the entries of row v are at [offsets_v, offsets_(v+1)) of the columns (`indices`) and the values.

export function addRows(offsets: usize, indices: usize, values: usize, rows: i32, shares: usize, out: usize): void {
  let entry = load<u32>(offsets);
  for (let v = 0; v < rows; v++) {
    const end = load<u32>(offsets + ((<usize>v) << 2), 4);
    const share = load<f64>(shares + ((<usize>v) << 3));
    if (share != 0.0) {
      for (; entry < end; entry++) {
        const at = out + ((<usize>load<u32>(indices + ((<usize>entry) << 2))) << 3);
        store<f64>(at, load<f64>(at) + share * load<f64>(values + ((<usize>entry) << 3)));
      }
    }
    entry = end;
  }
}

export function rowDots(
  offsets: usize,
  indices: usize,
  values: usize,
  rows: i32,
  speaks: usize,
  x: usize,
  out: usize,
): void {
  let entry = load<u32>(offsets);
  for (let v = 0; v < rows; v++) {
    const end = load<u32>(offsets + ((<usize>v) << 2), 4);
    let sum: f64 = 0.0;
    if (load<u8>(speaks + <usize>v) != 0) {
      for (; entry < end; entry++) {
        const value = load<f64>(values + ((<usize>entry) << 3));
        sum += value * load<f64>(x + ((<usize>load<u32>(indices + ((<usize>entry) << 2))) << 3));
      }
    }
    store<f64>(out + ((<usize>v) << 3), sum);
    entry = end;
  }
}
