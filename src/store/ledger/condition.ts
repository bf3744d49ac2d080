/** The condition of the ledger's own files: tail, lock, spill, heal, quarantine, index. Nothing is written or healed. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bad, ok, sizeText, spanText, warn } from '../../core/checkup';
import type { Checkup } from '../../core/checkup';
import { LedgerError } from '../../core/errors';
import type { Identity } from '../../core/ownRows';
import { readLine } from '../../core/rowText';
import { parseRfc3339 } from '../../core/time';
import { isLink, namesIn, readAt, statOf, withFile } from '../files';
import { readHealPlan } from '../heal/healPlan';
import { INNER_LINK_ADVICE } from '../linkAdvice';
import { withIndex } from '../index/indexCheck';
import type { LedgerIndex } from '../index/indexFile';
import { readIndexHeader } from '../index/indexHeader';
import { standingOf } from '../index/indexRead';
import type { Standing } from '../index/indexRead';
import { probeKernelLock, readLockNote } from '../lock/kernelLock';
import { isAlive } from '../machine/alive';
import { monotonicMs } from '../machine/clock';
import type { StatePaths } from '../paths';
import { spillFiles } from '../spill/spillFiles';
import { countSpilled } from '../spill/spillState';
import { readTail } from '../read/tail';
import type { Tail } from '../read/tail';

const PATIENCE_MS = 1_000;
const POLL_MS = 25;
const CLOCK_SLACK_MS = 1_000;
const AHEAD_MS = 5 * 60_000;
const STALE_MS = 10_000;
/** An index that lags by more makes appends and sums slower than they need be. */
const MAX_LAG_ROWS = 50_000;
const SWEEP = 'run: ledger sweep';

export interface LastRow {
  readonly seq: number;
  readonly tsMs: number | undefined;
}

/** The tail; a row in flight is given a second to land. */
export async function settledTail(paths: StatePaths): Promise<Tail> {
  const deadline = monotonicMs() + PATIENCE_MS;
  for (;;) {
    const tail = withFile(paths.ledger, 'read', readTail);
    if (tail.kind === 'whole' || monotonicMs() > deadline) return tail;
    await sleep(POLL_MS);
  }
}

/** Seq and time of the last whole row. */
export function lastRowOf(paths: StatePaths, tail: Tail): LastRow | undefined {
  const head = 'head' in tail ? tail.head : undefined;
  if (head === undefined) return undefined;
  const { bytes } = tail.window;
  const at = bytes.lastIndexOf(`"hash":"${head.hash}"}`);
  const start = at < 0 ? 0 : bytes.lastIndexOf(0x0a, at) + 1;
  const end = bytes.indexOf(0x0a, at);
  // A last row that is longer than the window is read whole.
  const line =
    start > 0 || tail.window.offset === 0 ? bytes.subarray(start, end < 0 ? bytes.length : end) : wholeEnd(paths);
  const reading = readLine(line);
  return { seq: head.seq, tsMs: reading.kind === 'row' ? parseRfc3339(reading.row.ts) : undefined };
}

function wholeEnd(paths: StatePaths): Buffer {
  return withFile(paths.ledger, 'read', (fd) => {
    const size = statSync(paths.ledger).size;
    const block = readAt(fd, Math.max(0, size - (2 << 20)), Math.min(size, 2 << 20));
    return block.subarray(block.lastIndexOf(0x0a, block.length - 2) + 1, -1);
  });
}

const BACKUP = 'bring it back from a backup';

export function checkTail(tail: Tail): Checkup {
  const size = sizeText(tail.sizeBytes);
  switch (tail.kind) {
    case 'whole':
      return ok('tail', `row ${tail.head.seq} is whole and linked, ${size} in all`);
    case 'unterminated':
      return warn('tail', `row ${tail.head.seq} lacks its newline`, 'the next append adds it; or run: ledger sweep');
    case 'torn':
      if (tail.head === undefined) return bad('tail', 'torn from its first byte on: no whole row is left', BACKUP);
      return warn('tail', `torn from byte ${tail.offset} on`, 'the next append sets it aside; or run: ledger sweep');
    case 'empty':
      return bad('tail', 'the file is empty: something emptied it (a log rotation?)', BACKUP);
    case 'wrong':
      return bad('tail', `the last row is wrong: ${tail.why}`, 'run: ledger verify; nothing is appended to it');
  }
}

/** The clock against the last row, and how old that is. */
export function checkClock(last: LastRow | undefined, nowMs: number): Checkup[] {
  if (last?.tsMs === undefined) return [];
  const ageMs = nowMs - last.tsMs;
  const age = ok('head', `row ${last.seq}, ${spanText(ageMs)} old`);
  if (ageMs >= -CLOCK_SLACK_MS) return [age, ok('clock', 'not behind the last row')];
  const message = `the clock is ${spanText(ageMs)} behind the last row`;
  const advice = 'set the clock (timedatectl); rows keep their order, their times do not';
  return [ageMs < -AHEAD_MS ? bad('clock', message, advice) : warn('clock', message, advice)];
}

