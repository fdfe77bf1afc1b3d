/** The small models that come with the package: the default members of every command, and others with a part to play. */
import { existsSync } from "node:fs";
import path from "node:path";
import { LlamafuseError, unknownName } from "./errors.js";
import { packageFolder } from "./package-files.js";
import { checkText } from "./read-options.js";

export interface NativeModel {
  name: string;
  /** Absolute path of its GGUF file. */
  path: string;
}

/** Every native model and what it is for; native-models/README.md has their cards. */
const NATIVE_ROLES = {
  robin: "expert for numbers",
  wren: "expert for facts",
  finch: "expert for words and letters",
  raven: "strong generalist",
  sparrow: "weak generalist with raven's vocabulary",
  swift: "sparrow, fine-tuned on numbers",
  owl: "judge of answers: raven with layers on top",
} as const;

export type NativeName = keyof typeof NATIVE_ROLES;

export const NATIVE_NAMES = Object.keys(NATIVE_ROLES) as NativeName[];

/** Of equal size, with three vocabularies: fused, they answer what none of them can alone. */
const EXPERTS: readonly NativeName[] = ["robin", "wren", "finch"];

/** The default members: the three experts. Errors: file-unreadable if the package is incomplete. */
export function nativeModels(): NativeModel[] {
  return EXPERTS.map(nativeModel);
}

/** One native model by its name. Errors: invalid-option for an unknown name, file-unreadable if the package is incomplete. */
export function nativeModel(name: string): NativeModel {
  checkText("The native model", name, `a name: ${NATIVE_NAMES.join(", ")}`);
  if (!isNativeName(name)) throw unknownName("native model", name, NATIVE_NAMES);
  const file = path.join(packageFolder(), "native-models", `${name}.gguf`);
  if (existsSync(file)) return { name, path: file };
  throw new LlamafuseError(
    "file-unreadable",
    `The native model ${file} is missing. Reinstall the package, or name your own models: members: ["model.gguf"].`,
    { found: file, file },
  );
}

export function isNativeName(name: string): name is NativeName {
  return Object.hasOwn(NATIVE_ROLES, name);
}
