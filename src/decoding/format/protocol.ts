/** What is said between a request and the thread that reads its form. */
import type { FormSource } from "./format.js";

/**
 * What can be said, by number: 0 is the end, n the n-th string, which begins at `offsets[n − 1]` and ends before the next. A mask
 * has a bit for each.
 */
export interface Strings {
  bytes: Uint8Array;
  offsets: Uint32Array;
}

/** `id`: of a request, and of what is said to it. */
export type ToReader = { id: number } & (
  | /** A form, and where its masks go; the first one is that of the empty text. */ {
      open: FormSource;
      mask: Int32Array;
    }
  | /** The string with this number was said, or these bytes, which are none: the next mask. */ {
      take: number | Uint8Array;
    }
);

/** The next mask is there, or why it is not. */
export type FromReader = { id: number; refused?: string };
