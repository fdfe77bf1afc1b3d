// A fused answer of the native models, word by word. Run: node examples/stream.mjs "What does a squirrel eat?"
import { createEnsemble, nativeModels } from "llamafuse";

const question = process.argv[2] ?? "What does a squirrel eat?";
const ensemble = await createEnsemble({ members: nativeModels().map(({ path }) => ({ model: path })) });
for await (const { text } of ensemble.stream([{ role: "user", content: question }])) process.stdout.write(text);
process.stdout.write("\n");
await ensemble.dispose();
