/** Pieces of HTML and SVG, and how numbers are written in them. */
import type { Interval } from "../statistics.js";

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text as it may stand between tags and in attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

/** A share of 1 in percent, with one digit. */
export function percent(share: number): string {
  return (100 * share).toFixed(1);
}

/** `+35.9`, `−0.4`: percentage points with their sign. */
export function points(difference: number): string {
  const text = percent(Math.abs(difference));
  return text === "0.0" ? "0.0" : `${difference < 0 ? "−" : "+"}${text}`;
}

export function interval({ low, high }: Interval, write: (value: number) => string = percent): string {
  return `${write(low)} … ${write(high)}`;
}

/** Two or three digits, thousands as k, M, G, T: `1.53M`, `84.0k`, `312`, `4.50`, `0.012`. */
export function quantity(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  for (const [unit, name] of UNITS) if (size >= 0.9995 * unit) return `${threeDigits(value / unit)}${name}`;
  return size < 1 ? value.toPrecision(2) : threeDigits(value);
}

const UNITS: readonly [number, string][] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

function threeDigits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}
