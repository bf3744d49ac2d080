/** `ledger tail`: the last rows of a ledger, and those that come. */
import { followLedger } from '../store/read/follow';
import type { Followed } from '../store/read/follow';
import { zoneNamed } from '../store/machine/hostZone';
import type { Zone } from '../core/day';
import { openReading } from '../store/access/reading';
import type { ReadAsked } from '../store/access/reading';
import { summariesOf } from '../store/access/summaries';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';

export type { Followed } from '../store/read/follow';

export interface TailRequest {
  readonly place: Place;
  readonly lastRows: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
  /** The zone of `--tz`; else the config's, else the machine's. */
  readonly tz: string | undefined;
  readonly reading: ReadAsked;
}

export interface Tail {
  /** In which times are to be shown. */
  readonly zone: Zone;
  readonly batches: AsyncIterable<readonly Followed[]>;
}

/** @throws LedgerError USAGE for an unknown zone, CONFIG_INVALID, LEDGER_MISSING, UNSAFE_PATH, READ_FAILED; the batches as well; as `openReading` */
export async function tail({ place, lastRows, follow, signal, tz, reading: asked }: TailRequest): Promise<Tail> {
  const { paths, config } = locate(place);
  const zone = zoneNamed(tz ?? config.timezone, place.env);
  const batches = followLedger(paths, { from: { lastRows }, follow, signal });
  const reading = await openReading(place, { command: 'tail', lines: lastRows, follow }, asked);
  await reading.record();
  return { zone, batches: reading.isWhole ? batches : summariesOf(batches) };
}
