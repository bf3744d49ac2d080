/**
 * Taking lines out of the middle, decided: what may be taken out, what stands in its place. The steps on disk are
 * those of healMiddle.ts.
 *
 *   between row 56 and row 58 of the chain   → a tombstone for 57, its hash is what 58 links to
 *   between rows that link to each other      → nothing: it was junk, or a replay; no row is missing
 *   a second row at the very end              → nothing, likewise
 *   anything else                              → not taken out: evidence
 */
import { fstatSync, renameSync, rmSync } from 'node:fs';
import { sha256Hex, ZERO_HASH } from '../../core/digest';
import { LedgerError } from '../../core/errors';
import { nextUlid, ULID_RANDOM_BYTES, ulidAt } from '../../core/ids';
import { completeObject, readLine } from '../../core/rowText';
import { neighbourAfter, neighbourBefore } from './brokenLines';
import type { Neighbour } from './brokenLines';
import { closeQuietly, openFile, readAt, statOf } from '../files';
import { tornKind } from './heal';
import type { Healed } from './heal';
import { copyPrefix, finishMiddleHeal, replacementPath } from './healMiddle';
import { writeHealPlan } from './healPlan';
import type { HealPlan } from './healPlan';
import type { LedgerFile, LockedLedger } from '../ledger/ledger';
import type { LostRows } from '../append/lostRows';
import { nameGoneRows, nameLostRows } from '../append/nameLoss';
import { withLockedLedger } from '../append/prepare';
import type { PrepareEvents } from '../append/prepare';
import { lastOwedId } from './owedRows';
import { setAside } from './quarantine';
import { isSound } from './sound';
import { scanLines } from '../read/lines';
import { lastIdIn, readTail } from '../read/tail';

export interface TakeOut {
  /** The inode of the file in which they were found. */
  readonly ino: number;
  readonly offset: number;
  /** Whole lines, the last one's newline included. */
  readonly length: number;
  /** By hand: complete lines may go, too, with a name and a reason. */
  readonly byHand?: { readonly actor: string; readonly reason: string };
}

export type TakenOut =
  | {
      readonly kind: 'taken-out';
      readonly healed: Healed;
      readonly seq: number;
      readonly lastSeq: number;
      readonly missing: number;
    }
  /** The file was replaced meanwhile: look again. */
  | { readonly kind: 'moved' }
  /** What stands around the lines does not tell what is missing: they stay. */
  | { readonly kind: 'kept'; readonly why: string };

/** Copies what is before the lines without the lock, then takes it for the rest. */
export async function takeOut(file: LedgerFile, lines: TakeOut, events: PrepareEvents): Promise<TakenOut> {
  const { paths, host } = file;
  const prefixId = ulidAt(host.nowMs(), host.random(ULID_RANDOM_BYTES));
  const fd = openFile(paths.ledger, 'append');
  try {
    if (fstatSync(fd).ino !== lines.ino) return { kind: 'moved' };
    copyPrefix(paths, prefixId, fd, lines.offset);
    const take = (locked: LockedLedger): Promise<TakenOut> => takeOutLocked(locked, lines, prefixId, events);
    return await withLockedLedger(file, events, take, { mayOwe: lines.byHand !== undefined });
  } finally {
    closeQuietly(fd);
    // Where it was taken, it has another name by now.
    rmSync(replacementPath(paths, prefixId), { force: true });
  }
}

async function takeOutLocked(
  locked: LockedLedger,
  lines: TakeOut,
  prefixId: string,
  events: PrepareEvents,
): Promise<TakenOut> {
  const { paths, host, lock, durability, fd } = locked;
  // Before the lines are judged: a row that is appended may link to them.
  const known = await namedOrPlanned(locked, events);
  if (known === 'busy')
    return {
      kind: 'kept',
      why: 'another process is at work on the index, which may know of rows that are gone: try again',
    };
  const { lost } = known;
  const { ino, size } = fstatSync(fd);
  if (ino !== lines.ino || size < lines.offset + lines.length) return { kind: 'moved' };
  // What was read without the lock may have been a row on its way to the disk.
  if (lines.byHand === undefined && !isTorn(fd, lines)) return { kind: 'moved' };
  const around = surroundings(fd, lines, size);
  if (lines.byHand !== undefined && isSound(fd, lines, around)) {
    return { kind: 'kept', why: 'it is whole, its hash is right, and the rows around it link to it' };
  }
  const gap = gapOf(fd, around, lines);
  if (gap.kind === 'kept') return gap;
  if (!endsWhole(locked, lines, size)) {
    return {
      kind: 'kept',
      why: 'the last row is tampered with, so no row can name this: set that one aside first',
    };
  }
  const plan = planOf(locked, lines, gap, lost);
  const prefix = replacementPath(paths, prefixId);
  // Where it was tidied away meanwhile, it is copied again under the lock.
  if (statOf(prefix) !== undefined) renameSync(prefix, replacementPath(paths, plan.heal_id));
  writeHealPlan(paths, plan);
  const target = { path: paths.ledger, lock, host, durability };
  const [healed] = await finishMiddleHeal(paths, target, plan, { isPrepared: true });
  if (lost !== undefined) events.onRowsLost(lost);
  return { kind: 'taken-out', healed, seq: gap.seq, lastSeq: gap.lastSeq, missing: gap.missing };
}

/** Whether these are whole lines still, each of them torn. */
function isTorn(fd: number, { offset, length }: TakeOut): boolean {
  let end = offset;
  let torn = true;
  scanLines(fd, offset, fstatSync(fd).size, (line) => {
    torn = line.cut || completeObject(line.block.subarray(line.start, line.end)) === undefined;
    end = line.offset + line.bytes + (line.terminated ? 1 : 0);
    return torn && end < offset + length;
  });
  return torn && end === offset + length;
}

