/** `npm run docs`: write the generated pages. test/docs.test.ts fails where one of them is out of date. */
import { writeWholeSync } from "../../src/files.js";
import { generatedPages } from "./pages.js";

for (const [file, text] of Object.entries(generatedPages())) writeWholeSync(file, text);
