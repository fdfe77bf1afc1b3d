/** `loop`: what a for-loop's body can ask about it. */
import type { Budget } from "./budget.js";
import { JinjaError } from "./errors.js";
import { equals } from "./operators.js";
import { Attributes, Callable, orElse, Undefined, type Value } from "./values.js";

export class Loop extends Attributes {
  readonly typeName = "LoopContext";
  index0 = 0;
  #changed: Value[] | undefined;

  constructor(
    private readonly items: readonly Value[],
    private readonly depth: number,
    private readonly budget: Budget,
    /** Runs the loop's body on other items, where it is recursive. */
    private readonly recurse: ((items: Value) => Value) | undefined,
  ) {
    super();
  }

  override call(args: Value[]): Value {
    if (this.recurse === undefined) {
      throw new JinjaError("TypeError", "The loop must have the 'recursive' marker to be called recursively.");
    }
    return this.recurse(orElse(args[0], new Undefined("loop() misses its items")));
  }

  attribute(name: string): Value | undefined {
    const { index0, items } = this;
    switch (name) {
      case "index0":
        return index0;
      case "index":
        return index0 + 1;
      case "revindex":
        return items.length - index0;
      case "revindex0":
        return items.length - index0 - 1;
      case "first":
        return index0 === 0;
      case "last":
        return index0 === items.length - 1;
      case "length":
        return items.length;
      case "depth":
        return this.depth + 1;
      case "depth0":
        return this.depth;
      case "previtem":
        return orElse(items[index0 - 1], new Undefined("there is no previous item"));
      case "nextitem":
        return orElse(items[index0 + 1], new Undefined("there is no next item"));
      case "cycle":
        return new Callable(name, (args) => {
          if (args.length === 0) throw new JinjaError("TypeError", "no items for cycling given");
          return args[index0 % args.length];
        });
      case "changed":
        return new Callable(name, (args) => {
          const before = this.#changed;
          this.#changed = args;
          return (
            before === undefined ||
            before.length !== args.length ||
            !args.every((arg, at) => equals(arg, before[at], this.budget))
          );
        });
      default:
        return undefined;
    }
  }
}
