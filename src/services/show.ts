/**
 * `ledger show`: one row, found by seq, id or the beginning of its hash, and what its own bytes and its neighbours say of
 * it. Whether the whole chain holds is for `verify` to say.
 */
import { declaredLinks, hashOfLine } from '../core/chain';
import { ZERO_HASH } from '../core/digest';
import { LedgerError } from '../core/errors';
import { isUlid } from '../core/ids';
import { shownMembers } from '../core/storedRow';
import { summaryLine, summaryOf } from '../core/summary';
import { openReading } from '../store/access/reading';
import type { ReadAsked } from '../store/access/reading';
import { findLines } from '../store/read/find';
import type { FoundLine, Sought } from '../store/read/find';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { presentSegments } from '../store/ledger/segments';
import type { StatePaths } from '../store/paths';

export interface ShownLine {
  readonly kind: 'row' | 'tombstone' | 'wrong';
  readonly seq: number | null;
  /** Relative to the state folder; the offset counts uncompressed bytes. */
  readonly segment: string;
  readonly offset: number;
  readonly bytes: number;
  /** The stored line, exactly, without its newline. */
  readonly line: string;
  readonly row: Readonly<Record<string, unknown>>;
  /** A tombstone declares its hash; a row's is computed from its bytes. */
  readonly hash: { readonly declared: string | null; readonly computed: string | null; readonly right: boolean | null };
  /** Whether it links to the line before it, and the line after links to it; null where there is none to compare with. */
  readonly links: { readonly before: boolean | null; readonly after: boolean | null };
  readonly streams: readonly StreamPlace[];
}

export interface StreamPlace {
  readonly member: 'run_id' | 'decision_id';
  readonly id: string;
  readonly seq: number;
}

export interface ShowResult {
  readonly sought: string;
  readonly by: Sought['kind'];
  readonly found: readonly ShownLine[];
  /** The lines and rows are summaries: what was put into them is left out. */
  readonly summary?: true;
}

const MIN_PREFIX = 4;
const SEQ = /^[1-9][0-9]{0,14}$/;
const HEX = /^[0-9a-f]{4,64}$/;

/** @throws LedgerError USAGE for what can be none of the three, LEDGER_MISSING, READ_FAILED; as `openReading` */
export async function show(place: Place, text: string, asked?: ReadAsked): Promise<ShowResult> {
  const { paths } = locate(place);
  const sought = parseSought(text);
  presentSegments(paths);
  const reading = await openReading(place, { command: 'show', sought: text }, asked);
  const { by, lines } = await findSought(paths, sought, text);
  await reading.record();
  if (reading.isWhole) return { sought: text, by, found: lines.map(shown) };
  return { sought: text, by, found: lines.map(summarised), summary: true };
}

interface FoundLines {
  readonly by: Sought['kind'];
  readonly lines: readonly FoundLine[];
}

async function findSought(paths: StatePaths, sought: Sought, text: string): Promise<FoundLines> {
  const lines = await findLines(paths, sought);
  if (lines.length > 0 || sought.kind !== 'seq' || !HEX.test(text)) return { by: sought.kind, lines };
  // No row has this number: one beginning of a hash in seven has no letter among its first four digits.
  const byHash = await findLines(paths, { kind: 'hash', prefix: text });
  return { by: byHash.length > 0 ? 'hash' : 'seq', lines: byHash };
}

/** What its bytes say of it was judged by all of them. */
function summarised(found: FoundLine): ShownLine {
  const whole = shown(found);
  return { ...whole, line: summaryLine(found.line).toString('utf8'), row: summaryOf(whole.row) };
}

function parseSought(text: string): Sought {
  if (SEQ.test(text)) return { kind: 'seq', seq: Number(text) };
  if (isUlid(text.toUpperCase())) return { kind: 'id', id: text.toUpperCase() };
  if (HEX.test(text.toLowerCase())) return { kind: 'hash', prefix: text.toLowerCase() };
  throw new LedgerError(
    'USAGE',
    `expected a seq, an id or at least ${MIN_PREFIX} hex digits of a hash, found ${JSON.stringify(text)}`,
  );
}

function shown(found: FoundLine): ShownLine {
  const { reading, line, segment, offset } = found;
  const row = shownMembers(line);
  const text = (name: string): string | null => (typeof row[name] === 'string' ? row[name] : null);
  const declared = text('hash');
  const isTombstone = reading.kind === 'tombstone';
  const hasEnd = declared !== null && declaredLinks(line) !== undefined;
  const computed = isTombstone || !hasEnd ? null : hashOfLine(line);
  return {
    kind: reading.kind === 'torn' ? 'wrong' : reading.kind,
    seq: typeof row['seq'] === 'number' ? row['seq'] : null,
    segment,
    offset,
    bytes: line.length,
    line: line.toString('utf8'),
    row,
    hash: { declared, computed, right: isTombstone ? null : declared !== null && computed === declared },
    links: { before: linkBefore(found, text('prev_hash')), after: compare(found.prevHashAfter, declared) },
    streams: [...streamPlace(row, 'run_id', 'run_seq'), ...streamPlace(row, 'decision_id', 'decision_seq')],
  };
}

function linkBefore({ hashBefore, isFirst }: FoundLine, prevHash: string | null): boolean | null {
  if (hashBefore !== undefined) return prevHash === hashBefore;
  return isFirst && prevHash === ZERO_HASH ? true : null;
}

function compare(there: string | undefined, own: string | null): boolean | null {
  return there === undefined ? null : there === own;
}

function streamPlace(
  row: Readonly<Record<string, unknown>>,
  member: StreamPlace['member'],
  seqMember: string,
): StreamPlace[] {
  const [id, seq] = [row[member], row[seqMember]];
  return typeof id === 'string' && typeof seq === 'number' ? [{ member, id, seq }] : [];
}
