/**
 * `ledger selftest --attacks`: is every attack caught, here, by this very program? Each is played on a fresh copy of a
 * scratch ledger:
 *
 *   1. what looks for it finds nothing amiss; copies are the same to the byte, so that one is looked at
 *   2. the attack; which files hold other bytes now
 *   3. what looks for it names exactly the code and the row, as JSON, in prose and in quiet mode, with the exit code
 */
import type { Attack } from '../core/attacks/attack';
import { lookFaults } from '../core/attacks/judge';
import type { FoundCode, Look } from '../core/attacks/judge';
import { ATTACKS } from '../core/attacks/list';
import { LedgerError } from '../core/errors';
import { guess } from '../store/selftest/guess';
import { GreenLook, look } from '../store/selftest/look';
import { canPlay } from '../store/selftest/makeAnchored';
import { makeScratch, toGround } from '../store/selftest/makeScratch';
import { PLAYS } from '../store/selftest/play';
import { removeScratch, scratchRoot } from '../store/selftest/scratch';
import type { Play, Plays, Program, Scratch } from '../store/selftest/scratch';

export interface ChangedFile {
  readonly file: string;
  /** SHA-256; null where there was, or is, no such file. */
  readonly before: string | null;
  readonly after: string | null;
}

export interface Found {
  readonly codes: readonly FoundCode[];
  /** Null where it did not end by itself. */
  readonly exits: { readonly json: number | null; readonly prose: number | null; readonly quiet: number | null };
}

export interface PlayedAttack extends Attack {
  /** What was found; null where no command was asked. */
  readonly found: Found | null;
  readonly changed: readonly ChangedFile[];
  readonly as_expected: boolean;
  /** What went otherwise than it must. */
  readonly faults: readonly string[];
}

export interface SelftestResult {
  readonly attacks: readonly PlayedAttack[];
  readonly played: number;
  /** Those that need a program which is not here. */
  readonly not_played: readonly string[];
  readonly as_expected: number;
  /** Where what attacks have left is kept. */
  readonly kept: string | null;
}

export interface SelftestRequest {
  /** The program that is tested, as it is started: `[node, ledger.js]`. */
  readonly program: Program;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly keep: boolean;
  /** Names; undefined: all of them. */
  readonly only?: readonly string[] | undefined;
  /** No further attack is begun then. */
  readonly signal?: AbortSignal | undefined;
  readonly onPlayed?: ((done: number, of: number) => void) | undefined;
  /** What is done instead, by the name of the attack: shows that a test which should fail does. */
  readonly instead?: Plays;
}

/** So many attacks are played at a time, each in a folder of its own. */
const LANES = 2;

/** @throws LedgerError USAGE for a name that no attack has, SELFTEST_FAILED where the scratch ledger cannot be made */
export async function selftest(request: SelftestRequest): Promise<SelftestResult> {
  const chosen = attacksNamed(request.only);
  const root = scratchRoot();
  try {
    const attacks = await playAll(root, chosen, request);
    const good = attacks.filter((one) => one.as_expected).length;
    const left = chosen.filter(({ name }) => attacks.every((one) => one.name !== name)).map(({ name }) => name);
    const kept = request.keep ? root : null;
    return { attacks, played: attacks.length, not_played: left, as_expected: good, kept };
  } finally {
    if (!request.keep) removeScratch(root);
  }
}

/** In the order of the list, whichever was done first. */
async function playAll(
  root: string,
  chosen: readonly Attack[],
  { program, env, keep, signal, onPlayed, instead = {} }: SelftestRequest,
): Promise<PlayedAttack[]> {
  const played = new Map<Attack, PlayedAttack>();
  const waiting = chosen.values();
  const playLane = async (lane: number): Promise<void> => {
    const scratch = await makeScratch(root, lane, program, env['PATH']);
    const green = new GreenLook();
    for (const attack of waiting) {
      if (signal?.aborted === true) break;
      await toGround(scratch, attack.ground ?? 'plain');
      if (!canPlay(scratch, attack)) continue;
      const play = instead[attack.name] ?? PLAYS[attack.name] ?? nothing;
      played.set(attack, await playAttack({ scratch, green, attack, play }));
      if (keep) scratch.keep(attack.name);
      onPlayed?.(played.size, chosen.length);
    }
    scratch.end();
  };
  const lanes = Array.from({ length: Math.min(LANES, chosen.length) }, (_, lane) => playLane(lane));
  // Both are over when this is: the folder goes then.
  const ends = await Promise.allSettled(lanes);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return chosen.flatMap((attack) => played.get(attack) ?? []);
}

function attacksNamed(names: readonly string[] | undefined): readonly Attack[] {
  if (names === undefined) return ATTACKS;
  const unknown = names.find((name) => ATTACKS.every((one) => one.name !== name));
  if (unknown !== undefined)
    throw new LedgerError('USAGE', `expected the name of an attack, found "${unknown}"`, {
      hint: '"ledger selftest --list" shows them',
    });
  return ATTACKS.filter(({ name }) => names.includes(name));
}

/** A reader of what is there changes nothing. */
const nothing: Play = () => undefined;

interface Playing {
  readonly scratch: Scratch;
  readonly green: GreenLook;
  readonly attack: Attack;
  readonly play: Play;
}

async function playAttack({ scratch, green, attack, play }: Playing): Promise<PlayedAttack> {
  const faults: string[] = [];
  const before = scratch.digests();
  if (attack.check !== 'guess') faults.push(...(await green.faults(scratch, attack.check, attack)));
  try {
    await play(scratch);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    faults.push(error.message);
  }
  const changed = changesOf(before, scratch.digests());
  if (changed.length === 0 && attack.check !== 'guess') faults.push('expected changed bytes, found none');
  if (attack.check === 'guess') faults.push(...guess(scratch));
  const seen = attack.check === 'guess' ? undefined : await look(scratch, attack.check);
  if (seen !== undefined) faults.push(...lookFaults(seen, attack));
  const found = seen === undefined ? null : foundIn(seen);
  return { ...attack, found, changed, as_expected: faults.length === 0, faults };
}

function foundIn({ json, prose, quiet }: Look): Found {
  return { codes: json.codes, exits: { json: json.exit, prose: prose.exit, quiet: quiet.exit } };
}

function changesOf(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): ChangedFile[] {
  const files = [...new Set([...before.keys(), ...after.keys()])].sort();
  const pairs = files.map((file) => ({ file, before: before.get(file) ?? null, after: after.get(file) ?? null }));
  return pairs.filter((one) => one.before !== one.after);
}
