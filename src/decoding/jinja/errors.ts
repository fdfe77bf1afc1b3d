/** What goes wrong in a template, named as Python names it. */

export type JinjaErrorName =
  /** The template called raise_exception. */
  | "TemplateError"
  | "TemplateSyntaxError"
  | "TemplateRuntimeError"
  | "UndefinedError"
  | "SecurityError"
  | "TypeError"
  | "ValueError"
  | "IndexError"
  | "KeyError"
  | "ZeroDivisionError"
  | "OverflowError"
  | "RecursionError"
  /** Python can do it, this interpreter cannot. */
  | "Unsupported"
  /** More steps or text than a template is allowed; see budget.ts. */
  | "BudgetExceeded";

export class JinjaError extends Error {
  override readonly name: JinjaErrorName;

  constructor(name: JinjaErrorName, message: string) {
    super(message);
    this.name = name;
  }
}

export function unsupported(what: string): JinjaError {
  return new JinjaError("Unsupported", `${what} is not supported here`);
}
