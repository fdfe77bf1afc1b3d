/** Passwords and tokens in addresses: needed to fetch a model, and nobody's business in a message, a table or a report. */

/** `user:password@`, or a token alone, before the host of an address. */
const USER_INFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi;
/** Values of a query whose names speak of secrets, signed links of clouds among them. */
const QUERY_VALUE =
  /([?&][^=&\s#]*(?:token|key|secret|password|passwd|pwd|sig|signature|auth|credential)[^=&\s#]*=)[^&\s#"']+/gi;

/** The text, with every secret of an address in it as `***`: `https://***@host/model.gguf?token=***`. */
export function maskSecrets(text: string): string {
  return text.replace(USER_INFO, "$1***@").replace(QUERY_VALUE, "$1***");
}

/**
 * The same for every text in plain data. What is not plain (a class, a function, a circle) stays as it is; what cannot be
 * read (a getter that throws, lists thousands of levels deep) is undefined.
 */
export function maskSecretsIn(value: unknown): unknown {
  try {
    return masked(value, []);
  } catch {
    return undefined;
  }
}

function masked(value: unknown, within: readonly object[]): unknown {
  if (typeof value === "string") return maskSecrets(value);
  if (typeof value !== "object" || value === null || within.includes(value)) return value;
  const inner = [...within, value];
  if (Array.isArray(value)) return value.map((item) => masked(item, inner));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, inner)]));
}
