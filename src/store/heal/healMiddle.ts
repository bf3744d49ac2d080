/**
 * Taking lines out of the middle: the file is replaced by one that has a tombstone in their place, every other byte
 * unchanged. Only `sweep` begins this; whoever comes next finishes it. What is durable after each step:
 *
 *   0. a temporary file with the bytes before the lines   (may be prepared before the lock is taken)
 *   1. quarantine/<heal_id>.bin                           the lines, verbatim
 *   2. audit.heal.pending                                 the plan
 *   3. the temporary file: tombstone and the rest, synced
 *   4. index void, rename over the ledger, folder synced
 *   5. heal row (or set-aside row) + sync
 *   6. plan removed
 */
import { fstatSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LedgerError } from '../../core/errors';
import { Group } from '../../core/group';
import { ownRow } from '../../core/ownRows';
import type { CheckedRow } from '../../core/row';
import { readLine } from '../../core/rowText';
import { salvage } from '../../core/salvage';
import { commitBytes } from '../append/commit';
import type { CommitTarget } from '../append/commit';
import { closeQuietly, namesIn, openFile, readAt, statOf, syncData, syncFolder, withFile, writeAll } from '../files';
import type { Healed } from './heal';
import { voidIndex } from '../index/indexBuild';
import { readHealPlan, removeHealPlan } from './healPlan';
import type { HealPlan, MiddleKind } from './healPlan';
import { scanLines } from '../read/lines';
import { rowsLostRow } from '../append/lostRows';
import type { StatePaths } from '../paths';
import { digestRange, readSetAside } from './quarantine';
import { readTail, TAIL_BYTES } from '../read/tail';

const BLOCK_BYTES = 4 << 20;
const LEFTOVER_MS = 3_600_000;
const TEMPORARY = /^\.heal\.[0-9A-Z]{26}\.tmp$/;

export function isMiddlePlan(plan: HealPlan): boolean {
  const kinds: readonly string[] = ['middle', 'junk', 'set-aside'] satisfies MiddleKind[];
  return kinds.includes(plan.kind);
}

/** Whether the file was replaced already: then only the heal row is missing, and the plan must not be dropped. */
export function isTakenOut(paths: StatePaths, plan: HealPlan): boolean {
  return withFile(paths.ledger, 'read', (fd) => {
    const there = digestRange(fd, plan.offset, plan.length) === plan.sha256;
    return !there && isReplaced(fd, plan, fstatSync(fd).size);
  });
}

/** Where the new file grows until it takes the ledger's name. */
export function replacementPath(paths: StatePaths, healId: string): string {
  return join(paths.dir, `.heal.${healId}.tmp`);
}

/** Copies the first `length` bytes of the ledger into the replacement, synced later with the rest. */
export function copyPrefix(paths: StatePaths, healId: string, fd: number, length: number): void {
  const path = replacementPath(paths, healId);
  const out = openFile(path, statOf(path) === undefined ? 'create' : 'truncate');
  try {
    copyRange(fd, out, 0, length);
  } finally {
    closeQuietly(out);
  }
}

function copyRange(from: number, to: number, start: number, end: number): void {
  for (let offset = start; offset < end;) {
    const block = readAt(from, offset, Math.min(BLOCK_BYTES, end - offset));
    if (block.length === 0) throw new Error(`the ledger ends at ${offset}, expected ${end} bytes`);
    writeAll(to, block);
    offset += block.length;
  }
}

/** Finishes a middle heal from wherever it was left; the plan is on disk. */
export async function finishMiddleHeal(paths: StatePaths, target: CommitTarget, plan: HealPlan): Promise<Healed> {
  replaceUnlessDone(paths, plan);
  const { tail, done } = withFile(paths.ledger, 'append', (fd) => {
    syncData(fd);
    return { tail: readTail(fd), done: hasRowNearEnd(fd, plan.heal_id) };
  });
  if (!done) {
    if (tail.kind !== 'whole')
      throw cannotFinish(paths, `a whole tail after the lines were replaced, found it ${tail.kind}`);
    const group = new Group(tail.head, target.host);
    group.add(rowOf(paths, plan), undefined, undefined, laterId(plan.heal_id, tail.head.id));
    if (plan.lost !== undefined) group.add(rowsLostRow(plan.lost));
    await commitBytes(target, tail.sizeBytes, group.bytes());
  }
  removeHealPlan(paths);
  removeReplacements(paths);
  const { heal_id: healId, offset, length } = plan;
  return { healId, kind: plan.kind, offset, length, quarantine: `quarantine/${healId}.bin` };
}

