/**
 * The files in which rows wait. The second place lies in a home folder, which need not be this account's (`sudo -u` may
 * keep HOME): where it cannot look it cannot have spilled, and a ledger works without a second place.
 */
import type { Stats } from 'node:fs';
import { errnoOf } from '../../core/errors';
import { statOf, withFile } from '../files';
import type { StatePaths } from '../paths';

const CLOSED: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

/** Those that are there, in the order in which they are drained. Four stats. */
export function spillFiles({ spill, draining, secondSpill, secondDraining }: StatePaths): string[] {
  const first = [draining, spill].filter((path) => statOf(path) !== undefined);
  return [...first, ...[secondDraining, secondSpill].filter((path) => statInSecondPlace(path) !== undefined)];
}

/** Adds up what is counted in each of them. One that is drained between the look at its name and the open holds nothing. */
export function countInSpillFiles(paths: StatePaths, count: (fd: number) => number): number {
  let sum = 0;
  for (const path of spillFiles(paths)) {
    try {
      sum += withFile(path, 'read', count);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
  return sum;
}

/** What is at a path of the second place; undefined also where this account cannot look. */
export function statInSecondPlace(path: string): Stats | undefined {
  try {
    return statOf(path);
  } catch (error) {
    if (CLOSED.has(errnoOf(error))) return undefined;
    throw error;
  }
}
