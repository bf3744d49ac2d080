/** What surrounds a ledger: disk, file system, owner and modes, the runtime. Looked at for `doctor`; nothing is written. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bad, ok, sizeText, warn } from '../../core/checkup';
import type { Checkup } from '../../core/checkup';
import { errnoOf } from '../../core/errors';
import type { Identity } from '../../core/ownRows';
import { statOf } from '../files';
import { linkAdvice, ownFileAdvice } from '../linkAdvice';
import { hasKernelLock } from '../lock/kernelLock';
import { freeSpace, mountOf } from '../machine/mount';
import type { StatePaths } from '../paths';
import { creationLeftovers } from './genesis';
import { openDatabase } from '../index/sqlite';

const LOW_BYTES = 256e6;
const NO_BYTES = 16e6;
const LOW_INODES = 1_000;
const NO_INODES = 10;
/** What the package asks for. */
const OLDEST_NODE = [20, 19];

/** The nearest folder that exists. */
function existing(dir: string): string {
  return statOf(dir) !== undefined || dirname(dir) === dir ? dir : existing(dirname(dir));
}

export function checkDisk(name: string, dir: string): Checkup[] {
  const free = freeSpace(existing(dir));
  if (free === undefined) return [warn(name, 'free space is not known here', `look with: df -h '${dir}'`)];
  const { freeBytes, totalBytes, freeInodes, totalInodes } = free;
  const part = totalBytes === 0 ? '' : ` (${Math.round((freeBytes / totalBytes) * 100)} %)`;
  const text = `${sizeText(freeBytes)} free${part}`;
  const advice = 'make room: rows that do not fit are spilled, and at last refused';
  if (freeBytes < NO_BYTES) return [bad(name, text, advice)];
  if (totalInodes > 0 && freeInodes < NO_INODES) return [bad(name, `${text}, ${freeInodes} inodes free`, advice)];
  if (freeBytes < LOW_BYTES) return [warn(name, text, advice)];
  if (totalInodes > 0 && freeInodes < LOW_INODES) return [warn(name, `${text}, ${freeInodes} inodes free`, advice)];
  return [ok(name, totalInodes > 0 ? `${text}, ${freeInodes.toLocaleString('en-US')} inodes free` : text)];
}

/** The place for rows that the state folder cannot take. Where this account cannot look, it cannot spill either. */
export function checkSecondPlace(paths: StatePaths): Checkup[] {
  const folder = dirname(paths.secondSpill);
  try {
    return checkDisk('2nd spill', folder);
  } catch (error) {
    const advice =
      'set XDG_STATE_HOME (or HOME) to a folder of this account: a row that the state folder cannot take is printed, and stored nowhere';
    return [warn('2nd spill', `no way into ${folder} (${errnoOf(error) ?? String(error)})`, advice)];
  }
}

export function checkFileSystem(dir: string, lock: Identity['lock'] | undefined): Checkup {
  const mount = mountOf(existing(dir));
  if (mount === undefined) return ok('filesystem', 'type not known on this platform');
  const text = `${mount.type} at ${mount.path}`;
  if (mount.readOnly) return bad('filesystem', `${text}, read-only`, 'mount it for writing, or append elsewhere');
  if (!mount.network) return ok('filesystem', text);
  if (lock === 'lockfile')
    return warn('filesystem', `${text}: a network`, 'an overlap of two writers is detected here, not excluded');
  return warn(
    'filesystem',
    `${text}: a network, and this ledger has a kernel lock, which may not reach other machines`,
    'write from one machine only, or begin a ledger with: ledger init --lock lockfile',
  );
}

export function checkOwner(paths: StatePaths): Checkup[] {
  const stats = statSync(paths.dir, { throwIfNoEntry: false });
  const euid = process.geteuid?.();
  if (stats === undefined || euid === undefined) return [];
  const found: Checkup[] = [];
  const mode = (stats.mode & 0o7777).toString(8);
  const isOpen = (stats.mode & 0o022) !== 0 && (stats.mode & 0o1000) === 0;
  if (isOpen)
    found.push(
      bad('owner', `${paths.dir} has mode ${mode}: others can replace its files`, `chmod go-w '${paths.dir}'`),
    );
  if (stats.uid !== euid)
    found.push(
      warn(
        'owner',
        `the state folder is uid ${stats.uid}'s, this is uid ${euid}`,
        `append as its owner: sudo -u '#${stats.uid}' ledger …`,
      ),
    );
  if ((stats.mode & 0o055) !== 0 && !isOpen)
    found.push(warn('owner', `others can look into ${paths.dir} (mode ${mode})`, `chmod 700 '${paths.dir}'`));
  found.push(...[paths.ledger, paths.lock, paths.spill, paths.index].flatMap((path) => checkFile(path, stats.uid)));
  found.push(...[paths.ledger, paths.lock, paths.spill].flatMap((path) => checkNames(paths, path)));
  if (stats.uid === euid) found.push(...checkRights(paths));
  return found.length > 0 ? found : [ok('owner', `uid ${stats.uid}, mode ${mode}`)];
}

