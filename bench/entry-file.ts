/** Where the built files lie that a bench starts as threads and processes; from sources, those of the last build. */
export function entryFile(name: "bare-worker" | "child"): URL {
  const fromSources = import.meta.url.endsWith(".ts");
  return new URL(`${fromSources ? "../dist" : "."}/bench-${name}.js`, import.meta.url);
}
