/** Writes `ensemble.schema.json`, which editors read, from the schema that the files are checked by. */
import { fileURLToPath } from "node:url";
import { ensembleJsonSchema } from "../src/ensemble-file/schema.js";
import { writeWholeSync } from "../src/files.js";

const target = fileURLToPath(new URL("../ensemble.schema.json", import.meta.url));
writeWholeSync(target, `${JSON.stringify(ensembleJsonSchema(), null, 2)}\n`);
