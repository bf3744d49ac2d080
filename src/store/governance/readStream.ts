/** The rows of one stream with what their own bytes say of them. */
import { declaredLinks, hashOfLine } from '../../core/chain';
import type { Head } from '../../core/chain';
import type { StreamName } from '../../core/governance/finding';
import type { StreamRow } from '../../core/governance/stream';
import type { Place } from '../ledger/locate';
import { streamLines } from './streamLines';

/** @throws LedgerError LEDGER_MISSING, CONFIG_INVALID, UNSAFE_PATH, READ_FAILED */
export async function readStream(
  place: Place,
  { kind, id }: StreamName,
  nowMs: number,
): Promise<{ readonly rows: readonly StreamRow[]; readonly head: Head | undefined }> {
  const { lines, head } = await streamLines(place, [`${kind}_id=${id}`], nowMs);
  const rows: StreamRow[] = [];
  for await (const { line, row } of lines) rows.push({ row, isWhole: declaredLinks(line)?.hash === hashOfLine(line) });
  return { rows, head };
}
