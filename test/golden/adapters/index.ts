import type { GoldenAdapter } from "../adapter.js";
import { abe } from "./abe.js";
import { adafuse } from "./adafuse.js";
import { agentforest } from "./agentforest.js";
import { answers } from "./answers.js";
import { automix } from "./automix.js";
import { avengers } from "./avengers.js";
import { bestOfInfinity } from "./best-of-infinity.js";
import { bestOfN } from "./best-of-n.js";
import { blender } from "./blender.js";
import { bleuChrf } from "./bleu-chrf.js";
import { bytes } from "./bytes.js";
import { cascadeRouting } from "./cascade-routing.js";
import { cascadeUncertainty } from "./cascade-uncertainty.js";
import { chatTemplate } from "./chat-template.js";
import { conformalCascade } from "./conformal-cascade.js";
import { coolFusion } from "./cool-fusion.js";
import { core } from "./core.js";
import { dawidSkene } from "./dawid-skene.js";
import { deepen } from "./deepen.js";
import { diversity } from "./diversity.js";
import { eagle } from "./eagle.js";
import { eva } from "./eva.js";
import { forc } from "./forc.js";
import { frugalgpt } from "./frugalgpt.js";
import { gac } from "./gac.js";
import { hedgeGuard } from "./hedge-guard.js";
import { honestRouting } from "./honest-routing.js";
import { hybridLlm } from "./hybrid-llm.js";
import { mbr } from "./mbr.js";
import { metallm } from "./metallm.js";
import { mined } from "./mined.js";
import { moreFeaturesOf } from "./more-features.js";
import { mot } from "./mot.js";
import { neuralCaching } from "./neural-caching.js";
import { packllmOpt, packllmSim } from "./packllm.js";
import { peerreview } from "./peerreview.js";
import { postHocDeferral } from "./post-hoc-deferral.js";
import { purification } from "./purification.js";
import { quantileDeferral } from "./quantile-deferral.js";
import { routellm } from "./routellm.js";
import { routerbenchAiq } from "./routerbench-aiq.js";
import { samplers } from "./samplers.js";
import { semanticAgreement } from "./semantic-agreement.js";
import { smc } from "./smc.js";
import { smoothie } from "./smoothie.js";
import { specem } from "./specem.js";
import { specfuseExit } from "./specfuse-exit.js";
import { srivatsa } from "./srivatsa.js";
import { sweetspan } from "./sweetspan.js";
import { tokeniseChat } from "./tokenise-chat.js";
import { unite } from "./unite.js";
import { uniteProbability } from "./unite-prob.js";
import { weightedVote } from "./weighted-vote.js";

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
  agentforest,
  bestOfInfinity,
  bestOfN,
  blender,
  dawidSkene,
  diversity,
  mbr,
  moreFeaturesOf,
  peerreview,
  smoothie,
  weightedVote,
  adafuse,
  coolFusion,
  specem,
  specfuseExit,
  sweetspan,
  hedgeGuard,
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
