// What every member said at every step, and whose favourite won. Run: node examples/who-won.mjs "Where does a bee live?"
import { createEnsemble, nativeModels } from "llamafuse";

const question = process.argv[2] ?? "Where does a bee live?";
const ensemble = await createEnsemble({
  members: nativeModels().map(({ path }) => ({ model: path })),
  method: { name: "gac" },
});
const { text, trace } = await ensemble.generate([{ role: "user", content: question }], { trace: 1 });
for (const { chosen, members, favourite } of trace) {
  const said = members.map(({ name, candidates }) => {
    const [best] = candidates;
    return `${name} ${JSON.stringify(best.text)} ${Math.exp(best.logProb).toFixed(2)}`;
  });
  console.log(`${JSON.stringify(chosen.text).padEnd(14)} ${said.join("   ").padEnd(48)} ${favourite.join(", ")}`);
}
console.log(text.trim());
await ensemble.dispose();
