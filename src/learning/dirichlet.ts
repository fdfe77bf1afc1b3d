/** Which part of a whole is the largest, where the parts are known by counts alone. */

/**
 * P(x_k > x_j for all j ≠ k) for x ~ Dirichlet(α): the parts are Gamma(α_i) up to their sum, so it is
 *
 *     ∫ f(x; α_k) Π_{j ≠ k} F(x; α_j) dx
 *
 * by Simpson's rule in ln x, to about 1e-10.
 */
export function probabilityOfLargest(alphas: readonly number[], k: number): number {
  if (alphas.length === 1) return 1;
  const alpha = alphas[k];
  const spread = 12 * Math.sqrt(alpha) + 40;
  // Below: x^α Γ(α + 1)⁻¹ of the mass.
  const [low, high] = [Math.log(1e-16) / alpha - 2 + Math.min(0, Math.log(alpha)), Math.log(alpha + spread)];
  const constant = logGamma(alpha);
  const others = alphas.filter((_, j) => j !== k);
  const at = (y: number) => {
    const x = Math.exp(y);
    const density = Math.exp(alpha * y - x - constant);
    return density === 0 ? 0 : others.reduce((product, other) => product * gammaShare(other, x), density);
  };
  const steps = 4000;
  const width = (high - low) / steps;
  let sum = at(low) + at(high);
  for (let step = 1; step < steps; step++) sum += (step % 2 === 0 ? 2 : 4) * at(low + step * width);
  return Math.min(1, (sum * width) / 3);
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** ln Γ(x) for x > 0 (Lanczos, g = 7). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  const t = shifted + 7.5;
  const sum = LANCZOS.reduce((total, coefficient, i) => total + coefficient / (shifted + i + 1), 0.99999999999980993);
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** F(x; a) of a Gamma variable of scale 1: the regularised lower incomplete gamma function, by series or fraction. */
export function gammaShare(a: number, x: number): number {
  if (x <= 0) return 0;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return Math.min(1, front * sum);
  }
  // Lentz's method.
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 10_000; i++) {
    const an = -i * (i - a);
    b += 2;
    d = 1 / nonZero(an * d + b, tiny);
    c = nonZero(b + an / c, tiny);
    const delta = d * c;
    h *= delta;
    if (Math.abs(delta - 1) < 1e-15) break;
  }
  return Math.max(0, 1 - front * h);
}

function nonZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}