function checkFile(path: string, uid: number): Checkup[] {
  const stats = statOf(path);
  if (stats === undefined) return [];
  if (stats.isSymbolicLink())
    return [bad('owner', `${path} is a link, and nothing is written through links`, linkAdvice(path))];
  if (!stats.isFile()) return [bad('owner', `${path} is no regular file`, 'move it away: nothing is written to it')];
  if (stats.uid !== uid)
    return [bad('owner', `${path} is uid ${stats.uid}'s, its folder uid ${uid}'s`, `chown ${uid} '${path}'`)];
  if ((stats.mode & 0o077) === 0) return [];
  const mode = (stats.mode & 0o777).toString(8);
  return [warn('owner', `others can use ${path} (mode ${mode})`, `chmod 600 '${path}'`)];
}

/** What the owner may not write, no append may: other accounts are told of before. An index is made anew all the same. */
function checkRights(paths: StatePaths): Checkup[] {
  const { R_OK, W_OK, X_OK } = constants;
  const folders = [paths.dir, paths.quarantine].flatMap((path) => {
    const found = refusalOf(path, W_OK | X_OK);
    if (found === undefined) return [];
    const message = `nothing can be made in ${path} (${found}): what is torn stays, and nothing is spilled there`;
    return [bad('owner', message, rightsAdvice(found, 'u+rwx', path))];
  });
  const files = [paths.ledger, paths.lock, paths.spill].flatMap((path) => {
    const found = refusalOf(path, R_OK | W_OK);
    if (found === undefined) return [];
    return [bad('owner', `${path} cannot be written (${found})`, rightsAdvice(found, 'u+rw', path))];
  });
  return [...folders, ...files];
}

/** Why this account may not use its own file or folder: the mode, or that it was made immutable. A mount is told of elsewhere. */
function refusalOf(path: string, use: number): string | undefined {
  const stats = statOf(path);
  if (stats === undefined || stats.isSymbolicLink()) return undefined;
  try {
    accessSync(path, use);
  } catch (error) {
    if (errnoOf(error) === 'EPERM') return IMMUTABLE;
    if (errnoOf(error) === 'EACCES') return `mode ${(stats.mode & 0o7777).toString(8)}`;
  }
  return undefined;
}

const IMMUTABLE = 'immutable';

function rightsAdvice(found: string, rights: string, path: string): string {
  return found === IMMUTABLE ? `chattr -i '${path}'` : `chmod ${rights} '${path}'`;
}

/** A second name lets others write past the lock: nothing is appended to such a file. */
function checkNames(paths: StatePaths, path: string): Checkup[] {
  const stats = statOf(path);
  if (stats === undefined || !stats.isFile() || stats.nlink === 1) return [];
  // A creator that was killed leaves one, which the next append takes away.
  const leftover = creationLeftovers(paths).some((name) => statOf(join(paths.dir, name))?.ino === stats.ino);
  if (leftover && stats.nlink === 2) return [];
  return [bad('owner', `${path} has ${stats.nlink} names (hard links): nothing is written to it`, ownFileAdvice(path))];
}

export function checkProcess(): Checkup {
  const [uid, euid] = [process.getuid?.(), process.geteuid?.()];
  if (uid === euid) return ok('account', `uid ${uid ?? 'unknown'}`);
  return bad('account', `uid ${uid}, but effective uid ${euid}`, 'do not install ledger setuid; run it as its owner');
}

export function checkRuntime(lock: Identity['lock'] | undefined): Checkup[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  const isOld = major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
  const node = isOld
    ? bad('node', `${process.version}, too old`, `install Node ${OLDEST_NODE.join('.')} or newer`)
    : ok('node', `${process.version} on ${process.platform}-${process.arch}`);
  return [node, checkLockPart(lock), checkSqlite()];
}

function checkLockPart(lock: Identity['lock'] | undefined): Checkup {
  if (hasKernelLock()) return ok('lock part', 'fs-native-extensions loads');
  const message = `fs-native-extensions has nothing that loads on ${process.platform}-${process.arch}`;
  if (lock === 'kernel') return bad('lock part', message, 'install it again; this ledger can only be written with it');
  return warn('lock part', message, 'a new ledger here gets a lock folder: an overlap is detected, not excluded');
}

function checkSqlite(): Checkup {
  try {
    const database = openDatabase(':memory:', { readOnly: false, busyMs: 0 });
    const { library } = database;
    database.close();
    return ok('sqlite', library);
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return warn(
      'sqlite',
      `no SQLite loads: ${why}`,
      'appends and sums work without an index, slower; install libsql again',
    );
  }
}
