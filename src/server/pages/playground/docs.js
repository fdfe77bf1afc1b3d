/** The OpenAPI document as a page. */
const make = (tag, fields = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...children);
  return made;
};

function typeOf({ type, anyOf, oneOf, enum: values, items, $ref }) {
  if (values) return values.filter((value) => value !== null).map((value) => JSON.stringify(value)).join(" | ");
  if ($ref) return $ref.split("/").at(-1);
  if (anyOf ?? oneOf) return (anyOf ?? oneOf).map(typeOf).filter((name) => name !== "null").join(" | ");
  const name = [type].flat().filter((each) => each !== "null").join(" | ") || "anything";
  return name === "array" && items ? `list of ${typeOf(items)}` : name;
}

function parameters({ properties = {}, required = [] }) {
  const rows = Object.entries(properties).map(([name, schema]) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, make("code", { textContent: required.includes(name) ? `${name} *` : name })),
      make("td", { textContent: typeOf(schema) }),
      make("td", { textContent: schema.description ?? "", style: "text-align: left" }),
    ),
  );
  return make("table", {}, make("tbody", {}, ...rows));
}

const document_ = await (await fetch("openapi.json")).json();
for (const [path, methods] of Object.entries(document_.paths)) {
  for (const [method, { summary, requestBody }] of Object.entries(methods)) {
    const $ref = requestBody?.content["application/json"].schema.$ref;
    const section = make("article", {}, make("h2", { textContent: `${method.toUpperCase()} ${path}` }), make("p", { textContent: summary }));
    if ($ref) section.append(make("details", {}, make("summary", { textContent: "Parameters" }), parameters(document_.components.schemas[$ref.split("/").at(-1)])));
    document.getElementById("routes").append(section, make("br"));
  }
}
