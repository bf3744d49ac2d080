/** The stream that a verification was asked about: how many of its rows are there, and what is wrong with it. */
import type { ChunkSummary } from './chunk';
import type { StreamStep } from './streams';
import type { Walk, WatchedStream } from './walkState';

export function isWatched(
  walk: Walk,
  kind: 'run' | 'decision',
  id: string,
): walk is Walk & { readonly watched: WatchedStream } {
  return walk.watched?.kind === kind && walk.watched.id === id;
}

/** Takes the rows of a regular chunk. */
export function countWatched({ watched }: Walk, { runs, decisions }: ChunkSummary): void {
  if (watched === undefined) return;
  const { ids, firstSeqs, lastSeqs } = watched.kind === 'run' ? runs : decisions;
  const slot = ids.indexOf(watched.id);
  if (slot >= 0) watched.rows += (lastSeqs[slot] as number) - (firstSeqs[slot] as number) + 1;
}

/** Takes one row that the walk went on to. */
export function noteWatched(walk: Walk, kind: 'run' | 'decision', id: string, step: StreamStep): void {
  if (!isWatched(walk, kind, id)) return;
  const { watched } = walk;
  watched.rows++;
  if (step.kind === 'excused') watched.missing += step.missing;
  if (step.kind === 'broken') watched.broken = true;
}
