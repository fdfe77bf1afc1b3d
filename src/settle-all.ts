/**
 * Wait for all, even where one fails: nobody may still be writing, or be owed a reply, when the error is handled. Error: the
 * first failure in the order of the list.
 */
export async function settleAll<Value>(work: readonly (Value | PromiseLike<Value>)[]): Promise<Value[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
