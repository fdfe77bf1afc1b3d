/** The pages that the server shows: a playground at /, the API's description at /docs. Files of this package alone. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { packageFolder } from "../package-files.js";
import type { App } from "./app.js";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

/** Address → file in the folder of pages. */
const PAGES: Readonly<Record<string, string>> = {
  "/": "index.html",
  "/docs": "docs.html",
  "/playground/style.css": "style.css",
  "/playground/page.js": "page.js",
  "/playground/answer.js": "answer.js",
  "/playground/step.js": "step.js",
  "/playground/docs.js": "docs.js",
};

/** What needs no key: pages hold nothing, and ask for the key themselves. */
export const PAGE_PATHS: ReadonlySet<string> = new Set(Object.keys(PAGES));

/** Nothing from elsewhere, nothing inline, and in no frame of another page. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Error: library where the package is not whole. */
export function pageRoutes(app: App): void {
  for (const [address, file] of Object.entries(PAGES)) {
    const read = () => readFileSync(path.join(packageFolder(), "dist", "playground", file));
    let content: Uint8Array<ArrayBuffer> | undefined;
    app.get(address, (c) => {
      content ??= Uint8Array.from(read());
      return c.body(content, 200, {
        "content-type": TYPES[path.extname(file)],
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
      });
    });
  }
}
