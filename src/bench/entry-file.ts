/** Where the files of threads and processes lie that a bench starts: beside the sources, or beside the built bundle. */
export function entryFile(name: "bare-worker" | "child"): URL {
  const fromSources = import.meta.url.endsWith(".ts");
  return new URL(fromSources ? `./${name}.ts` : `./bench-${name}.js`, import.meta.url);
}
