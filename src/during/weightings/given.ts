/** The weights that the user gave. */
import { z } from "zod";
import { defineWeighting } from "./define-weighting.js";
import { GivenWeights } from "./weighting.js";

export const given = defineWeighting({
  name: "given",
  summary: "The weights set for the members.",
  options: z.strictObject({}),
  create: (voices) => new GivenWeights(voices),
});
