/**
 * Whether a path that a user names for something else leads to a file of the ledger: by its place, through links, or by
 * its inode, under another name.
 */
import { readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { errnoOf, LedgerError, orNothing } from '../../core/errors';
import { statOf } from '../files';
import type { StatePaths } from '../paths';

/**
 * @param what the file is, for the message: "a file"
 * @throws LedgerError USAGE where it is one of the ledger's own, or would lie among them
 */
export function refuseOwn(paths: StatePaths, what: string, path: string): void {
  if (!isOwnFile(paths, path)) return;
  throw new LedgerError('USAGE', `expected ${what} outside of the state folder ${paths.dir}, found ${path}`, {
    place: { segment: path },
    hint: 'choose another file: what is in that folder is written by the ledger alone',
  });
}

/** Whether `path` lies in the state folder, wherever links lead, or is a file of the ledger's under another name. */
export function isOwnFile(paths: StatePaths, path: string): boolean {
  const real = realTarget(resolve(path));
  const spills = [paths.secondSpill, paths.secondDraining, paths.secondDrainMark];
  if (real.startsWith(`${paths.dir}${sep}`) || spills.includes(real)) return true;
  const stats = statSync(real, { throwIfNoEntry: false });
  // Only a second name can hide a file that lies elsewhere.
  if (stats === undefined || !stats.isFile() || stats.nlink === 1) return false;
  return [...spills, ...filesIn(paths.dir)].some((own) => {
    const there = statOf(own);
    return there?.ino === stats.ino && there.dev === stats.dev;
  });
}

/** Where writing to a path would end up, also where nothing is there yet: a link may lead to what is to be created. */
function realTarget(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') return path;
    const link = orNothing(() => readlinkSync(path));
    if (link !== undefined) return realTarget(resolve(dirname(path), link));
    const parent = dirname(path);
    return parent === path ? path : join(realTarget(parent), basename(path));
  }
}

function filesIn(folder: string): string[] {
  const entries = orNothing(() => readdirSync(folder, { withFileTypes: true })) ?? [];
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}
