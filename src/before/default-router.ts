/**
 * The router to take without a reason for another one. None is best on every table of `npm run bench -- routing`; this one is
 * told from the best on fewest of them, and from below the zero router on none (README, "Route").
 */
export const DEFAULT_ROUTER = "llm-bandit";