export function checkLock(paths: StatePaths, identity: Identity, nowMs: number): Checkup {
  return identity.lock === 'kernel' ? checkKernelLock(paths) : checkLockFolder(paths, nowMs);
}

function checkKernelLock(paths: StatePaths): Checkup {
  try {
    const state = probeKernelLock(paths.lock);
    const pid = readLockNote(paths.lock)?.pid;
    if (state === 'absent') return ok('lock', 'kernel, never taken yet');
    if (state === 'free') return ok('lock', 'kernel, free');
    const holder =
      pid === undefined || !Number.isFinite(pid) ? 'a process' : `process ${pid}${isAlive(pid) ? '' : ' (gone?)'}`;
    return warn(
      'lock',
      `kernel, held by ${holder}`,
      'fine for a moment; if it stays, look at that process: ps -p ' + String(pid),
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return bad('lock', `kernel, cannot be tried: ${why}`, 'this ledger can be written only with its kernel lock');
  }
}

function checkLockFolder(paths: StatePaths, nowMs: number): Checkup {
  const folder = statOf(`${paths.ledger}.lock`);
  if (folder === undefined) return ok('lock', 'lockfile, free');
  const ageMs = nowMs - folder.mtimeMs;
  if (ageMs > STALE_MS)
    return ok('lock', `lockfile, left behind ${spanText(ageMs)} ago; the next writer takes it over`);
  return warn('lock', 'lockfile, held', 'fine for a moment; a dead holder is replaced after 10 s');
}

export function checkSpill(paths: StatePaths): Checkup {
  const waiting = countSpilled(paths);
  const draining = spillFiles(paths).some((path) => path === paths.draining || path === paths.secondDraining);
  if (waiting > 0)
    return warn('spill', waiting === 1 ? '1 row waits to be chained' : `${waiting} rows wait to be chained`, SWEEP);
  if (draining) return warn('spill', 'a drain was left half-done', SWEEP);
  return ok('spill', 'no rows wait');
}

export function checkHeal(paths: StatePaths): Checkup {
  try {
    const plan = readHealPlan(paths);
    if (plan === undefined) return ok('heal', 'none pending');
    return warn('heal', `${plan.heal_id} is half-done`, `the next append finishes it; or ${SWEEP}`);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return bad('heal', error.message, error.hint ?? SWEEP);
  }
}

export function checkQuarantine(paths: StatePaths): Checkup {
  if (isLink(paths.quarantine))
    return bad('quarantine', `${paths.quarantine} is a link: nothing is set aside through it`, INNER_LINK_ADVICE);
  const sizes = namesIn(paths.quarantine)
    .filter((name) => name.endsWith('.bin'))
    .map((name) => statOf(join(paths.quarantine, name))?.size ?? 0);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return ok(
    'quarantine',
    sizes.length === 0 ? 'empty' : `${sizes.length} files, ${sizeText(bytes)}; each is named by a row`,
  );
}

export function checkIndex(paths: StatePaths, last: LastRow | undefined): Checkup {
  try {
    const header = readIndexHeader(paths);
    if (header?.settled === false)
      return ok('index', 'a transaction is under way, or was left half-done: the next writer tidies up');
    const ask = (index: LedgerIndex): Standing => withFile(paths.ledger, 'read', (fd) => standingOf(index, fd));
    const standing = header === undefined ? undefined : withIndex(paths, ask);
    if (standing !== undefined) return checkStanding(standing, last);
    if (last === undefined) return ok('index', 'none yet');
    if (last.seq <= MAX_LAG_ROWS) return ok('index', 'none yet; nothing needs it at this size');
    return warn('index', 'none', `${SWEEP}; it is rebuilt from the ledger`);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    if (error.code === 'INDEX_BUSY') return ok('index', 'another process is at work on it');
    return warn('index', error.message, `${SWEEP}; nothing is lost, it is rebuilt from the ledger`);
  }
}

/** @param last undefined where the file's last row is none that anything is built on */
function checkStanding(standing: Standing, last: LastRow | undefined): Checkup {
  switch (standing.kind) {
    case 'ahead': {
      const { toSeq, lastSeq } = standing;
      const message = `it has seen row ${toSeq}, the file ends at ${lastSeq}: rows were lost`;
      return bad('index', message, 'run: ledger verify');
    }
    case 'disagrees':
      if (last === undefined && !standing.otherLedger) return bad('index', standing.why, 'run: ledger verify');
      return bad('index', `it tells of another file: ${standing.why}`, 'run: ledger verify, then: ledger sweep');
    case 'agrees':
      return checkLag(standing.watermark.seq, last);
  }
}

function checkLag(seenSeq: number, last: LastRow | undefined): Checkup {
  if (last === undefined) return ok('index', `it agrees with the file up to row ${seenSeq}`);
  // Rows may have come since the tail was looked at.
  const lag = Math.max(0, last.seq - seenSeq);
  if (lag > MAX_LAG_ROWS) return warn('index', `${lag} rows behind`, SWEEP);
  return ok('index', lag === 0 ? 'current' : `${lag} ${lag === 1 ? 'row' : 'rows'} behind, read from the file`);
}
