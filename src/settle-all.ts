/** Wait for all, even where one fails: nobody may still be writing when the error is handled. */
export async function settleAll(work: readonly unknown[]): Promise<void> {
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