/** Whether the file ends in a whole row, or nothing, once the lines are out: the row that names them must be linked to something. */
function endsWhole({ fd, tail }: LockedLedger, { offset, length }: TakeOut, size: number): boolean {
  const end = offset + length;
  if (tail.kind === 'whole' || end >= size) return true;
  // The last row may be wrong for nothing but the lines before it.
  if (tail.kind !== 'wrong' || tail.offset !== end) return false;
  return readLine(readAt(fd, end, size - end - 1)).kind === 'row';
}

interface Surroundings {
  readonly before: Neighbour | undefined;
  readonly after: Neighbour | undefined;
  readonly atEnd: boolean;
}

function surroundings(fd: number, { offset, length }: TakeOut, size: number): Surroundings {
  const end = offset + length;
  return { before: neighbourBefore(fd, offset), after: neighbourAfter(fd, end), atEnd: end >= size };
}

/** What the index knows of rows that are gone must be said before it is voided: now, or where nothing can be appended yet, by the plan. */
async function namedOrPlanned(
  locked: LockedLedger,
  events: PrepareEvents,
): Promise<{ readonly lost: LostRows | undefined } | 'busy'> {
  const { tail } = locked;
  try {
    if (tail.kind !== 'whole') return { lost: locked.index.goneRows(locked.fd) };
    await nameGoneRows(await nameLostRows({ ...locked, tail }, events), events);
    return { lost: undefined };
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'INDEX_BUSY') return 'busy';
    throw error;
  }
}

function planOf(locked: LockedLedger, lines: TakeOut, gap: Gap, lost: LostRows | undefined): HealPlan {
  const { paths, host } = locked;
  // Read again: lost rows may have been named in the meantime.
  const { window } = readTail(locked.fd);
  // A replayed last row has an old id.
  const before = window.bytes.subarray(0, Math.max(0, lines.offset - window.offset));
  const { owed } = locked;
  const lastId = [lastIdIn(window.bytes), lastIdIn(before), lastOwedId(owed)].sort().at(-1) ?? '';
  const healId = nextUlid(host.nowMs(), host.random(ULID_RANDOM_BYTES), lastId);
  const aside = setAside(paths, healId, locked.fd, lines.offset, lines.length);
  const { seq, lastSeq, missing } = gap;
  return {
    heal_id: healId,
    kind: lines.byHand !== undefined ? 'set-aside' : missing > 0 ? 'middle' : 'junk',
    torn: tornKind(aside),
    offset: lines.offset,
    length: lines.length,
    sha256: aside.sha256,
    seq,
    last_seq: lastSeq,
    ...(lines.byHand ?? {}),
    ...(missing > 0 ? { tombstone: tombstoneLine(healId, aside.sha256, gap) } : {}),
    ...(lost === undefined ? {} : { lost }),
    ...(owed === undefined ? {} : { owed }),
  };
}

interface Gap {
  readonly kind: 'gap';
  readonly seq: number;
  readonly lastSeq: number;
  readonly missing: number;
  readonly prevHash: string;
  readonly hash: string;
}

function gapOf(
  fd: number,
  { before, after, atEnd }: Surroundings,
  lines: TakeOut,
): Gap | Extract<TakenOut, { kind: 'kept' }> {
  if (before === undefined && lines.offset > 0) return { kind: 'kept', why: 'the line before is no row of the chain' };
  const seq = (before?.lastSeq ?? 0) + 1;
  const prevHash = before?.hash ?? ZERO_HASH;
  if (after === undefined) {
    if (lines.byHand === undefined || !atEnd) return { kind: 'kept', why: 'the line after is no row of the chain' };
    const none = { kind: 'gap', seq, lastSeq: seq - 1, missing: 0, prevHash, hash: prevHash } as const;
    if (isSecond(fd, lines, seq)) return none;
    // The last line: nothing links to it yet, so the tombstone may declare any hash; this one says what it stands for.
    return {
      kind: 'gap',
      seq,
      lastSeq: seq,
      missing: 1,
      prevHash,
      hash: sha256Hex(`${prevHash}${lines.byHand.reason}`),
    };
  }
  const missing = after.seq - seq;
  const linked = after.prevHash === prevHash;
  if (missing < 0 || (missing === 0) !== linked) {
    return {
      kind: 'kept',
      why: `row ${after.seq} comes after row ${seq - 1} and does not tell what is missing between them`,
    };
  }
  return { kind: 'gap', seq, lastSeq: after.seq - 1, missing, prevHash, hash: after.prevHash };
}

/** A row with a right hash that stands where an earlier one stands, a replay for instance: it never was row `seq`. */
function isSecond(fd: number, { offset, length }: TakeOut, seq: number): boolean {
  const line = readAt(fd, offset, length);
  const reading = readLine(line[line.length - 1] === 0x0a ? line.subarray(0, -1) : line);
  return reading.kind === 'row' && reading.row.seq < seq;
}

/** Not hashed: what was there is gone, and its hash is what the next row says it was. */
function tombstoneLine(healId: string, bytesSha256: string, gap: Gap): string {
  const last = gap.lastSeq > gap.seq ? `,"last_seq":${gap.lastSeq}` : '';
  return `{"seq":${gap.seq}${last},"action":"audit.tombstone","heal_id":"${healId}","bytes_sha256":"${bytesSha256}","prev_hash":"${gap.prevHash}","hash":"${gap.hash}"}`;
}
