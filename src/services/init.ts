/**
 * `ledger init`: the state folder, row 1 and a commented config. What is there already is obeyed: the same wish is
 * answered with what there is, another one is refused. No ledger and no config is ever replaced.
 */
import { CONFIG_TEMPLATE } from '../core/configTemplate';
import { errnoOf, LedgerError } from '../core/errors';
import type { Identity, LockKind } from '../core/ownRows';
import { printable } from '../core/printable';
import { withFile } from '../store/files';
import { configPath, writeConfig } from '../store/ledger/configFile';
import { createLedger, readIdentity } from '../store/ledger/genesis';
import { emptyLedger, ruinedLedger } from '../store/ledger/missing';
import { defaultLock, hasKernelLock } from '../store/lock/kernelLock';
import { checkFolder } from '../store/ledger/ledger';
import type { Place } from '../store/ledger/locate';
import { mountOf } from '../store/machine/mount';
import { nodeHost } from '../store/machine/nodeHost';
import { Secrets } from '../store/secrets/secrets';
import { readTail } from '../store/read/tail';
import { statePaths } from '../store/paths';
import type { StatePaths } from '../store/paths';

export interface InitRequest {
  readonly place: Place;
  readonly origin: string | undefined;
  readonly lock: LockKind | undefined;
}

export interface InitResult {
  readonly status: 'created' | 'exists';
  readonly dir: string;
  readonly ledger_id: string;
  readonly origin: string;
  readonly lock: LockKind;
  readonly config: { readonly path: string; readonly status: 'written' | 'kept' };
  /** What a person should know: the lock is not the one that is best, or not the one for this file system. */
  readonly notes: readonly string[];
}

const MAX_ORIGIN_CHARS = 256;

/**
 * @throws LedgerError USAGE for an origin that cannot be one, SECRET for one that holds a secret, LEDGER_EXISTS where another ledger is there,
 *   LEDGER_MISSING where there was one, or no row of it is left, LOCK_UNAVAILABLE, NOT_OWNER, UNSAFE_PATH, NOT_WRITABLE, TAIL_TAMPERED
 */
export async function initLedger(request: InitRequest): Promise<InitResult> {
  const { place, origin, lock } = request;
  if (origin !== undefined) checkOrigin(origin);
  const paths = statePaths(place.dir, place.env);
  checkFolder(paths.dir);
  const found = readIdentity(paths);
  if (found !== undefined) expectRows(paths);
  const made = found ?? create(paths, request);
  if (!isSameWish(made, { origin, lock })) throw exists(paths, made, request);
  const path = configPath(paths.dir, place.configPath);
  const written = await writeConfig(path, CONFIG_TEMPLATE);
  return {
    status: found === undefined ? 'created' : 'exists',
    dir: paths.dir,
    ledger_id: made.ledgerId,
    origin: made.origin,
    lock: made.lock,
    config: { path, status: written ? 'written' : 'kept' },
    notes: notesOn(paths, made, found === undefined && lock === undefined),
  };
}

/** The lock file may still name a ledger of which no row is left. */
function expectRows(paths: StatePaths): void {
  const tail = withFile(paths.ledger, 'read', readTail);
  if (tail.kind === 'empty') throw emptyLedger(paths);
  if (tail.kind === 'torn' && tail.head === undefined) throw ruinedLedger(paths, tail.sizeBytes);
}

function checkOrigin(origin: string): void {
  const why =
    origin === ''
      ? 'nothing'
      : [...origin].length > MAX_ORIGIN_CHARS
        ? `${[...origin].length} characters`
        : !origin.isWellFormed() || printable(origin) !== origin
          ? 'control characters'
          : undefined;
  // Whatever the settings will say: it stands in row 1, and in every proof that leaves this machine.
  if (why === undefined) {
    new Secrets('refuse').cleaned(new Map([['origin', origin]]), () => undefined, false);
    return;
  }
  throw new LedgerError(
    'USAGE',
    `expected --origin to be a name of 1 to ${MAX_ORIGIN_CHARS} characters without controls, found ${why}`,
    { hint: 'the origin names this ledger in every proof, for instance: ledger.example.com/agents' },
  );
}

function create(paths: StatePaths, { origin, lock }: InitRequest): Identity {
  if (lock === 'kernel' && !hasKernelLock()) throw noKernelLock(paths);
  try {
    const host = nodeHost();
    return createLedger(paths, host, { lock: lock ?? defaultLock(), ...(origin === undefined ? {} : { origin }) });
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw new LedgerError(
      'NOT_WRITABLE',
      `expected to create ${paths.ledger}, found ${errnoOf(error) ?? String(error)}`,
      {
        place: { segment: paths.dir },
        hint: 'choose a folder that you may write, with --dir',
        cause: error,
      },
    );
  }
}

function noKernelLock(paths: StatePaths): LedgerError {
  return new LedgerError(
    'LOCK_UNAVAILABLE',
    `expected the native part of fs-native-extensions for ${process.platform}-${process.arch}, found none that loads`,
    {
      place: { segment: paths.lock },
      hint: 'install it for this platform (there is none for musl), or choose --lock lockfile: it detects an overlap, it does not exclude it',
    },
  );
}

function isSameWish(there: Identity, wish: Pick<InitRequest, 'origin' | 'lock'>): boolean {
  return (wish.origin ?? there.origin) === there.origin && (wish.lock ?? there.lock) === there.lock;
}

function exists(paths: StatePaths, there: Identity, wish: InitRequest): LedgerError {
  const wanted = [wish.origin === undefined ? [] : [`origin ${wish.origin}`], wish.lock ? [`lock ${wish.lock}`] : []];
  return new LedgerError(
    'LEDGER_EXISTS',
    `expected no ledger in ${paths.dir}, or one with ${wanted.flat().join(' and ')}, found ledger ${there.ledgerId} with origin ${there.origin} and lock ${there.lock}`,
    {
      place: { segment: paths.ledger },
      hint: 'origin and lock are said in row 1 and stay; for another ledger choose another folder with --dir',
    },
  );
}

function notesOn(paths: StatePaths, { lock }: Identity, byDefault: boolean): string[] {
  const notes: string[] = [];
  if (lock === 'lockfile' && byDefault)
    notes.push(
      'the native part for kernel locks is missing here, so this ledger is locked with a lock folder: an overlap of two writers is detected, not excluded',
    );
  const mount = mountOf(paths.dir);
  if (lock === 'kernel' && mount?.network === true)
    notes.push(
      `${paths.dir} is on ${mount.type}, a network file system: kernel locks may not reach other machines there`,
    );
  return notes;
}
