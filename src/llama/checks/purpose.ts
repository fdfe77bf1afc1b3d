/**
 * GGUF files that are no models of their own, or models that write no text: named as what they are, with what to do with
 * them. By what the file says of itself (`general.type`, the pooling, the tensors of a classifier), not by its name.
 */
import type { GgufHeader } from "../gguf.js";
import { Cure, quoted, unsupportedModel } from "./model-error.js";

/** As llama.cpp numbers LLAMA_POOLING_TYPE. */
const POOLING_NAMES = ["none", "mean", "cls", "last", "rank"] as const;
const RANK = POOLING_NAMES.indexOf("rank");
/** What a reranker's head is called. */
const CLASSIFIER = /^cls(?:\.output)?\.weight$/;

/** Refuse a file that belongs to a model and is none. Errors: unsupported-model. */
export function requireModelFile({ file, metadata, tensors }: GgufHeader): void {
  const text = (key: string) => (metadata.entries.get(key)?.type === "string" ? metadata.string(key) : undefined);
  const type = text("general.type");
  const architecture = text("general.architecture");
  const details = { found: type ?? architecture, allowed: "model" };
  if (type === "adapter" || tensors.some(({ name }) => name.endsWith(".lora_a"))) {
    const base = text("general.base_model.0.name");
    const of = architecture === undefined ? "a model" : `a model of the architecture ${quoted(architecture)}`;
    throw unsupportedModel(
      file,
      `it is a LoRA adapter: it changes ${of}${base === undefined ? "" : ` (${quoted(base)})`} and cannot write by itself.`,
      'Name that model as the member and give it this file: { model: "model.gguf", loraAdapters: ["adapter.gguf"] }.',
      details,
    );
  }
  if (type === "imatrix" || metadata.entries.has("imatrix.datasets") || metadata.entries.has("imatrix.chunk_count")) {
    throw unsupportedModel(
      file,
      "it is an importance matrix (imatrix): statistics that llama-quantize reads to make a smaller model.",
      "Name the model itself.",
      details,
    );
  }
  if (architecture === "controlvector") {
    throw unsupportedModel(file, "it is a control vector: it steers another model.", "Name the model itself.", details);
  }
  if (type === "mmproj" || architecture === "clip" || metadata.entries.has("clip.has_vision_encoder")) {
    throw unsupportedModel(
      file,
      "it is a projector (mmproj): the image or sound part of another model, which cannot write by itself.",
      "Name the model that it came with; members read text only, so the projector is not needed.",
      details,
    );
  }
}

/** Refuse a model made to embed or to rank texts, also where its architecture could write. Errors: unsupported-model. */
export function requireWriter(header: GgufHeader, architecture: string): void {
  const { file, metadata, tensors } = header;
  const key = `${architecture}.pooling_type`;
  const pooling = metadata.entries.get(key)?.type === "uint32" ? metadata.uint32(key) : undefined;
  const isRanker = pooling === RANK || tensors.some(({ name }) => CLASSIFIER.test(name));
  if (isRanker) {
    throw unsupportedModel(
      file,
      "it is a reranker: it scores how well a text answers a query and cannot write.",
      Cure.generator,
      { found: "rank", key },
    );
  }
  const name = POOLING_NAMES[pooling ?? 0];
  if (name === undefined || name === "none") return;
  throw unsupportedModel(
    file,
    `it is an embedding model (pooling ${quoted(name)}): it makes vectors of texts and cannot write any.`,
    `Use it as an embedder: GgufEmbedder.open. For a member: ${Cure.generator}`,
    { found: name, key },
  );
}
