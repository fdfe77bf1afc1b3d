export { LlamafuseError, type ErrorCode } from "./errors.js";
