/** Numbers of many digits as people say them. */

/** `7.62 B`, `1.14 M` */
export function count(value: number): string {
  return scaled(value, 1000, ["", " K", " M", " B", " T"]);
}

/** `468 MiB` */
export function size(bytes: number): string {
  return scaled(bytes, 1024, [" bytes", " KiB", " MiB", " GiB", " TiB"]);
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let unit = 0;
  // What rounds to 1,000 has four digits.
  while (value >= base || (unit > 0 && value >= 999.5)) {
    if (unit === units.length - 1) break;
    value /= base;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)}${units[unit]}`;
}
