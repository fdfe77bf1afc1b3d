// What every member said at every step, and whose favourite won. Run: node examples/who-won.mjs "Where does a bee live?"
import { createEnsemble, nativeModels } from "llamafuse";

const shown = ({ text, end }) => (end ? "⟨end⟩" : JSON.stringify(text));

const question = process.argv[2] ?? "Where does a bee live?";
const ensemble = await createEnsemble({
  members: nativeModels().map(({ path }) => ({ model: path })),
  method: { name: "gac" },
});
const { text, trace } = await ensemble.generate([{ role: "user", content: question }], { trace: 1 });
for (const { chosen, members, favourite } of trace) {
  const said = members.map(({ name, candidates: [best] }) => {
    return `${name} ${shown(best)} ${Math.exp(best.logProb).toFixed(2)}`.padEnd(24);
  });
  console.log(`${shown(chosen).padEnd(14)} ${said.join(" ")} ${favourite.join(", ")}`);
}
console.log(text.trim());
await ensemble.dispose();
