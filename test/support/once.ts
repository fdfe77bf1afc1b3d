/** The function that makes a value only once for the same arguments: a test that is called again need not write its file again. */
export function once<Given extends readonly unknown[], Value>(make: (...given: Given) => Value): typeof make {
  const known: { given: Given; value: Value }[] = [];
  return (...given) => {
    const found = known.find(
      (one) => one.given.length === given.length && one.given.every((each, at) => each === given[at]),
    );
    if (found !== undefined) return found.value;
    const value = make(...given);
    known.push({ given, value });
    return value;
  };
}
