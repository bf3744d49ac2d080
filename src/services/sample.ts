/** `ledger sample`: rows to be looked at by hand, drawn by a seed so that everybody draws the same. */
import { declaredLinks } from '../core/chain';
import type { Head } from '../core/chain';
import type { Zone } from '../core/day';
import { LedgerError } from '../core/errors';
import { Sample } from '../core/query/sample';
import { seqOfLine } from '../core/rowText';
import { summaryLine } from '../core/summary';
import type { TimeWindow } from '../core/when';
import { openReading } from '../store/access/reading';
import type { ReadAsked } from '../store/access/reading';
import { closeQuietly } from '../store/files';
import { matchingLines } from '../store/query/matchingLines';
import { openQuery } from '../store/query/openQuery';
import type { Conditions, QueryNotes } from '../store/query/openQuery';

export interface SampleRequest extends Conditions {
  readonly size: number;
  readonly seed: string;
  readonly reading?: ReadAsked | undefined;
}

export interface DrawnRows {
  /** The stored lines, in the order of the ledger. */
  readonly lines: readonly Buffer[];
  /** How many rows there were to draw from, and the first and last of them; undefined where there was none. */
  readonly population: number;
  readonly firstSeq: number | undefined;
  readonly lastSeq: number | undefined;
  /** The ledger's last row when they were drawn: with rows up to it, everybody draws the same. */
  readonly head: Head | undefined;
  readonly window: TimeWindow | undefined;
  readonly zone: Zone;
  readonly notes: QueryNotes;
}

export const MAX_SAMPLE = 10_000;
const TOMBSTONE = '"action":"audit.tombstone"';
const START_BYTES = 64;

/** @throws LedgerError USAGE, CONFIG_INVALID, LEDGER_MISSING, UNSAFE_PATH, READ_FAILED; as `openReading` */
export async function sample({ size, seed, reading: asked, ...conditions }: SampleRequest): Promise<DrawnRows> {
  if (seed === '') throw new LedgerError('USAGE', 'expected a seed, found an empty one');
  const { end, filter, wanted, notes, window, zone } = await openQuery(conditions, undefined);
  try {
    const { place, terms, where, day, since, until } = conditions;
    const reading = await openReading(
      place,
      { command: 'sample', terms, where, day, since, until, lines: size },
      asked,
    );
    const drawn = new Sample(seed, size);
    let [firstSeq, lastSeq]: (number | undefined)[] = [];
    for await (const batch of matchingLines(wanted.lines, filter, { backwards: false, broken: notes.broken })) {
      for (const { line } of batch) {
        const place = placeOf(line);
        if (place === undefined) continue;
        firstSeq ??= place.seq;
        lastSeq = place.seq;
        drawn.offer(line, place);
      }
    }
    await reading.record();
    const lines = reading.isWhole ? drawn.lines() : drawn.lines().map(summaryLine);
    return { lines, population: drawn.offered, firstSeq, lastSeq, head: end.head, window, zone, notes };
  } finally {
    closeQuietly(end.fd);
  }
}

/** Undefined for what is no row: a named gap, or a JSON object without a hash. */
function placeOf(line: Buffer): { readonly seq: number; readonly hash: string } | undefined {
  const hash = declaredLinks(line)?.hash;
  const start = line.toString('latin1', 0, START_BYTES);
  if (hash === undefined || start.includes(TOMBSTONE)) return undefined;
  const seq = seqOfLine(line);
  return seq === undefined ? undefined : { seq, hash };
}
