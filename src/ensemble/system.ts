/** One kind of answerer that is chosen by name: see systems.ts for the table of them. */

import type { Answerer } from "./answerer.js";
import type { FuseOptions } from "./ensemble.js";
import type { LoadOptions } from "./load-options.js";
import type { Members } from "./members.js";

/** A method or router and its options. */
export interface NamedMethod {
  readonly name: string;
}

/** Members to be loaded, or loaded. */
export type MemberSource = ({ load: LoadOptions } | { loaded: Members }) & FuseOptions;

export interface System<Method extends NamedMethod = NamedMethod> {
  /** What people call one of them. */
  readonly kind: string;
  /** The names that belong to it, in the order of the documentation. */
  names(): readonly string[] | Promise<readonly string[]>;
  /** Whether the method can be used, as far as that is known without members. Errors: invalid-option, file-unreadable, … */
  check(method: Method): void | Promise<void>;
  open(method: Method, source: MemberSource): Promise<Answerer>;
}
