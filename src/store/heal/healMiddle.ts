/**
 * Taking lines out of the middle: the file is replaced by one that has a tombstone in their place, every other byte
 * unchanged. Only `sweep` begins this; whoever comes next finishes it. What is durable after each step:
 *
 *   0. a temporary file with the bytes before the lines   (may be prepared before the lock is taken)
 *   1. quarantine/<heal_id>.bin                           the lines, verbatim
 *   2. audit.heal.pending                                 the plan
 *   3. the temporary file: tombstone and the rest, synced
 *   4. index void, rename over the ledger, folder synced; index void again, since one may have been built meanwhile
 *   5. heal row (or set-aside row) + sync
 *   6. plan removed
 */
import { fstatSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LedgerError } from '../../core/errors';
import { Group } from '../../core/group';
import { commitBytes } from '../append/commit';
import type { CommitTarget } from '../append/commit';
import { closeQuietly, namesIn, openFile, readAt, statOf, syncData, syncFolder, withFile, writeAll } from '../files';
import { healNewline, healTornTail } from './heal';
import type { Healed } from './heal';
import { addMiddleRows, owesNothing } from './owedRows';
import { voidIndex } from '../index/indexBuild';
import { readHealPlan, removeHealPlan } from './healPlan';
import type { HealPlan, MiddleKind } from './healPlan';
import type { StatePaths } from '../paths';
import { digestRange } from './quarantine';
import { readTail } from '../read/tail';

const BLOCK_BYTES = 4 << 20;
const LEFTOVER_MS = 3_600_000;
const TEMPORARY = /^\.heal\.[0-9A-Z]{26}\.tmp$/;

export function isMiddlePlan(plan: HealPlan): boolean {
  const kinds: readonly string[] = ['middle', 'junk', 'set-aside'] satisfies MiddleKind[];
  return kinds.includes(plan.kind);
}

/** The pending heal of the middle that is done but for its row, and cannot have it: nothing is built on a tampered last row. */
export function owedHeal(paths: StatePaths): HealPlan | undefined {
  const plan = readHealPlan(paths);
  if (plan === undefined || !isMiddlePlan(plan) || !isTakenOut(paths, plan)) return undefined;
  return withFile(paths.ledger, 'read', (fd) => readTail(fd).kind) === 'wrong' ? plan : undefined;
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

/**
 * Finishes a middle heal from wherever it was left; the plan is on disk. Where the end of the file is torn, by a power cut
 * in the middle of the heal row for instance, that is healed with it.
 * @param isPrepared this process has made step 0: of what another left nobody knows whether the disk has it, whatever its size
 * @returns this heal, and what else was healed for it
 * @throws LedgerError HEAL_IMPOSSIBLE where the last row is tampered with, or the lines are not there
 */
export async function finishMiddleHeal(
  paths: StatePaths,
  target: CommitTarget,
  plan: HealPlan,
  { isPrepared = false }: { readonly isPrepared?: boolean } = {},
): Promise<[Healed, ...Healed[]]> {
  replaceUnlessDone(paths, plan, isPrepared);
  const fd = openFile(paths.ledger, 'append');
  try {
    syncData(fd);
    const more = owesNothing(fd, plan) ? [] : await commitRows(paths, target, fd, plan);
    removeHealPlan(paths);
    removeReplacements(paths);
    const { heal_id: healId, offset, length } = plan;
    return [{ healId, kind: plan.kind, offset, length, quarantine: `quarantine/${healId}.bin` }, ...more];
  } finally {
    closeQuietly(fd);
  }
}

async function commitRows(paths: StatePaths, target: CommitTarget, fd: number, plan: HealPlan): Promise<Healed[]> {
  const tail = readTail(fd);
  if (tail.kind === 'torn') return [await healTornTail(paths, target, fd, tail, undefined, plan)];
  if (tail.kind === 'unterminated')
    return [await healNewline(target, tail, (group) => addMiddleRows(group, paths, fd, plan))];
  if (tail.kind === 'wrong') throw tampered(paths, tail.offset, tail.why);
  if (tail.kind === 'empty') throw cannotFinish(paths, 'rows in the ledger, found an empty file');
  const group = new Group(tail.head, target.host);
  addMiddleRows(group, paths, fd, plan);
  await commitBytes(target, tail.sizeBytes, group.bytes());
  return [];
}

function replaceUnlessDone(paths: StatePaths, plan: HealPlan, isPrepared: boolean): void {
  const fd = openFile(paths.ledger, 'append');
  try {
    const { size } = fstatSync(fd);
    if (digestRange(fd, plan.offset, plan.length) !== plan.sha256) {
      if (isReplaced(fd, plan, size)) return;
      throw cannotFinish(paths, `the planned bytes or their tombstone at offset ${plan.offset}, found neither`);
    }
    const path = replacementPath(paths, plan.heal_id);
    if (!isPrepared || statOf(path)?.size !== plan.offset) copyPrefix(paths, plan.heal_id, fd, plan.offset);
    completeReplacement(path, plan, fd, size);
  } finally {
    closeQuietly(fd);
  }
  voidIndex(paths);
  renameSync(replacementPath(paths, plan.heal_id), paths.ledger);
  syncFolder(paths.dir);
  // One that another process built from the file as it was, and put there since, would pass for evidence.
  voidIndex(paths);
}

function isReplaced(fd: number, plan: HealPlan, size: number): boolean {
  if (plan.tombstone === undefined) return size >= plan.offset;
  const expected = Buffer.from(`${plan.tombstone}\n`);
  return readAt(fd, plan.offset, expected.length).equals(expected);
}

function completeReplacement(path: string, plan: HealPlan, fd: number, size: number): void {
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

function cannotFinish(paths: StatePaths, message: string): LedgerError {
  return new LedgerError('HEAL_IMPOSSIBLE', `cannot finish the heal in ${paths.healPlan}: expected ${message}`, {
    place: { segment: paths.ledger },
    hint: 'run "ledger verify" and look at the place it names; nothing was changed',
  });
}

function tampered(paths: StatePaths, offset: number, why: string): LedgerError {
  return new LedgerError(
    'HEAL_IMPOSSIBLE',
    `cannot finish the heal in ${paths.healPlan}: expected the last row to be whole and linked, found: ${why}`,
    {
      place: { segment: paths.ledger, offset },
      hint: 'run "ledger verify"; "ledger sweep --set-aside" takes that row out with a reason, and finishes the heal with it',
    },
  );
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
