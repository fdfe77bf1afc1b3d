/**
 * A file is checked before native code sees it. llama.cpp throws on much that is wrong with a model, but an assertion,
 * a division by zero or an exception on the wrong path ends the whole process; so whatever it could die of ends here,
 * in one LlamafuseError that names the file, what was found, what was allowed and the cure.
 *
 * Tensor data is not read: a check costs milliseconds, whatever the size of the model.
 */
import { LlamafuseError } from "../errors.js";
import { checkSignal, checkText, readPlain } from "../read-options.js";
import { chatTemplateIn } from "./chat-template.js";
import {
  architectureOf,
  type ModelMemory,
  memoryOf,
  requireEmbedding,
  requireGenerative,
  requireKnown,
} from "./checks/architectures.js";
import { checkHyperparameters, type Hyperparameters, readHyperparameters } from "./checks/hyperparameters.js";
import { Cure, invalidModel } from "./checks/model-error.js";
import { requireModelFile, requireWriter } from "./checks/purpose.js";
import { readAllHeaders } from "./checks/split-files.js";
import { checkTensors, type TensorFacts } from "./checks/tensors.js";
import { checkTokenizer, type TokenizerFacts } from "./checks/tokenizer.js";
import type { GgufHeader } from "./gguf.js";

export type { ModelMemory } from "./checks/architectures.js";
export type { TokenizerFacts } from "./checks/tokenizer.js";

/** A model file that has passed, and the facts in it that others use. */
export interface ModelFile extends Hyperparameters, TensorFacts {
  /** The file to load: the first part, where there are several. */
  path: string;
  /** All files of the model, `path` first. */
  parts: string[];
  /** Bytes of all of them. */
  bytes: number;
  architecture: string;
  name?: string;
  /** What the model keeps of a text; only "attention" can be rolled back. */
  memory: ModelMemory;
  tokenizer: TokenizerFacts;
  /** The chat template (Jinja), if the file has one. */
  chatTemplate?: string;
  /** The header of `path`. */
  gguf: GgufHeader;
}

export interface CheckModelOptions {
  /**
   * Accept a file for its vocabulary alone: one without tensors, or of an architecture that cannot write text.
   * Default false.
   */
  vocabularyOnly?: boolean;
  /** Accept encoders, which make vectors of texts and cannot write any. Default false. */
  embedding?: boolean;
  /** Stops between the parts of a model. */
  signal?: AbortSignal;
}

/**
 * Check a GGUF model and return its facts.
 *
 * Errors: `file-unreadable` (missing, a directory, no permission), `invalid-model` (damaged or inconsistent),
 * `unsupported-model` (sound, but this build cannot run it), `aborted`.
 *
 * @example
 * const model = await checkModel("qwen2.5-0.5b-q8_0.gguf");
 * console.log(model.architecture, model.quantization, model.tokenizer.size);
 */
export async function checkModel(path: string, options: CheckModelOptions = {}): Promise<ModelFile> {
  checkText("The model's file", path, "a path");
  checkSignal(readPlain("The options of checkModel", options, "{ signal }").signal);
  const checkpoint = () => {
    if (options.signal?.aborted) throw new LlamafuseError("aborted", `Checking ${path} was stopped.`, { file: path });
  };
  checkpoint();
  const headers = readAllHeaders(path, checkpoint);
  const gguf = headers[0]!;
  const { metadata, file } = gguf;
  requireModelFile(gguf);
  const architecture = architectureOf(file, metadata.string("general.architecture"));
  if (options.vocabularyOnly) requireKnown(file, architecture);
  else if (options.embedding) requireEmbedding(file, architecture);
  else {
    // Before the architecture, which may be an encoder's: what it is for says more.
    requireWriter(gguf, architecture);
    requireGenerative(file, architecture);
  }

  const name = metadata.string("general.name");
  const chatTemplate = chatTemplateIn((key) => metadata.string(key));
  const facts = {
    path: file,
    parts: headers.map((header) => header.file),
    bytes: headers.reduce((sum, header) => sum + header.fileBytes, 0),
    architecture,
    ...(name !== undefined && { name }),
    memory: memoryOf(architecture),
    ...(chatTemplate !== undefined && { chatTemplate }),
    gguf,
  };
  if (options.vocabularyOnly) {
    const parameters = headers.flatMap((header) => header.tensors).reduce((sum, tensor) => sum + tensor.elements, 0);
    const hyperparameters = readHyperparameters(gguf, architecture);
    return { ...facts, ...hyperparameters, parameters, quantization: "none", tokenizer: checkTokenizer(gguf) };
  }
  if (headers.every((header) => header.tensors.length === 0)) {
    throw invalidModel(file, "it has a vocabulary and no tensors, so it cannot generate.", Cure.generator, {
      found: 0,
    });
  }
  const hyperparameters = checkHyperparameters(gguf, architecture, options.embedding);
  const tokenizer = checkTokenizer(gguf);
  const tensors = checkTensors(headers, architecture, tokenizer.size, hyperparameters.embeddingLength);
  return { ...facts, ...hyperparameters, ...tensors, tokenizer };
}