/** The heal row's id is the plan's; ids grow along the file, and the plan's was made from the last row's under the lock. */
function laterId(healId: string, lastId: string): string {
  if (healId > lastId) return healId;
  throw new LedgerError('HEAL_IMPOSSIBLE', `expected the heal ${healId} to come after row id ${lastId}`, {
    hint: 'somebody appended while a heal was pending; run "ledger verify"',
  });
}

function replaceUnlessDone(paths: StatePaths, plan: HealPlan): void {
  const fd = openFile(paths.ledger, 'append');
  try {
    const { size } = fstatSync(fd);
    if (digestRange(fd, plan.offset, plan.length) !== plan.sha256) {
      if (isReplaced(fd, plan, size)) return;
      throw cannotFinish(paths, `the planned bytes or their tombstone at offset ${plan.offset}, found neither`);
    }
    writeReplacement(paths, plan, fd, size);
  } finally {
    closeQuietly(fd);
  }
  voidIndex(paths);
  renameSync(replacementPath(paths, plan.heal_id), paths.ledger);
  syncFolder(paths.dir);
}

function isReplaced(fd: number, plan: HealPlan, size: number): boolean {
  if (plan.tombstone === undefined) return size >= plan.offset;
  const expected = Buffer.from(`${plan.tombstone}\n`);
  return readAt(fd, plan.offset, expected.length).equals(expected);
}

function writeReplacement(paths: StatePaths, plan: HealPlan, fd: number, size: number): void {
  const path = replacementPath(paths, plan.heal_id);
  if (statOf(path)?.size !== plan.offset) copyPrefix(paths, plan.heal_id, fd, plan.offset);
  const out = openFile(path, 'append');
  try {
    if (plan.tombstone !== undefined) writeAll(out, Buffer.from(`${plan.tombstone}\n`));
    copyRange(fd, out, plan.offset + plan.length, size);
    syncData(out);
  } finally {
    closeQuietly(out);
  }
}

/** Removes replacements that killed sweeps left an hour ago or more; a younger one may be another sweep's at work. */
export function removeReplacements(paths: StatePaths): void {
  for (const name of namesIn(paths.dir)) {
    const path = join(paths.dir, name);
    const ageMs = Date.now() - (statOf(path)?.mtimeMs ?? 0);
    if (TEMPORARY.test(name) && ageMs > LEFTOVER_MS) rmSync(path, { force: true });
  }
}

function hasRowNearEnd(fd: number, id: string): boolean {
  const { size } = fstatSync(fd);
  let found = false;
  scanLines(fd, Math.max(0, size - TAIL_BYTES), size, ({ block, start, end }) => {
    const reading = readLine(block.subarray(start, end));
    found = reading.kind === 'row' && reading.row.id === id;
    return !found;
  });
  return found;
}

function rowOf(paths: StatePaths, plan: HealPlan): CheckedRow {
  const { heal_id: healId, kind, torn, offset, length, sha256, seq, last_seq: lastSeq = seq, actor, reason } = plan;
  const missing = plan.tombstone === undefined ? 0 : lastSeq - seq + 1;
  const aside = readSetAside(paths, healId);
  const original = aside === undefined ? {} : salvage(aside.start);
  const shared = {
    offset,
    length,
    sha256,
    quarantine: `quarantine/${healId}.bin`,
    missing,
    seq,
    last_seq: lastSeq,
    original,
  };
  if (kind !== 'set-aside') return ownRow('audit.heal-truncation', { kind: torn ?? 'garbage', ...shared });
  return ownRow('audit.set-aside', { kind, ...shared }, { actor: actor ?? '', reason: reason ?? '' });
}

function cannotFinish(paths: StatePaths, message: string): LedgerError {
  return new LedgerError('HEAL_IMPOSSIBLE', `cannot finish the heal in ${paths.healPlan}: expected ${message}`, {
    place: { segment: paths.ledger },
    hint: 'run "ledger verify" and look at the place it names; nothing was changed',
  });
}

/** A heal that has replaced the file and lacks only its row: dropping its plan would leave a gap that nothing names. */
export function isHalfDone(paths: StatePaths): boolean {
  try {
    const plan = readHealPlan(paths);
    return plan !== undefined && isMiddlePlan(plan) && isTakenOut(paths, plan);
  } catch (error) {
    if (error instanceof LedgerError) return false;
    throw error;
  }
}
