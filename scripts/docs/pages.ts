/** The generated pages of the documentation, by their file. */
import { readFileSync } from "node:fs";
import { measurementsPage, resultsTable } from "./measurements.js";
import { membersPage } from "./members.js";
import { cascadesPage, methodsPage, regenerationPage, routersPage, selectionsPage } from "./methods.js";
import { surveyPage } from "./survey.js";
import { templatesPage } from "./templates.js";

const NOTICE = "<!-- Written by `npm run docs`; change the registries, the reports or scripts/docs instead. -->\n\n";
const BEGIN = "<!-- results: written by npm run docs -->";
const END = "<!-- end of results -->";

/** File, from the project's root → what stands in it. */
export function generatedPages(): Record<string, string> {
  return {
    "docs/methods.md": NOTICE + methodsPage(),
    "docs/routers.md": NOTICE + routersPage(),
    "docs/selections.md": NOTICE + selectionsPage(),
    "docs/regeneration.md": NOTICE + regenerationPage(),
    "docs/cascades.md": NOTICE + cascadesPage(),
    "docs/members.md": NOTICE + membersPage(),
    "docs/measurements.md": NOTICE + measurementsPage(),
    "docs/survey.md": NOTICE + surveyPage(),
    "docs/chat-templates.md": NOTICE + templatesPage(),
    "README.md": withResults(readFileSync("README.md", "utf8")),
  };
}

/** The README with the table of results between its marks. */
function withResults(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) return readme;
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${resultsTable()}\n\n${readme.slice(end)}`;
}
