/** The grammar of an answer that calls functions, from that of one call's JSON. */
import type { CallForm } from "../tools/call-form.js";

/** `json`: XGrammar's EBNF of one call, whose last rule is `root`. */
export function callsGrammar(json: string, { isFree, isOne }: Omit<CallForm, "schema">): string {
  const rules = json.replace(/^root ::=/m, "call_object ::=");
  const call = String.raw`"\n" call_object "\n</tool_call>"`;
  if (isFree) {
    const dispatch = `("<tool_call>", call), stop_eos=true, stop_str=(), loop_after_dispatch=${!isOne}`;
    return `${rules}\ncall ::= ${call}\nroot ::= TagDispatch(${dispatch})\n`;
  }
  const more = isOne ? "" : String.raw` ("\n" call)*`;
  return `${rules}\ncall ::= "<tool_call>" ${call}\nroot ::= call${more}\n`;
}
