/**
 * The lines of a bundle, each on its own: exactly what a writer wrote, with the hash that it declares.
 *
 * A bundle is checked by a program that has just started, so code of ours that goes through bytes is not compiled yet, and
 * takes twenty times as long as later. A line in the form of nearly all is read by the engine's own means; any other goes the
 * exact way, as in `verify --strict`.
 */
import type { Row } from '../members';
import { readSoundRow } from '../soundRow';
import { readStoredLine } from '../storedLine';
import type { BundleFindings } from './finding';

/**
 * @returns the rows that the lines are, in their order; none for a line that is no sound row
 */
export function readEvents(events: readonly string[], findings: BundleFindings): (Row | undefined)[] {
  let last = 0;
  return events.map((line, i) => {
    const row = readSoundRow(line) ?? readEvent(line, i, findings);
    if (row === undefined) return undefined;
    const { seq } = row;
    if (seq === last) findings.add('REPLAY', 'every row once', 'the same row twice', seq);
    if (seq < last) findings.add('MALFORMED', `rows in the order of their seqs, after row ${last}`, `row ${seq}`, seq);
    last = seq;
    return row;
  });
}

function readEvent(line: string, i: number, findings: BundleFindings): Row | undefined {
  const stored = line.includes('\n') ? undefined : readStoredLine(Buffer.from(line), { strict: true });
  switch (stored?.kind) {
    case 'row':
      for (const { code, want, got } of stored.faults) findings.add(code, want, got, stored.row.seq);
      // What is read behind this relies on the form.
      return stored.faults.length === 0 ? stored.row : undefined;
    case 'altered':
      findings.add(stored.fault.code, stored.fault.want, stored.fault.got, stored.seq ?? null);
      return undefined;
    case 'tombstone':
    case 'torn':
    case 'foreign':
    case undefined:
      findings.add('MALFORMED', `a row as event ${i + 1}`, line.slice(0, 80));
      return undefined;
  }
}
