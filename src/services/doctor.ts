/**
 * `ledger doctor`: is everything well around a ledger, and what is to be done where it is not. It looks, and writes
 * nothing; whether the rows are what they were is for `verify` to say.
 */
import { bad, ok, warn } from '../core/checkup';
import type { Checkup, Health } from '../core/checkup';
import type { Config } from '../core/config';
import { errnoOf, LedgerError } from '../core/errors';
import type { Identity } from '../core/ownRows';
import { signersOf } from '../core/signing/settings';
import { checkSealed } from '../store/sealed/sealedHealth';
import { checkHeadAge } from '../store/checkpoint/headAge';
import {
  checkClock,
  checkHeal,
  checkIndex,
  checkLock,
  checkQuarantine,
  checkSpill,
  checkTail,
  lastRowOf,
  settledTail,
} from '../store/ledger/condition';
import { configPath, readConfig } from '../store/ledger/configFile';
import { readIdentity } from '../store/ledger/genesis';
import { formerLedger } from '../store/ledger/missing';
import type { Place } from '../store/ledger/locate';
import { statePaths } from '../store/paths';
import { checkSigner } from '../store/signing/keyHealth';
import type { StatePaths } from '../store/paths';
import {
  checkDisk,
  checkFileSystem,
  checkOwner,
  checkProcess,
  checkRuntime,
  checkSecondPlace,
} from '../store/ledger/surroundings';

export interface DoctorReport {
  /** The worst of all. */
  readonly health: Health;
  /** Whether there is a ledger to look at. */
  readonly ledger: boolean;
  readonly checks: readonly Checkup[];
}

export async function doctor(place: Place, nowMs: number): Promise<DoctorReport> {
  const paths = statePaths(place.dir, place.env);
  const checks: Checkup[] = [...namePaths(paths, place)];
  const found = findLedger(paths);
  checks.push(found.check);
  checks.push(...safely('owner', () => checkOwner(paths)), checkProcess());
  checks.push(...safely('config', () => [checkConfig(paths, place)]));
  checks.push(
    ...safely('signing key', () => checkSigners(readConfig(paths.dir, place.configPath).config, paths, place)),
  );
  checks.push(...checkDisk('disk', paths.dir), ...checkSecondPlace(paths));
  checks.push(checkFileSystem(paths.dir, found.identity?.lock));
  if (found.identity !== undefined) checks.push(...(await checkLedger(paths, found.identity, place, nowMs)));
  checks.push(...checkRuntime(found.identity?.lock));
  const health = (['bad', 'warn', 'ok'] as const).find((one) => checks.some((check) => check.health === one)) ?? 'ok';
  return { health, ledger: found.isThere, checks };
}

function namePaths(paths: StatePaths, { configPath: given }: Place): Checkup[] {
  return [
    ok('state', paths.dir),
    ok('config at', configPath(paths.dir, given)),
    ok('spill at', `${paths.spill}, else ${paths.secondSpill}`),
  ];
}

interface FoundLedger {
  readonly isThere: boolean;
  readonly identity: Identity | undefined;
  readonly check: Checkup;
}

function findLedger(paths: StatePaths): FoundLedger {
  try {
    const identity = readIdentity(paths);
    if (identity !== undefined) {
      const { ledgerId, origin } = identity;
      return { isThere: true, identity, check: ok('ledger', `${ledgerId}, origin ${origin}`) };
    }
    const trace = formerLedger(paths);
    const check =
      trace === undefined
        ? warn('ledger', 'none here', 'name its state folder with --dir or LEDGER_DIR; or create one: ledger init')
        : bad('ledger', `gone, though ${trace} says that there was one`, 'bring audit.jsonl back from a backup');
    return { isThere: false, identity: undefined, check };
  } catch (error) {
    return { isThere: true, identity: undefined, check: faultOf('ledger', error) };
  }
}

function checkConfig(paths: StatePaths, place: Place): Checkup {
  const { path } = readConfig(paths.dir, place.configPath);
  return ok('config', path === undefined ? 'none: the defaults hold' : 'reads well');
}

/** One key is looked at once, whatever it signs. */
function checkSigners(config: Config, paths: StatePaths, { env }: Place): Checkup[] {
  const words = new Set(signersOf(config).map(({ word }) => word));
  if (words.size === 0) return [ok('signing key', 'none: "signer" in the config names what signs for the ledger')];
  return [...words].map((word) => checkSigner(word, config, paths, env));
}

async function checkLedger(paths: StatePaths, identity: Identity, place: Place, nowMs: number): Promise<Checkup[]> {
  try {
    const tail = await settledTail(paths);
    const last = lastRowOf(paths, tail);
    return [
      checkTail(tail),
      ...checkClock(last, nowMs),
      checkLock(paths, identity, nowMs),
      ...safely('spill', () => [checkSpill(paths)]),
      ...safely('heal', () => [checkHeal(paths)]),
      ...safely('sealed', () => [checkSealed(paths)]),
      ...safely('quarantine', () => [checkQuarantine(paths)]),
      ...safely('index', () => [checkIndex(paths, last)]),
      ...safely('checkpoint', () => {
        const { config } = readConfig(paths.dir, place.configPath);
        return [checkHeadAge(paths, config.checkpoints, nowMs)];
      }),
    ];
  } catch (error) {
    return [faultOf('tail', error)];
  }
}

/** One matter that cannot be looked at must not hide the others. */
function safely(name: string, check: () => Checkup[]): Checkup[] {
  try {
    return check();
  } catch (error) {
    return [faultOf(name, error)];
  }
}

function faultOf(name: string, error: unknown): Checkup {
  const { hint } = error instanceof LedgerError ? error : { hint: undefined };
  const message = error instanceof Error ? error.message : String(error);
  const advice = errnoOf(error) === 'EACCES' ? 'look as the owner of the state folder' : 'look at that file';
  return bad(name, message, hint ?? advice);
}
