/**
 * Healing the tail: only torn bytes, never a tampered row. What is durable after each step:
 *
 *   1. quarantine/<heal_id>.bin   the torn bytes, verbatim, content and name
 *   2. audit.heal.pending         the plan
 *   3. cut + sync                 the ledger ends at its last whole row
 *   4. heal row + sync            with the plan's id: who finds it knows that the heal is done
 *   5. plan removed
 *
 * A kill between any two is finished by the next append or sweep. No byte is deleted, none healed twice.
 */
import { fstatSync, ftruncateSync } from 'node:fs';
import { LedgerError } from '../../core/errors';
import { sha256Hex } from '../../core/digest';
import { Group } from '../../core/group';
import type { Host } from '../../core/host';
import { nextUlid, ULID_RANDOM_BYTES } from '../../core/ids';
import type { Row } from '../../core/members';
import { ownRow } from '../../core/ownRows';
import { readLine } from '../../core/rowText';
import { originalOf, salvage } from '../../core/salvage';
import { commitBytes } from '../append/commit';
import type { CommitTarget } from '../append/commit';
import { closeQuietly, openFile, syncData, withFile } from '../files';
import { removeHealPlan, writeHealPlan } from './healPlan';
import type { AsidePart, HealPlan, MiddleKind, TornKind } from './healPlan';
import { voidIndex } from '../index/indexBuild';
import { scanLines } from '../read/lines';
import { addLostRows, commitLostRows, isNamed } from '../append/lostRows';
import type { LostRows } from '../append/lostRows';
import type { StatePaths } from '../paths';
import { digestRange, readSetAside, setAside } from './quarantine';
import type { SetAside } from './quarantine';
import { addMiddleRows, lastOwedId, owedIds, owedLosses } from './owedRows';
import { readTail } from '../read/tail';
import type { Tail } from '../read/tail';

type TornTail = Extract<Tail, { kind: 'torn' }>;
type UnterminatedTail = Extract<Tail, { kind: 'unterminated' }>;

export interface Healed {
  readonly healId: string;
  readonly kind: TornKind | MiddleKind | 'newline';
  readonly offset: number;
  readonly length: number;
  readonly quarantine: string | undefined;
}

/**
 * Adds the missing newline and the heal row in one write: the last row is kept.
 * @param addFirst adds rows that must come before the heal row
 */
export async function healNewline(
  target: CommitTarget,
  tail: UnterminatedTail,
  addFirst: (group: Group) => void = () => undefined,
): Promise<Healed> {
  const payload = {
    kind: 'newline',
    offset: tail.sizeBytes,
    length: 0,
    sha256: sha256Hex(''),
    quarantine: null,
    original: tail.row === undefined ? {} : originalOf(tail.row),
  };
  const group = new Group(tail.head, target.host);
  addFirst(group);
  const { id: healId } = group.add(ownRow('audit.heal-truncation', payload));
  await commitBytes(target, tail.sizeBytes, Buffer.concat([Buffer.from('\n'), group.bytes()]));
  return { healId, kind: 'newline', offset: tail.sizeBytes, length: 0, quarantine: undefined };
}

/**
 * Sets torn bytes at the end aside and cuts them off.
 * @param owed a heal of the middle that lacks its row: it is committed with this one's
 * @throws LedgerError HEAL_IMPOSSIBLE where no whole row stands before them
 */
export async function healTornTail(
  paths: StatePaths,
  target: CommitTarget,
  fd: number,
  tail: TornTail,
  lost: LostRows | undefined,
  owed?: HealPlan,
): Promise<Healed> {
  if (tail.head === undefined) {
    throw new LedgerError('HEAL_IMPOSSIBLE', 'expected a whole row in the ledger, found only torn bytes', {
      place: { segment: paths.ledger, line: 1, offset: 0 },
      hint: 'bring it back from a backup; keep what is there now: it may show what happened',
    });
  }
  const { host } = target;
  const lastId = [tail.head.id, lastOwedId(owed)].sort().at(-1) ?? '';
  const healId = nextUlid(host.nowMs(), host.random(ULID_RANDOM_BYTES), lastId);
  const length = tail.sizeBytes - tail.offset;
  const aside = setAside(paths, healId, fd, tail.offset, length);
  const plan: HealPlan = {
    heal_id: healId,
    kind: tornKind(aside),
    offset: tail.offset,
    length,
    sha256: aside.sha256,
    seq: tail.head.seq + 1,
    ...(lost === undefined ? {} : { lost }),
    ...(owed === undefined ? {} : { owed }),
  };
  writeHealPlan(paths, plan);
  const [healed] = await finishTailHeal(paths, target, plan);
  return healed;
}

/** NUL bytes are what a power loss leaves; a beginning without an end is what a kill leaves. */
export function tornKind(aside: SetAside): TornKind {
  if (aside.hasZeros) return 'zero';
  const newline = aside.start.indexOf(0x0a);
  const oneLine = newline < 0 || newline === aside.length - 1;
  return aside.start[0] === 0x7b && oneLine ? 'short' : 'garbage';
}

/**
 * Finishes a tail heal from wherever it was left.
 * @returns this heal, and the one of its own rows where they were torn
 */
export async function finishTailHeal(
  paths: StatePaths,
  target: CommitTarget,
  pending: HealPlan,
): Promise<[Healed, ...Healed[]]> {
  const plan = withFile(paths.ledger, 'append', (fd) => cutPlanned(paths, target.host, fd, pending));
  if (plan !== undefined) await commitRows(paths, target, plan);
  const more = plan === undefined ? await finishNaming(paths, target, pending.lost) : [];
  // It is told in the ledger by now; an index that still tells it would be taken for another loss.
  if (pending.lost !== undefined) voidIndex(paths);
  removeHealPlan(paths);
  const { heal_id: healId, kind, offset, length } = pending;
  return [{ healId, kind, offset, length, quarantine: `quarantine/${healId}.bin` }, ...more];
}

