/** An ensemble's file as text, and the schema that it names. */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isRemote } from "../member/resolve-model.js";
import { isOllamaName } from "../model-stores/ollama.js";
import { isNativeName } from "../native-models.js";

export interface MemberInFile {
  model: string;
  [option: string]: unknown;
}

export interface EnsembleInFile {
  members: readonly MemberInFile[];
  method?: string | { name: string };
  [option: string]: unknown;
}

const SCHEMA = "ensemble.schema.json";

/** What stands in `target`: short forms where there are no options, paths relative to the target's folder. */
export function ensembleFileText(target: string, { members, method, ...rest }: EnsembleInFile): string {
  const folder = path.dirname(path.resolve(target));
  const short = (member: MemberInFile) => {
    const written = withoutEmpty({ ...member, model: modelFrom(folder, member.model) });
    return Object.keys(written).length === 1 ? written.model : written;
  };
  const isBare = typeof method === "object" && Object.keys(method).length === 1;
  const file = withoutEmpty({
    $schema: schemaFrom(folder),
    members: members.map(short),
    method: isBare ? method.name : method,
    ...rest,
  });
  return `${JSON.stringify(file, null, 2)}\n`;
}

function modelFrom(folder: string, model: string): string {
  if (isRemote(model) || isOllamaName(model) || (isNativeName(model) && !existsSync(path.resolve(folder, model))))
    return model;
  return relative(folder, path.resolve(model));
}

/** The package's schema: beside the target's own node_modules where it is there, else where this package is. */
function schemaFrom(folder: string): string {
  for (let at = folder; ; at = path.dirname(at)) {
    const installed = path.join(at, "node_modules", "llamafuse", SCHEMA);
    if (existsSync(installed)) return relative(folder, installed);
    if (at === path.dirname(at)) break;
  }
  // Beside `dist`, or two folders above this file's source.
  const [own] = ["..", "../.."]
    .map((up) => fileURLToPath(new URL(`${up}/${SCHEMA}`, import.meta.url)))
    .filter(existsSync);
  return relative(folder, own ?? SCHEMA);
}

/** With `/`; absolute where it would lead far up, which is not beside the file. */
function relative(folder: string, file: string): string {
  const way = path.relative(folder, file).replaceAll("\\", "/");
  const shown = way.startsWith("../../../") || path.isAbsolute(way) ? file.replaceAll("\\", "/") : way;
  return shown.startsWith(".") || path.isAbsolute(shown) ? shown : `./${shown}`;
}

function withoutEmpty<Value extends object>(value: Value): Value {
  const isEmpty = (each: unknown) =>
    each === undefined || (typeof each === "object" && each !== null && Object.keys(each).length === 0);
  return Object.fromEntries(Object.entries(value).filter(([, each]) => !isEmpty(each))) as Value;
}
