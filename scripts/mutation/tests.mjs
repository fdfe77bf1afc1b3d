/** Which tests a mutation run asks (run.mjs). */

/** What a folder is tested by, where that is not its mirror in test/unit. Tests that need models are left out. */
export const TESTS = {
  "src/decoding/sampling": ["test/unit/decoding/sampler.test.ts"],
  "src/decoding": [
    ...["healing", "loop", "marked-run", "member-failure", "messages", "prompt", "prompt-thinking", "request", "score"],
    ...["soliloquy", "speculation", "step-clock", "stop-rules", "text-lookup", "text-stream", "thinking"],
    ...["thinking-templates", "trace", "traced-methods", "ensemble/score-texts"],
  ].map((name) => `test/unit/${name.includes("/") ? name : `decoding/${name}`}.test.ts`),
  "src/during": ["test/unit/during/**/*.test.ts", "test/unit/defaults.test.ts"],
  "src/before": ["test/unit/before/**/*.test.ts", "test/unit/defaults.test.ts"],
  "src/llama/checks": ["check-*", "purpose", "control-characters"].map((name) => `test/unit/llama/${name}.test.ts`),
};
/**
 * Which of these tests a file is asked, by their names; all of them where this does not say. A file that hundreds of tests
 * reach, of which few are about it, costs hours otherwise; what only the others notice counts as unnoticed.
 */
export const OWN_TESTS = {
  "src/decoding": [
    [/thinking/, ["marked-run", "soliloquy", "thinking", "thinking-templates"]],
    [/score/, ["score", "score-texts"]],
    [/trace/, ["trace", "traced-methods"]],
    [/healing/, ["healing"]],
    [/speculation/, ["speculation"]],
    [/text-lookup/, ["text-lookup"]],
    [/member-failure/, ["member-failure"]],
    [/step-clock/, ["step-clock"]],
    [/stop-rules|text-stream|answer-text/, ["stop-rules", "text-stream", "loop"]],
    [/request|result/, ["request", "loop"]],
    [/messages|prompt|template-date/, ["prompt", "prompt-thinking", "messages", "request"]],
    [/loop|schedule|fused-logits/, ["loop", "member-failure", "healing", "thinking"]],
  ],
  "src/during": [
    [/abe/, ["runs", "search", "ranking"]],
    [/bytes/, ["byte-beam", "method", "adaptive"]],
    [/safe|sharpened/, ["safe", "defaults"]],
    [/switch/, ["cds-citer", "defaults"]],
    [/similarity|eva/, ["similarity", "embedded", "embedding-formats", "defaults"]],
    [/relative|deepen|vecmap|sparse-rows/, ["relative", "relative-space", "row-operator", "embedded", "twins"]],
    [/mined|core/, ["minimum-edit", "rules", "methods"]],
    [/gac|\/union|published/, ["gac", "greedy-sum", "published-feedback", "published-strings", "twins", "defaults"]],
    [/unite|top-union/, ["unite", "twins", "methods", "defaults"]],
    [/packllm|weightings/, ["packllm", "weights", "weights-in-use", "defaults"]],
    [/purify/, ["purify"]],
    [/\/me\.ts/, ["me"]],
    [/single/, ["single", "twins"]],
    [/rules/, ["rules", "adaptive", "defaults"]],
  ],
  "src/before": [
    [/allocation/, ["assignment", "choice-knapsack", "choose"]],
    [/embedders/, ["embedders"]],
    [/evaluation/, ["evaluation", "verdict", "missing", "parts"]],
    [/table\//, ["tables", "missing", "parts"]],
    [/shnitzer/, ["shnitzer", "missing", "variants"]],
    [/routers|fitting/, ["learned", "online", "pairs", "sets", "variants", "missing", "defaults", "parts"]],
  ],
  "src/llama/checks": [
    [/architecture-rules|sliding-window/, ["check-architecture"]],
    [/architectures|purpose|model-error/, ["check-model", "purpose"]],
    [/hyperparameters|parameters/, ["check-bounds", "check-model"]],
    [/tensors/, ["check-tensors", "check-model", "check-architecture"]],
    [/file-kind|split-files/, ["check-files", "check-bounds"]],
    [/token/, ["check-tokenizer", "check-other-tokenizers", "check-special-tokens"]],
  ],
};
/**
 * Code that a folder's score leaves out: Jinja's tests are another reference's, the sampler's a set of their own, and routed
 * ensembles are tested on models.
 */
export const LEFT_OUT = {
  "src/before": /\/live\//,
  "src/decoding": /\/(jinja\/|sampler|sampling\/|survivors|weighted-draw|chat-template)/,
};
