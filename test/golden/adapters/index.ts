import type { GoldenAdapter } from "../adapter.js";
import { abe } from "./abe.js";
import { answers } from "./answers.js";
import { automix } from "./automix.js";
import { avengers } from "./avengers.js";
import { bleuChrf } from "./bleu-chrf.js";
import { bytes } from "./bytes.js";
import { cascadeRouting } from "./cascade-routing.js";
import { cascadeUncertainty } from "./cascade-uncertainty.js";
import { chatTemplate } from "./chat-template.js";
import { conformalCascade } from "./conformal-cascade.js";
import { core } from "./core.js";
import { deepen } from "./deepen.js";
import { eagle } from "./eagle.js";
import { eva } from "./eva.js";
import { forc } from "./forc.js";
import { frugalgpt } from "./frugalgpt.js";
import { gac } from "./gac.js";
import { honestRouting } from "./honest-routing.js";
import { hybridLlm } from "./hybrid-llm.js";
import { metallm } from "./metallm.js";
import { mined } from "./mined.js";
import { mot } from "./mot.js";
import { neuralCaching } from "./neural-caching.js";
import { packllmOpt, packllmSim } from "./packllm.js";
import { postHocDeferral } from "./post-hoc-deferral.js";
import { purification } from "./purification.js";
import { quantileDeferral } from "./quantile-deferral.js";
import { routellm } from "./routellm.js";
import { routerbenchAiq } from "./routerbench-aiq.js";
import { samplers } from "./samplers.js";
import { semanticAgreement } from "./semantic-agreement.js";
import { smc } from "./smc.js";
import { srivatsa } from "./srivatsa.js";
import { tokeniseChat } from "./tokenise-chat.js";
import { unite } from "./unite.js";
import { uniteProbability } from "./unite-prob.js";

/** One adapter a method; a golden file of a method that is not here fails. */
export const adapters: readonly GoldenAdapter[] = [
  abe,
  answers,
  avengers,
  bleuChrf,
  bytes,
  chatTemplate,
  core,
  deepen,
  eagle,
  forc,
  eva,
  gac,
  honestRouting,
  hybridLlm,
  metallm,
  mined,
  packllmOpt,
  packllmSim,
  purification,
  routellm,
  routerbenchAiq,
  samplers,
  smc,
  srivatsa,
  tokeniseChat,
  unite,
  uniteProbability,
  automix,
  cascadeRouting,
  cascadeUncertainty,
  conformalCascade,
  frugalgpt,
  mot,
  neuralCaching,
  postHocDeferral,
  quantileDeferral,
  semanticAgreement,
];
