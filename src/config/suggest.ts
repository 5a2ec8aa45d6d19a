/** Levenshtein's distance: insertions, deletions and replacements of one character. */
export function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = above[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, above[column]! + 1, current[column - 1]! + 1));
    }
    above = current;
  }
  return above[b.length]!;
}

/** The candidate that `typed` was most likely meant to be, or undefined when none is near (a third of it may differ). */
export function nearest(typed: string, candidates: readonly string[]): string | undefined {
  const bounded = typed.slice(0, 64);
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(bounded.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(bounded, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}
