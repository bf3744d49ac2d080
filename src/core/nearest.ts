/** What somebody may have meant who wrote a name that nobody knows. */

/** The known name with the fewest edits to what was written. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const distances = known.map((one) => [edits(name, one), one] as const);
  return distances.sort(([a], [b]) => a - b)[0]?.[1];
}

/** Levenshtein distance of two short names. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
