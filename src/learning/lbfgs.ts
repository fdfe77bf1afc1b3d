/**
 * Limited-memory BFGS for smooth functions (Nocedal and Wright, "Numerical Optimization", algorithms 7.4 and 7.5): the
 * two-loop direction from the last m steps, and a backtracking search that halves the step until the value falls enough.
 */
import { dot } from "./matrix.js";

export interface MinimiseOptions {
  /** Steps that are remembered. Default 10. */
  memory?: number;
  /** Stop at ‖gradient‖∞ ≤ this. Default 1e-7. */
  tolerance?: number;
  /** Default 500. */
  maxIterations?: number;
}

/** Armijo: the value must fall by this share of what the slope promises. */
const SUFFICIENT = 1e-4;
/** Halvings of a step before the point counts as the minimum that doubles can tell. */
const MAX_HALVINGS = 40;

/** Moves `x` to a minimum; `evaluate` returns the value at x and writes its gradient. Returns the value reached. */
export function minimise(
  evaluate: (x: Float64Array, gradient: Float64Array) => number,
  x: Float64Array,
  { memory = 10, tolerance = 1e-7, maxIterations = 500 }: MinimiseOptions = {},
): number {
  let gradient = new Float64Array(x.length);
  let value = evaluate(x, gradient);
  const steps: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    if (gradient.every((slope) => Math.abs(slope) <= tolerance)) break;
    let direction = twoLoop(gradient, steps);
    let slope = dot(direction, gradient);
    if (slope >= 0) {
      steps.length = 0;
      direction = gradient.map((each) => -each);
      slope = -dot(gradient, gradient);
    }
    // The first step has no curvature to go by: at most a length of 1.
    let length = steps.length === 0 ? Math.min(1, 1 / Math.sqrt(-slope)) : 1;
    const next = new Float64Array(x.length);
    const nextGradient = new Float64Array(x.length);
    let nextValue = Number.POSITIVE_INFINITY;
    let halvings = 0;
    for (; halvings < MAX_HALVINGS; halvings++, length /= 2) {
      for (let i = 0; i < x.length; i++) next[i] = x[i] + length * direction[i];
      nextValue = evaluate(next, nextGradient);
      if (nextValue <= value + SUFFICIENT * length * slope) break;
    }
    if (halvings === MAX_HALVINGS) break;
    const s = next.map((each, i) => each - x[i]);
    const y = nextGradient.map((each, i) => each - gradient[i]);
    const curvature = dot(s, y);
    if (curvature > 1e-12 * dot(y, y)) {
      steps.push({ s, y, rho: 1 / curvature });
      if (steps.length > memory) steps.shift();
    }
    x.set(next);
    gradient = nextGradient;
    value = nextValue;
  }
  return value;
}

/** −H·gradient, where H is the inverse Hessian that the remembered steps imply. */
function twoLoop(gradient: Float64Array, steps: readonly { s: Float64Array; y: Float64Array; rho: number }[]) {
  const q = Float64Array.from(gradient);
  const alphas: number[] = [];
  for (const { s, y, rho } of [...steps].reverse()) {
    const alpha = rho * dot(s, q);
    alphas.push(alpha);
    for (let i = 0; i < q.length; i++) q[i] -= alpha * y[i];
  }
  const last = steps.at(-1);
  const scale = last === undefined ? 1 : 1 / (last.rho * dot(last.y, last.y));
  for (let i = 0; i < q.length; i++) q[i] *= scale;
  for (const { s, y, rho } of steps) {
    const beta = rho * dot(y, q);
    const alpha = alphas.pop()!;
    for (let i = 0; i < q.length; i++) q[i] += (alpha - beta) * s[i];
  }
  return q.map((each) => -each);
}
