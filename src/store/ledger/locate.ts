/** From what a user says (`--dir`, `--config`, the environment) to the paths and the settings of one ledger. */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Stats } from 'node:fs';
import type { Config } from '../../core/config';
import { orNothing } from '../../core/errors';
import { statOf } from '../files';
import { configPath, readConfig } from './configFile';
import { statePaths } from '../paths';
import type { StatePaths } from '../paths';

/** Where a ledger is looked for. */
export interface Place {
  readonly dir: string;
  readonly configPath: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface LocatedLedger {
  readonly paths: StatePaths;
  readonly config: Config;
  /** The file that the settings came from; undefined where the defaults hold. */
  readonly configPath: string | undefined;
}

/** @throws LedgerError CONFIG_INVALID, READ_FAILED */
export function locate(place: Place): LocatedLedger {
  const paths = statePaths(place.dir, place.env);
  const { config, path } = readConfig(paths.dir, place.configPath);
  return { paths, config, configPath: path };
}

/** The files with catalogues of one's own: they are named relative to the config. */
export function cataloguePaths({ config, configPath: path }: Pick<LocatedLedger, 'config' | 'configPath'>): string[] {
  return config.catalogues.map((name) => resolve(dirname(path ?? '.'), name));
}

/**
 * The place of one row after the other: paths are resolved and settings read anew once something of them is another than
 * before. A folder that is the same inode by the name that was given, and by its real path, has that real path still.
 */
export class KeptPlace {
  #last:
    { readonly place: Place; readonly cwd: string; readonly located: LocatedLedger; readonly looks: Looks } | undefined;

  /** Errors as `locate`. */
  locate(place: Place): LocatedLedger {
    const cwd = process.cwd();
    const last = this.#last;
    if (last?.cwd === cwd && isSamePlace(last.place, place) && stillLooks(last.looks, look(place, last.located))) {
      return last.located;
    }
    const located = locate(place);
    this.#last = { place, cwd, located, looks: look(place, located) };
    return located;
  }
}

interface Looks {
  readonly given: Stats | undefined;
  readonly real: Stats | undefined;
  readonly config: Stats | undefined;
  readonly catalogues: readonly (Stats | undefined)[];
}

function look(place: Place, located: LocatedLedger): Looks {
  const { paths } = located;
  const given = orNothing(() => statSync(place.dir));
  // As catalogues are read: through links.
  const catalogues = cataloguePaths(located).map((path) => orNothing(() => statSync(path)));
  return { given, real: statOf(paths.dir), config: statOf(configPath(paths.dir, place.configPath)), catalogues };
}

function isSamePlace(one: Place, other: Place): boolean {
  return one.dir === other.dir && one.configPath === other.configPath && one.env === other.env;
}

/** Of a folder that is not there yet, the name alone is known. */
function stillLooks(before: Looks, now: Looks): boolean {
  const isThere = before.given !== undefined && before.real !== undefined;
  if (!isThere || !isSameInode(before.given, now.given) || !isSameInode(before.real, now.real)) return false;
  const isSameFile = (one: Stats | undefined, i: number): boolean => isSameStats(one, now.catalogues[i]);
  return isSameStats(before.config, now.config) && before.catalogues.every(isSameFile);
}

function isSameStats(was: Stats | undefined, is: Stats | undefined): boolean {
  return isSameInode(was, is) && was?.ctimeMs === is?.ctimeMs && was?.size === is?.size;
}

function isSameInode(one: Stats | undefined, other: Stats | undefined): boolean {
  return one?.ino === other?.ino && one?.dev === other?.dev;
}
