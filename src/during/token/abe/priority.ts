/** Insert into a list that ascends by priority, before its equals: the last one is the best, and of equals the oldest. */
export function insertByPriority<Item extends { priority: number }>(ascending: Item[], item: Item): void {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle].priority < item.priority) low = middle + 1;
    else high = middle;
  }
  ascending.splice(low, 0, item);
}
