/** Macros: functions that a template writes itself. */
import { JinjaError } from "./errors.js";
import type { MacroBody, Parameter } from "./nodes.js";
import type { Renderer } from "./render.js";
import { Scope } from "./scope.js";
import { Text } from "./text.js";
import { Callable, Dict, orElse, Tuple, Undefined, type Value } from "./values.js";

interface Definition extends MacroBody {
  name: string;
  parameters: Parameter[];
}

/** `scope`: where it is defined; it sees what is set there until it is called. */
export function makeMacro({ name, parameters, body, uses }: Definition, scope: Scope, renderer: Renderer): Callable {
  renderer.budget.spend(parameters.length);
  const call = (args: Value[], kwargs: Map<string, Value>): Value => {
    renderer.budget.spend(parameters.length + args.length);
    const inner = new Scope(scope);
    const left = new Map(kwargs);
    for (const [index, { name: parameter, default: otherwise }] of parameters.entries()) {
      const given = index < args.length ? args[index] : left.get(parameter);
      if (index < args.length && left.has(parameter))
        throw new JinjaError("TypeError", `macro '${name}' got multiple values for argument '${parameter}'`);
      left.delete(parameter);
      if (given !== undefined) inner.set(parameter, given);
      else if (otherwise !== undefined) inner.set(parameter, renderer.evaluator.evaluate(otherwise, inner));
      else inner.set(parameter, new Undefined(`parameter '${parameter}' was not provided`));
    }
    const caller = left.get("caller");
    left.delete("caller");
    if (uses.has("caller")) inner.set("caller", orElse(caller, new Undefined("No caller defined")));
    const extra = args.slice(parameters.length);
    if (uses.has("varargs")) inner.set("varargs", new Tuple(extra));
    else if (extra.length > 0)
      throw new JinjaError("TypeError", `macro '${name}' takes not more than ${parameters.length} argument(s)`);
    if (uses.has("kwargs")) inner.set("kwargs", Dict.of(left));
    else if (left.size > 0) {
      throw new JinjaError("TypeError", `macro '${name}' takes no keyword argument '${left.keys().next().value}'`);
    }
    renderer.budget.enter();
    const text = renderer.text(body, inner);
    renderer.budget.leave();
    return text;
  };
  const names = parameters.map((parameter) => new Text(parameter.name));
  return new Callable(
    name,
    call,
    new Map<string, Value>([
      ["name", new Text(name)],
      ["arguments", new Tuple(names)],
    ]),
  );
}
