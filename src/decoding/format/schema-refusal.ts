/** What cannot be enforced of a schema, by name. */
import { LlamafuseError } from "../../errors.js";

/** Error: invalid-option. */
export function refuse(place: string, keyword: string, why = "it is not enforced"): never {
  throw new LlamafuseError(
    "invalid-option",
    `The schema of the format has "${keyword}" at ${place}, but ${why}. See docs/formats.md for what is enforced.`,
    { option: "format", found: keyword, place },
  );
}
