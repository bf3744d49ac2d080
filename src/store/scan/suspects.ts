/**
 * Second rows in one place: is each a replay of a row before it, or the beginning of a fork? The answer needs the hashes
 * of all rows before it, which a walk does not keep; so, where there are such rows, the files are read once more.
 */
import { declaredLinks } from '../../core/chain';
import { nameSuspect } from '../../core/walk';
import type { Walk } from '../../core/walkState';
import { segmentBlocks } from '../ledger/segments';
import type { Segment } from '../ledger/segments';

const NEWLINE = 0x0a;

interface Seen {
  /** Where in the ledger the row with this hash first stands. */
  segment: number;
  offset: number;
}

export async function nameSuspects(walk: Walk, segments: readonly Segment[]): Promise<void> {
  const suspects = walk.suspects.filter(({ finding }) => walk.findings.kept.includes(finding));
  if (suspects.length === 0) return;
  const wanted = new Set(suspects.flatMap(({ hash, prevHash }) => [hash, prevHash]));
  const seen = await firstPlaces(wanted, segments);
  for (const suspect of suspects) {
    const { place } = suspect.finding;
    if (place === null) continue;
    const segment = segments.findIndex(({ name }) => name === place.segment);
    nameSuspect(walk, suspect, (hash) => {
      const first = seen.get(hash);
      if (first === undefined) return false;
      return first.segment < segment || (first.segment === segment && first.offset < place.offset);
    });
  }
}

/** Where the rows with the wanted hashes first stand. */
async function firstPlaces(wanted: ReadonlySet<string>, segments: readonly Segment[]): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  for (const [segment, file] of segments.entries()) {
    for await (const { bytes, offset } of segmentBlocks(file)) {
      for (let at = 0; at < bytes.length;) {
        const newline = bytes.indexOf(NEWLINE, at);
        const end = newline < 0 ? bytes.length : newline;
        const hash = declaredLinks(bytes.subarray(at, end))?.hash;
        if (hash !== undefined && wanted.has(hash) && !seen.has(hash)) seen.set(hash, { segment, offset: offset + at });
        at = end + 1;
      }
    }
  }
  return seen;
}
