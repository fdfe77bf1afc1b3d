/** What servers answer, checked before it is used: nonsense is one error that names the member. */
import { z } from "zod";
import { problemOf, sentenceOf } from "../../zod-problem.js";
import type { Connection } from "./connection.js";
import type { Place } from "./server.js";

/** A reply of this shape. Error: member-failed. */
export function checked<Shape extends z.ZodType>(
  connection: Connection,
  what: string,
  shape: Shape,
  reply: unknown,
): z.infer<Shape> {
  const result = shape.safeParse(reply);
  if (result.success) return result.data;
  const problem = problemOf(result.error, reply, { schema: shape });
  throw connection.failed(`answers ${what} with nonsense: ${sentenceOf(problem).replace(/\.$/, "")}`);
}

export const modelList = z.object({
  data: z
    .array(
      z.object({
        id: z.string(),
        owned_by: z.string().optional(),
        max_model_len: z.int().nullish(),
        meta: z
          .object({
            n_vocab: z.int().min(1),
            n_ctx_train: z.int().optional(),
            n_embd: z.int().optional(),
            n_params: z.number().optional(),
            size: z.number().optional(),
          })
          .nullish(),
      }),
    )
    .min(1),
});

/** ln p cannot be above 0 by more than rounding. */
const ROUNDING = 1e-3;

/**
 * The same place, where what it says can be true: finite or −∞ log-probabilities, none above 0, probabilities that sum to 1 at
 * most. All zeros are what servers report for tokens that their own speculation guessed. Error: member-failed.
 */
export function checkedPlace(connection: Connection, place: Place): Place {
  const { logProbs } = place;
  const bad = logProbs.find((logProb) => Number.isNaN(logProb) || logProb > ROUNDING);
  if (bad !== undefined) throw connection.failed(`gives a token the log-probability ${bad}; 0 is the largest there is`);
  if (logProbs.length > 1 && logProbs.every((logProb) => logProb === 0)) {
    throw connection.failed(
      "gives every token the log-probability 0, as servers do that draft tokens themselves. Start it without speculative decoding",
    );
  }
  const sum = logProbs.reduce((total, logProb) => total + Math.exp(logProb), 0);
  if (sum > 1 + ROUNDING * logProbs.length) {
    throw connection.failed(`gives tokens probabilities that sum to ${sum.toFixed(3)}`);
  }
  return place;
}
