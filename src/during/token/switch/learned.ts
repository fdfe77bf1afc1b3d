/** What is trained for a method, which is also the option that takes its file. */
export const LEARNED = { cds: "classifier", citer: "router" } as const;
