/** The house, floor by floor: a file imports from its own floor and those above it in this list, never from below. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

/** From the ground up. A folder stands for all that is in it; several on one line share a floor. */
const FLOORS = [
  // The ground floor: what everybody may use, and what uses nothing else.
  "errors callbacks random statistics records content-identity settle-all option-texts part-schema zod-problem read-options on-abort files secrets package-files worker-pool report printable",
  "vocabulary kernels learning text",
  "llama",
  "native-models",
  "model-stores",
  "member",
  "during",
  "laws",
  "decoding",
  "ensemble",
  "answers",
  "before",
  "after",
  "systems",
  "ensemble-file",
  "evaluation",
  "training",
  "server",
  "cli index",
].map((line) => line.split(" "));

interface Import {
  from: string;
  to: string;
  isType: boolean;
}

/** AssemblyScript has a compiler of its own, and what is generated imports nothing. */
const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .map((file) => path.posix.join("src", file.replaceAll(path.sep, "/")))
  .filter((file) => file.endsWith(".ts") && !file.includes("/assembly/"));

const imports: Import[] = sources.flatMap(importsOf);

function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest);
  const found: Import[] = [];
  const add = (specifier: ts.Expression | undefined, isType: boolean) => {
    if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith(".")) return;
    const to = path.posix.join(path.posix.dirname(file), specifier.text).replace(/\.js$/, ".ts");
    if (to.endsWith(".ts")) found.push({ from: file, to, isType });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const names = clause.namedBindings;
  return (
    clause.name === undefined &&
    names !== undefined &&
    ts.isNamedImports(names) &&
    names.elements.length > 0 &&
    names.elements.every((element) => element.isTypeOnly)
  );
}

function roomOf(file: string): string {
  return file.split("/")[1].replace(/\.ts$/, "");
}

function floorOf(file: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));
}

describe("the layers", () => {
  it("have a floor for every file", () => {
    const homeless = sources.filter((file) => floorOf(file) < 0);
    expect(homeless, "Name the floor of these in FLOORS.").toEqual([]);
  });

  it("are imported downward only", () => {
    const upward = imports
      .filter(({ from, to }) => floorOf(to) > floorOf(from))
      .map(({ from, to }) => `${from} imports ${to}: ${roomOf(from)} must not know ${roomOf(to)}`);
    expect(upward).toEqual([]);
  });

  it("have no circle of files, but of types", () => {
    const next = new Map<string, string[]>();
    for (const { from, to, isType } of imports) {
      if (!isType) next.set(from, [...(next.get(from) ?? []), to]);
    }
    const finished = new Set<string>();
    const circles: string[] = [];
    const walk = (file: string, way: readonly string[]): void => {
      if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(" → "));
      if (finished.has(file) || way.includes(file)) return;
      for (const to of next.get(file) ?? []) walk(to, [...way, file]);
      finished.add(file);
    };
    for (const file of sources) walk(file, []);
    expect(circles).toEqual([]);
  });
});
