/** The models of this machine with what their files say about them; of each file the header is read, never the weights. */
import { type LlamafuseError, toLlamafuseError } from "../errors.js";
import { checkModel } from "../llama/check-model.js";
import { checkArgument, checkSignal, readPlain, refuse } from "../read-options.js";
import { findModels, type StoreContents, type StoredModel } from "./find-models.js";
import type { StoreName, StorePlace } from "./store.js";

/** A model that can be a member. */
export interface ListedModel {
  /** The shortest name that `llamafuse -m` takes for it. */
  label: string;
  /** Its name in full within the store. */
  name: string;
  store: StoreName;
  /** What `model` of a member takes: a path, a native model's name, or `ollama:NAME:TAG`. */
  model: string;
  /** The file to load: the first part, where there are several. */
  file: string;
  parts: number;
  bytes: number;
  architecture: string;
  parameters: number;
  /** The format that most weights are in, such as `Q4_K`. */
  quantization: string;
  /** Tokens of its vocabulary. */
  vocabulary: number;
  /** Tokens that it was trained to read at once. */
  contextLength: number;
  chatTemplate: boolean;
}

/** A file or folder that no member can be made of, and why. */
export interface UnusableModel {
  label?: string;
  store: StoreName;
  file: string;
  /** `invalid-model`: damaged; `unsupported-model`: of a kind that cannot write text; `file-unreadable`. */
  code: string;
  message: string;
}

export interface ModelListing {
  models: ListedModel[];
  unusable: UnusableModel[];
  folders: StoreContents["folders"];
}

export interface ListModelsOptions {
  /** Only models for which this holds. Default: all. */
  only?: (model: StoredModel) => boolean;
  /** Where stores are looked for. Default: this user's. */
  place?: StorePlace;
  signal?: AbortSignal;
}

/**
 * GGUF models in the Hugging Face cache, Ollama's store, LM Studio, the caches of llama.cpp and node-llama-cpp, our own
 * downloads and the native ones. Errors: aborted; a file that is damaged is listed as unusable.
 *
 * @example
 * const { models } = await listModels();
 * const ensemble = await createEnsemble({ members: models.slice(0, 2).map(({ model }) => ({ model })) });
 */
export async function listModels(options: ListModelsOptions = {}): Promise<ModelListing> {
  const { only = () => true, place, signal } = readPlain("The options of listModels", options);
  if (typeof only !== "function") refuse("only", only, "a function");
  checkArgument("The place of models", place, "{ env: process.env, home, platform }", () => {
    return (
      place === undefined || (typeof place.home === "string" && typeof place.env === "object" && place.env !== null)
    );
  });
  checkSignal(signal);
  const { models: found, problems, folders } = findModels(place);
  const models: ListedModel[] = [];
  const unusable: UnusableModel[] = problems.map(({ name, ...rest }) => ({
    ...(name !== undefined && { label: name }),
    ...rest,
    code: "file-unreadable",
  }));
  for (const model of found.filter(only)) {
    try {
      models.push(await listed(model, signal));
    } catch (error) {
      if (signal?.aborted) throw error;
      unusable.push(unusableModel(model, error));
    }
  }
  return { models, unusable, folders };
}

async function listed(found: StoredModel, signal: AbortSignal | undefined): Promise<ListedModel> {
  const { label, name, store, file } = found;
  const checked = await checkModel(file, { signal });
  const { bytes, architecture, parameters, quantization, contextLength, chatTemplate } = checked;
  return {
    label,
    name,
    store,
    model: store === "ollama" || store === "native" ? name : file,
    file,
    parts: checked.parts.length,
    bytes,
    architecture,
    parameters,
    quantization,
    vocabulary: checked.tokenizer.size,
    contextLength,
    chatTemplate: chatTemplate !== undefined && chatTemplate.trim() !== "",
  };
}

function unusableModel({ label, store, file }: StoredModel, error: unknown): UnusableModel {
  const { code, message, details } = toLlamafuseError(error, file) satisfies LlamafuseError;
  // The label stands before the message; the path of the file need not stand there too.
  const named = String(details.file ?? file);
  return {
    label,
    store,
    file,
    code,
    message: message.startsWith(`${named}: `) ? message.slice(named.length + 2) : message,
  };
}
