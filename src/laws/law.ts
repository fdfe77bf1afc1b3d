/** What the laws are written in: a check by its name, and the error of one that does not hold. */
import { LlamafuseError } from "../errors.js";
import type { Member } from "../member/member.js";

/** One law on one set of members. */
export interface LawCheck {
  /** As a test could be called: `does not care for the members' order`. */
  name: string;
  /** Error: broken-law, which names the law and the step. */
  check(): Promise<void>;
}

/** The members that laws are checked on. */
export interface LawMembers {
  /** For errors: `SentencePiece and BPE`. */
  name: string;
  /** Fresh ones at every call, and the same at every call. They are disposed of after each law. */
  make(): Member[] | Promise<Member[]>;
  /** The first of them again. */
  copy(): Member | Promise<Member>;
  /** Whether every vocabulary gives letters to its bytes, as published strings need. Default true. */
  hasByteLetters?: boolean;
}

export type Break = (step: number | undefined, found: string, details?: Record<string, unknown>) => never;

/**
 * A check of `law` for `what` (a method, an alignment or a rule, by its name). `test` calls `fail` where the law is broken;
 * errors that are no LlamafuseError break it, too.
 */
export function lawCheck(what: string, law: string, on: string, test: (fail: Break) => Promise<void> | void): LawCheck {
  const fail: Break = (step, found, details = {}) => {
    const where = step === undefined ? "" : `, step ${step + 1}`;
    throw new LlamafuseError("broken-law", `${what} breaks the law "${law}" (${on}${where}): ${found}`, {
      what,
      law,
      members: on,
      step,
      ...details,
    });
  };
  const check = async () => {
    try {
      await test(fail);
    } catch (error) {
      if (error instanceof LlamafuseError) throw error;
      const message = `${what} breaks the law "${law}" (${on}): it ended with the error ${(error as Error).message}`;
      throw new LlamafuseError("broken-law", message, { what, law, members: on }, error);
    }
  };
  return { name: law, check };
}

/** Breaks the law unless the values differ by at most `within`. NaN differs from everything. */
export function expectNear(found: number, expected: number, within: number, fail: () => never): void {
  if (!(Math.abs(found - expected) <= within)) fail();
}
