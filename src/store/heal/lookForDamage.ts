/** What a sweep would find in the live file. Nothing is written, no lock is taken. */
import { indexText, linesText, lostText, noted, notedAt } from '../../core/damage';
import type { Damage } from '../../core/damage';
import { orNothing } from '../../core/errors';
import { closeQuietly, openFile, statOf } from '../files';
import { readBroken, withoutRowInFlight } from './readBroken';
import { withIndex } from '../index/indexCheck';
import { unnamedRows } from '../index/indexLoss';
import type { LedgerFile } from '../ledger/ledger';
import { emptyLedger } from '../ledger/missing';
import { readTail } from '../read/tail';
import type { FindOptions } from './brokenLines';

export async function lookForDamage(
  file: LedgerFile,
  options: Pick<FindOptions, 'onProgress' | 'signal'>,
): Promise<{ readonly lines: number; readonly damage: readonly Damage[] }> {
  const { paths } = file;
  if (statOf(paths.ledger)?.size === 0) throw emptyLedger(paths);
  const { indexDiffers, ...broken } = await readBroken(paths, options);
  const { lines } = broken;
  const ranges = await withoutRowInFlight(paths, broken);
  const size = statOf(paths.ledger)?.size ?? 0;
  const damage = ranges.map((range): Damage => {
    const atEnd = range.offset + range.length >= size;
    // Of a file that is torn from end to end nothing tells what stood there.
    const outcome = atEnd && range.offset === 0 ? 'kept' : 'would-heal';
    return notedAt(range, noted(atEnd ? 'torn-tail' : 'broken-lines', outcome, linesText(range.lines)));
  });
  const tailDamage = lookAtTail(file);
  damage.push(...tailDamage);
  // Rows that only the index knows are the whole of what it has to say. A tampered last row, to which nothing can be
  // appended, keeps a sweep from the index, too.
  if (indexDiffers !== undefined && !tailDamage.some(({ what }) => what === 'rows-lost' || what === 'tampered-tail'))
    damage.push(noted('index-differs', 'would-heal', indexText(indexDiffers)));
  if (statOf(paths.healPlan) !== undefined) {
    damage.push(noted('pending-heal', 'would-heal', 'a heal was left half-done'));
  }
  return { lines, damage };
}

/** What is wrong at the end though every line is a JSON object. */
function lookAtTail({ paths }: LedgerFile): Damage[] {
  const fd = openFile(paths.ledger, 'read');
  try {
    const tail = readTail(fd);
    if (tail.kind === 'wrong') return [{ ...noted('tampered-tail', 'kept', tail.why), offset: tail.offset }];
    // Asked as a reader asks it: a writer would put it right on the way.
    const lost = orNothing(() => withIndex(paths, (index) => unnamedRows(index, fd)));
    const damage =
      tail.kind === 'unterminated' ? [noted('torn-tail', 'would-heal', 'the last row lacks its newline')] : [];
    return lost === undefined ? damage : [...damage, noted('rows-lost', 'would-heal', lostText(lost))];
  } finally {
    closeQuietly(fd);
  }
}
