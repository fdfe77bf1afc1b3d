/** `npm run docs`: write the generated pages. test/docs.test.ts fails where one of them is out of date. */
import { writeFileSync } from "node:fs";
import { generatedPages } from "./pages.js";

for (const [file, text] of Object.entries(generatedPages())) writeFileSync(file, text);
