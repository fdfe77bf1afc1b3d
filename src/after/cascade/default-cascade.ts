/** What is fitted where nobody names a cascade; a file of its own, for help that loads nothing. */
export const DEFAULT_CASCADE = "quantile-deferral";
