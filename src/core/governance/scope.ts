/**
 * What an exception covers: what its scope names, as a text, in a list, or anywhere in an object. A sentence names nothing
 * but itself: "freeze only, for this decision" is no exception for all.
 */

/** Alone, one of these covers everything. */
const EVERYTHING: ReadonlySet<string> = new Set(['*', 'all', 'any', 'decision']);

/** The names in a scope: each text whole, and its parts between commas. Within an object "all" is all of something. */
export function scopeNames(scope: unknown): string[] {
  if (typeof scope === 'string') return [scope, ...scope.split(/[,;]/)].map((name) => name.trim()).filter((name) => name !== ''); // prettier-ignore
  if (typeof scope !== 'object' || scope === null) return [];
  const names = Object.values(scope).flatMap(scopeNames);
  return Array.isArray(scope) ? names : names.filter((name) => !EVERYTHING.has(name));
}

/**
 * @param wanted any of these names will do
 * @param whole names of the decision itself
 */
export function covers(names: readonly string[], wanted: readonly string[], whole: readonly string[]): boolean {
  const [only] = names;
  if (names.length > 0 && names.every((name) => name === only) && EVERYTHING.has(only ?? '')) return true;
  return names.some((name) => wanted.includes(name) || whole.includes(name));
}
