/**
 * The router to take without a reason for another one. None is best on every table of `npm run bench -- routing`; this one is
 * significantly worse than the best on the fewest of them, and than the zero router on none (README, "Route").
 */
export const DEFAULT_ROUTER = "llm-bandit";
