/** What filters, tests and methods need of the interpreter. */
import type { Budget } from "./budget.js";
import type { Value } from "./values.js";

export interface Machine {
  readonly budget: Budget;
  /** `value.name`, as the sandbox has it. */
  attribute(value: Value, name: string): Value;
  /** `value[index]` */
  item(value: Value, index: Value): Value;
  call(callee: Value, args: Value[], kwargs?: Map<string, Value>): Value;
  filter(name: string, input: Value, args: Value[], kwargs: Map<string, Value>): Value;
  test(name: string, input: Value, args: Value[], kwargs: Map<string, Value>): boolean;
}
