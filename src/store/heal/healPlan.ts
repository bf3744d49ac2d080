/**
 * `audit.heal.pending`: the plan of a heal under way. It is written whole (temporary file, sync, rename, sync folder)
 * before a byte of the ledger is cut, and removed when the heal row is on disk; whoever finds it finishes the heal.
 *
 *   {"heal_id":"01J…","kind":"short","offset":1234,"length":57,"sha256":"…","seq":9}
 */
import { linkSync, renameSync } from 'node:fs';
import { LedgerError, orNothing } from '../../core/errors';
import { isUlid } from '../../core/ids';
import { join } from 'node:path';
import {
  closeQuietly,
  ensureFolder,
  removeFile,
  openFile,
  readWhole,
  refuseLink,
  statOf,
  syncData,
  syncFolder,
  writeAll,
} from '../files';
import type { LostRows } from '../append/lostRows';
import type { StatePaths } from '../paths';

/** Why bytes are torn: cut short, NUL bytes (power loss), or something that never was a row. */
export type TornKind = 'short' | 'zero' | 'garbage';
/** `middle` puts a tombstone in place of lines, `junk` takes bytes out between two rows that link, `set-aside` is by hand. */
export type MiddleKind = 'middle' | 'junk' | 'set-aside';

export interface AsidePart {
  readonly quarantine: string;
  readonly length: number;
  readonly sha256: string;
}

export interface HealPlan {
  readonly heal_id: string;
  readonly kind: TornKind | MiddleKind;
  readonly torn?: TornKind;
  readonly offset: number;
  readonly length: number;
  readonly sha256: string;
  /** Tail heals: the seq of the heal row. Middle heals: the first missing seq. */
  readonly seq: number;
  readonly last_seq?: number;
  /** Other torn bytes, found at the same place while the heal was being finished. */
  readonly also?: readonly AsidePart[];
  /** Rows that the index has seen behind the torn bytes: named right after the heal row. */
  readonly lost?: LostRows;
  /** Set aside by hand: who, and why. */
  readonly actor?: string;
  readonly reason?: string;
  /** The tombstone's line, for heals that replace the file. */
  readonly tombstone?: string;
  /** A heal of the middle before this one, done but for its row: the end of the file was torn or tampered with meanwhile. */
  readonly owed?: HealPlan;
}

/** Durable when it returns. */
export function writeHealPlan(paths: StatePaths, plan: HealPlan): void {
  const temporary = `${paths.healPlan}.tmp`;
  const fd = openFile(temporary, statOf(temporary) === undefined ? 'create' : 'truncate');
  try {
    writeAll(fd, Buffer.from(`${JSON.stringify(plan)}\n`));
    syncData(fd);
  } finally {
    closeQuietly(fd);
  }
  renameSync(temporary, paths.healPlan);
  syncFolder(paths.dir);
}

/**
 * The pending plan, or undefined where there is none.
 * @throws LedgerError HEAL_IMPOSSIBLE where the file is there but is no plan: it was written whole, so somebody changed it
 */
export function readHealPlan(paths: StatePaths): HealPlan | undefined {
  const bytes = readWhole(paths.healPlan);
  if (bytes === undefined) return undefined;
  const plan = parsePlan(bytes.toString('utf8'));
  if (plan !== undefined) return plan;
  throw new LedgerError('HEAL_IMPOSSIBLE', `expected a heal plan in ${paths.healPlan}, found something else`, {
    place: { segment: paths.healPlan },
    hint: 'run "ledger sweep": it sets the file aside and looks at the ledger afresh',
  });
}

function parsePlan(text: string): HealPlan | undefined {
  try {
    const plan = JSON.parse(text) as HealPlan;
    return isSound(plan) ? plan : undefined;
  } catch {
    return undefined;
  }
}

function isSound({ heal_id: healId, offset, length, seq, sha256, owed }: HealPlan): boolean {
  const hasNumbers = [offset, length, seq].every(Number.isSafeInteger);
  return isUlid(healId) && hasNumbers && typeof sha256 === 'string' && (owed === undefined || isSound(owed));
}

/** Durable when it returns. */
export function removeHealPlan(paths: StatePaths): void {
  removeFile(paths.healPlan);
  syncFolder(paths.dir);
}

/**
 * Moves a plan that cannot be finished into quarantine, durably; a heal whose row it owes is pending again then.
 * @returns its name relative to the state folder
 */
export function setPlanAside(paths: StatePaths, id: string): string {
  refuseLink(paths.quarantine);
  ensureFolder(paths.quarantine);
  const name = `${id}.plan`;
  const owed = orNothing(() => readHealPlan(paths))?.owed;
  if (owed === undefined) {
    renameSync(paths.healPlan, join(paths.quarantine, name));
  } else {
    linkSync(paths.healPlan, join(paths.quarantine, name));
    writeHealPlan(paths, owed);
  }
  for (const folder of [paths.quarantine, paths.dir]) syncFolder(folder);
  return `quarantine/${name}`;
}
