/** What the members said at one step. */

/** The colour of a token: the one member's whose favourite it was, or that of several, or of nobody. */
export function tokenClass({ favourite }, members) {
  if (favourite.length === 0) return "nobody";
  if (favourite.length > 1) return "shared";
  return `m${members.indexOf(favourite[0]) % 6}`;
}

export function tokenTitle({ chosen, favourite }) {
  const who = favourite.length === 0 ? "nobody's favourite" : `favourite of ${favourite.join(", ")}`;
  return `${shown(chosen)}, ${percent(chosen.probability)}, ${who}`;
}

/** A table for what was fused, and one for each member. */
export function showStep(root, step, members) {
  const fused = step.fused.map((piece) => [piece, piece.probability]);
  root.replaceChildren(
    table("fused", "", fused, step.chosen),
    ...step.members.map(({ name, candidates, share, heard }) => {
      const title = share === undefined ? name : `${name} (${percent(share)} of it)`;
      const rows = candidates.map((piece) => [piece, Math.exp(piece.logProb)]);
      return table(heard ? title : `${name}: not asked`, `m${members.indexOf(name) % 6}`, rows, step.chosen);
    }),
  );
}

function table(title, color, rows, chosen) {
  const made = document.createElement("table");
  made.append(Object.assign(document.createElement("caption"), { textContent: title, className: color }));
  for (const [piece, probability] of rows) {
    const row = made.insertRow();
    if (piece.text === chosen.text && piece.end === chosen.end && piece.bytes === chosen.bytes) row.className = "chosen";
    const cell = row.insertCell();
    cell.append(Object.assign(document.createElement("code"), { textContent: shown(piece) }));
    row.insertCell().textContent = percent(probability);
  }
  return made;
}

/** A token as one can see it: spaces and line breaks too. */
function shown({ text, bytes, end }) {
  if (end) return "end";
  if (bytes !== undefined) return `0x${bytes}`;
  return text.replaceAll(" ", "␣").replaceAll("\n", "⏎").replaceAll("\t", "⇥");
}

function percent(probability) {
  const share = 100 * probability;
  return `${share >= 99.95 ? "100" : share.toPrecision(share < 1 ? 1 : 3)} %`;
}