async function commitRows(paths: StatePaths, target: CommitTarget, plan: HealPlan): Promise<void> {
  const tail = withFile(paths.ledger, 'append', readTail);
  if (tail.kind !== 'whole')
    throw unfinished(paths, `a ledger that ends in a whole row after the cut, found it ${tail.kind}`);
  const group = new Group(tail.head, target.host);
  const { owed } = plan;
  if (owed !== undefined) withFile(paths.ledger, 'read', (fd) => addMiddleRows(group, paths, fd, owed));
  group.add(healRow(paths, plan), undefined, undefined, plan.heal_id);
  addLostRows(group, plan.lost);
  await commitBytes(target, tail.sizeBytes, group.bytes());
}

/** The heal row is on disk, the row after it may be torn or missing: the plan is the last that knows of those rows. */
async function finishNaming(paths: StatePaths, target: CommitTarget, lost: LostRows | undefined): Promise<Healed[]> {
  if (lost === undefined) return [];
  const fd = openFile(paths.ledger, 'append');
  try {
    if (isNamed(fd, lost)) return [];
    const tail = readTail(fd);
    if (tail.kind === 'torn') return [await healTornTail(paths, target, fd, tail, lost)];
    if (tail.kind !== 'whole') throw unfinished(paths, `a whole row at the end, found it ${tail.kind}`);
    await commitLostRows(target, tail, lost);
    return [];
  } finally {
    closeQuietly(fd);
  }
}

/**
 * Cuts what the plan names.
 * @returns the plan as it now stands, or undefined where the heal row is there already
 */
function cutPlanned(paths: StatePaths, host: Host, fd: number, plan: HealPlan): HealPlan | undefined {
  const { size } = fstatSync(fd);
  if (size < plan.offset) throw unfinished(paths, `at least ${plan.offset} bytes, found ${size}`);
  if (hasRow(fd, plan.offset, size, plan.heal_id)) {
    // Written, perhaps not synced when its writer died.
    syncData(fd);
    return undefined;
  }
  if (size === plan.offset) return plan;
  const planned = plan.length <= size - plan.offset && digestRange(fd, plan.offset, plan.length) === plan.sha256;
  const rest = planned ? plan.offset + plan.length : plan.offset;
  const whole = firstCompleteLine(fd, plan.offset, size, plan);
  if (whole !== undefined) throw unfinished(paths, `only torn bytes from offset ${plan.offset} on, found ${whole}`);
  // The plan says that they are in quarantine; nothing is cut on its word.
  if (planned && readSetAside(paths, plan.heal_id)?.sha256 !== plan.sha256) {
    setAside(paths, plan.heal_id, fd, plan.offset, plan.length);
  }
  const fuller = rest < size ? withAlso(paths, host, fd, plan, rest, size) : plan;
  ftruncateSync(fd, plan.offset);
  syncData(fd);
  return fuller;
}

/** Other torn bytes meanwhile, a half-written heal row for instance: a quarantine file of their own, named by the same heal row. */
function withAlso(paths: StatePaths, host: Host, fd: number, plan: HealPlan, from: number, size: number): HealPlan {
  const id = nextUlid(host.nowMs(), host.random(ULID_RANDOM_BYTES), plan.heal_id);
  const { quarantine, length, sha256 } = setAside(paths, id, fd, from, size - from);
  const part: AsidePart = { quarantine, length, sha256 };
  const fuller: HealPlan = { ...plan, also: [...(plan.also ?? []), part] };
  writeHealPlan(paths, fuller);
  return fuller;
}

function hasRow(fd: number, from: number, size: number, id: string): boolean {
  let found = false;
  scanLines(fd, from, size, ({ block, start, end, terminated }) => {
    const reading = readLine(block.subarray(start, end));
    found = terminated && reading.kind === 'row' && reading.row.id === id;
    return !found;
  });
  return found;
}

/** A line that is not torn and none of this heal's own rows, which may stand there from an attempt that was cut short. */
function firstCompleteLine(fd: number, from: number, size: number, plan: HealPlan): string | undefined {
  const ownIds = [plan.heal_id, ...owedIds(plan)];
  const owedHeads = owedLosses(plan).map(({ head }) => head);
  const isOwn = ({ id, action, payload }: Row): boolean =>
    ownIds.includes(id) || (action === 'audit.rows-lost' && owedHeads.includes(String(payload?.['head'])));
  let found: string | undefined;
  scanLines(fd, from, size, ({ block, start, end }) => {
    const reading = readLine(block.subarray(start, end));
    if (reading.kind === 'torn' || (reading.kind === 'row' && isOwn(reading.row))) return true;
    found = reading.kind === 'row' ? `row ${reading.row.seq}` : 'a complete line that is no row';
    return false;
  });
  return found;
}

function healRow(paths: StatePaths, plan: HealPlan): ReturnType<typeof ownRow> {
  const aside = readSetAside(paths, plan.heal_id);
  const { kind, offset, length, sha256, also } = plan;
  return ownRow('audit.heal-truncation', {
    kind,
    offset,
    length,
    sha256,
    quarantine: `quarantine/${plan.heal_id}.bin`,
    original: aside === undefined ? {} : salvage(aside.start),
    also,
  });
}

function unfinished(paths: StatePaths, message: string): LedgerError {
  return new LedgerError('HEAL_IMPOSSIBLE', `cannot finish the heal in ${paths.healPlan}: expected ${message}`, {
    place: { segment: paths.ledger },
    hint: 'run "ledger verify" and look at the place it names; nothing was cut',
  });
}
