/** Expecting a LlamafuseError: its code, and that its message is one line that names the file. */
import { expect } from "vitest";
import { type ErrorCode, LlamafuseError } from "../../src/errors.js";

/** The error that `action` ends in. Anything else, success included, fails the test. */
export async function refusal(action: () => unknown): Promise<LlamafuseError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof LlamafuseError) return error;
    throw error;
  }
  return expect.unreachable("this should have been refused");
}

/** Expect a refusal with this code whose message has this text and names the file. */
export async function expectRefusal(
  action: () => unknown,
  code: ErrorCode,
  message: RegExp,
  file: string,
): Promise<LlamafuseError> {
  const error = await refusal(action);
  expect({ code: error.code, message: error.message }).toEqual({ code, message: expect.stringMatching(message) });
  expect(error.message).toContain(file);
  expect(error.message).not.toContain("\n");
  // Details name the file too, and something of what was found in it.
  if (code === "invalid-model" || code === "unsupported-model") {
    expect(error.details).toMatchObject({ file });
    expect(Object.keys(error.details).length).toBeGreaterThan(1);
  }
  return error;
}
