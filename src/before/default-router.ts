/**
 * The router to take without a reason for another one: on every table of `npm run bench -- routing` the best one's lead over
 * it is within the paired 95 % interval (README, "Route").
 */
export const DEFAULT_ROUTER = "llm-bandit";
