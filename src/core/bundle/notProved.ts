/** What a bundle that holds does not show all the same: said with every answer, so that nobody reads more into it. */
import type { Row } from '../members';
import { formatTime } from '../time';
import type { Bundle, BundleStream } from './bundle';
import type { EvidenceKey } from './keys';
import { isIn, nameOf, streamsOf } from './streams';
import type { StreamKey } from './streams';
import type { CheckedHead } from './tree';

const MAX_NAMED = 3;

export interface KnownOf {
  readonly signer: EvidenceKey | undefined;
  readonly checkpoint: CheckedHead | undefined;
}

export function notProved(bundle: Bundle, rows: readonly Row[], { signer, checkpoint }: KnownOf): string[] {
  const lines: string[] = [];
  if (signer === undefined) lines.push('who made this bundle: no key that is trusted here signed it');
  if (checkpoint?.state !== 'valid')
    lines.push(
      `that the ledger signed its tree head: no key for it is known here${signer === undefined ? '' : ', only who signed the bundle vouches for it'}`,
    );
  if (signer?.untilMs !== undefined)
    lines.push(
      `that it was signed before ${formatTime(signer.untilMs)}, when the key ceased to count: its rows are older`,
    );
  lines.push(...afterwards(bundle.streams, rows), ...others(bundle.streams, rows), ...looseOrders(bundle.streams));
  const signed = rows.filter((row) => row['signature'] !== undefined).length;
  if (signed > 0)
    lines.push(`that ${signed} rows with a signature are by whom they say: keys of people are not looked at here`);
  lines.push('that all others are shown the same ledger: compare the checkpoint, or ask where it is anchored');
  lines.push('that everything that happened was logged, and was true when it was logged');
  return lines;
}

/** Links lead back alone: whoever signs can leave out the last rows of a stream, those under the tree head as well. */
function afterwards(streams: readonly BundleStream[], rows: readonly Row[]): string[] {
  const linked = streams.filter(({ kind }) => kind !== 'order');
  const lines = linked.slice(0, MAX_NAMED).flatMap((stream) => {
    const last = rows.findLast((row) => isIn(stream, row));
    return last === undefined
      ? []
      : [`that no row of ${nameOf(stream)} came after row ${last.seq}, the last one shown`];
  });
  const more = linked.length - MAX_NAMED;
  return more > 0 ? [...lines, `the same of ${more} more streams: that no row came after the last one shown`] : lines;
}

/** A row may be in a run and in a decision, of which the others are not here. */
function others(streams: readonly BundleStream[], rows: readonly Row[]): string[] {
  const shown = new Set(streams.map(nameOf));
  const found = new Map<string, StreamKey>();
  for (const row of rows) {
    const all = streamsOf(row);
    // A row of a single stream is here for that.
    if (all.length > 1) for (const stream of all) if (!shown.has(nameOf(stream))) found.set(nameOf(stream), stream);
  }
  const partly = [...found.values()];
  return partly.length === 0
    ? []
    : [`that ${named(partly)} ${partly.length === 1 ? 'is' : 'are'} here as a whole: only some rows are`];
}

function looseOrders(streams: readonly BundleStream[]): string[] {
  const loose = streams.filter(({ kind }) => kind === 'order');
  return loose.length === 0
    ? []
    : [`that no row of ${named(loose)} is missing: those in no run or decision are in no chain of their own`];
}

function named(streams: readonly Pick<BundleStream, 'kind' | 'id'>[]): string {
  const names = streams.slice(0, MAX_NAMED).map(nameOf).join(', ');
  return streams.length > MAX_NAMED ? `${names} and ${streams.length - MAX_NAMED} more` : names;
}
