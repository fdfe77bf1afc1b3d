/** Writes `ensemble.schema.json`, which editors read, from the schema that the files are checked by. */
import { writeFileSync } from "node:fs";
import { ensembleJsonSchema } from "../src/ensemble-file/schema.js";

const target = new URL("../ensemble.schema.json", import.meta.url);
writeFileSync(target, `${JSON.stringify(ensembleJsonSchema(), null, 2)}\n`);
