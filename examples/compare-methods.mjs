// Ten methods over models that are loaded once: what each makes of the same questions, and what it costs.
import { createEnsemble, loadMembers, nativeModels } from "llamafuse";

const METHODS = ["unite", "gac", "product", "abe", "me", "safe", "packllm", "core", "eva", "deepen"];
const QUESTIONS = ["What is a young deer?", "What sound does a cow make?"];

const members = await loadMembers({ members: nativeModels().map(({ name, path }) => ({ name, model: path })) });
console.log(`Members: ${members.names.join(", ")}\n`);
try {
  for (const question of QUESTIONS) {
    console.log(question);
    const prompt = [{ role: "user", content: question }];

    // One member alone is a method, too.
    for (const name of members.names) {
      const alone = await createEnsemble({ members: members.only(name), method: "single" });
      await show(name, alone, prompt);
    }
    for (const method of METHODS) {
      const ensemble = await createEnsemble({ members, method });
      await show(method, ensemble, prompt);
      // Ends this method's requests; the members stay loaded.
      await ensemble.dispose();
    }
    console.log();
  }
} finally {
  await members.dispose();
}

async function show(name, answerer, prompt) {
  const { text, cost } = await answerer.generate(prompt, { maxTokens: 24, seed: 1 });
  console.log(`  ${name.padEnd(10)} ${JSON.stringify(text.trim()).padEnd(48)} ${cost.tokens} tokens`);
}
