/**
 * The rows of heals of the middle, which name what was taken out: committed when the file was replaced, by the heal itself
 * or, where the end of the file was torn or tampered with meanwhile, by the heal that puts the end right.
 */
import { fstatSync } from 'node:fs';
import { LedgerError } from '../../core/errors';
import type { Group } from '../../core/group';
import { ulidAfter } from '../../core/ids';
import { ownRow } from '../../core/ownRows';
import type { CheckedRow } from '../../core/row';
import { readLine } from '../../core/rowText';
import { salvage } from '../../core/salvage';
import { addLostRows, isNamed } from '../append/lostRows';
import type { LostRows } from '../append/lostRows';
import type { StatePaths } from '../paths';
import { scanLines } from '../read/lines';
import { TAIL_BYTES } from '../read/tail';
import type { HealPlan } from './healPlan';
import { readSetAside } from './quarantine';

/** Adds the rows of a heal of the middle, after those that it owes itself. One that is there already is not added again. */
export function addMiddleRows(group: Group, paths: StatePaths, fd: number, plan: HealPlan): void {
  if (plan.owed !== undefined) addMiddleRows(group, paths, fd, plan.owed);
  if (!hasRowNearEnd(fd, plan.heal_id))
    group.add(rowOf(paths, plan), undefined, undefined, laterId(plan.heal_id, group.head.id));
  if (!saysLoss(fd, plan)) addLostRows(group, plan.lost, idOfLoss(plan, group.head.id));
}

/** Whether everything that a plan promised to say stands in the file. */
export function owesNothing(fd: number, plan: HealPlan): boolean {
  return hasRowNearEnd(fd, plan.heal_id) && saysLoss(fd, plan);
}

function saysLoss(fd: number, { lost }: HealPlan): boolean {
  return lost === undefined || isNamed(fd, lost);
}

/** The ids of the rows that a plan owes. */
export function owedIds({ owed }: HealPlan): string[] {
  return owed === undefined ? [] : [...owedIds(owed), owed.heal_id];
}

/**
 * The id of the row that names what a plan says to be lost: the one behind the heal row's, since the ids of heals that were
 * planned later come next. Undefined where that is past: any later one will do.
 */
function idOfLoss({ heal_id: healId }: HealPlan, lastId: string): string | undefined {
  const id = ulidAfter(healId);
  return id > lastId ? id : undefined;
}

/** The last id that the rows of a plan, and of those that it owes itself, will take; '' for none. */
export function lastOwedId(plan: HealPlan | undefined): string {
  if (plan === undefined) return '';
  const own = plan.lost === undefined ? plan.heal_id : ulidAfter(plan.heal_id);
  return [own, lastOwedId(plan.owed)].sort().at(-1) as string;
}

/** The losses that a plan owes a row. */
export function owedLosses({ owed }: HealPlan): LostRows[] {
  return owed === undefined ? [] : [...owedLosses(owed), ...(owed.lost === undefined ? [] : [owed.lost])];
}

/** The heal row's id is the plan's; ids grow along the file, and the plan's was made from the last row's under the lock. */
function laterId(healId: string, lastId: string): string {
  if (healId > lastId) return healId;
  throw new LedgerError('HEAL_IMPOSSIBLE', `expected the heal ${healId} to come after row id ${lastId}`, {
    hint: 'somebody appended while a heal was pending; run "ledger verify"',
  });
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
