/**
 * What somebody who reads is shown. By the settings all of it, whoever asks; or summaries, and the content of rows for a
 * reason, to those who may, once a row says so.
 *
 *   1. openReading      may they, and what: refused here, before anything is looked at
 *   2. … the command finds what it will show …
 *   3. reading.record   a row in the chain, on the disk
 *   4. … and only now the first byte of it is handed on
 */
import { isAllContent, isTakenAway, orSummary } from '../../core/access';
import type { Accessor, ReadWhat } from '../../core/access';
import { roleOf } from '../../core/accessSettings';
import { LedgerError } from '../../core/errors';
import { membersAsked } from '../../core/query/asked';
import { SUMMARY_MEMBERS } from '../../core/summary';
import type { AppendEvents } from '../append/append';
import { locate } from '../ledger/locate';
import type { LocatedLedger, Place } from '../ledger/locate';
import type { recordAccess } from './recordAccess';

/** How somebody asks to read. */
export interface ReadAsked {
  /** The content of rows, too. */
  readonly raw: boolean;
  readonly reason?: string | undefined;
  /** Who it is; default: `LEDGER_ACTOR`, else the login. */
  readonly actor?: string | undefined;
  readonly events: AppendEvents;
}

export interface Reading {
  /** Rows as they are stored; else summaries of them. */
  readonly isWhole: boolean;
  /**
   * Writes down that it is shown, where that is asked for.
   * @throws LedgerError whatever kept the row from the chain: nothing may be shown then
   */
  readonly record: (exported?: Readonly<Record<string, unknown>>) => Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();

/**
 * The ledger must be there: who is kept out leaves a row, too.
 * @throws LedgerError USAGE for a reason that is missing or for nothing, and content in a summary; ACCESS_DENIED; CONFIG_INVALID
 */
export async function openReading(place: Place, what: ReadWhat, asked: ReadAsked | undefined): Promise<Reading> {
  if (asked?.raw !== true && asked?.reason !== undefined)
    throw new LedgerError('USAGE', 'expected --raw beside --reason, found no --raw', {
      hint: 'a summary needs no reason; --raw shows content, for a reason',
    });
  const located = governed(place);
  if (located.config.access?.raw !== 'break-glass') return { isWhole: true, record: nothing };
  if (asked?.raw === true) return granted(place, located, what, asked);
  await refuseContent(what);
  return { isWhole: false, record: nothing };
}

/**
 * The same for what is content, however it is asked for. An export is a row wherever the settings say anything of access.
 * @throws LedgerError as `openReading`
 */
export async function openContent(place: Place, what: ReadWhat, asked: ReadAsked): Promise<Reading> {
  const located = governed(place);
  const { access } = located.config;
  const isRecorded = isTakenAway(what) ? access !== undefined : access?.raw === 'break-glass';
  return isRecorded ? granted(place, located, what, asked) : { isWhole: true, record: nothing };
}

/** Whether content is shown for a reason alone: who asks for a reason is `openContent`. */
export function hidesContent(place: Place): boolean {
  return governed(place).config.access?.raw === 'break-glass';
}

/** The settings beside the ledger hold, whatever `--config` names: who reads does not choose them. */
function governed(place: Place): LocatedLedger {
  const given = locate(place);
  if (place.configPath === undefined) return given;
  const beside = locate({ ...place, configPath: undefined });
  return beside.config.access === undefined ? given : beside;
}

async function granted(place: Place, located: LocatedLedger, what: ReadWhat, asked: ReadAsked): Promise<Reading> {
  const { reason, events } = asked;
  if (reason === undefined ? located.config.access?.raw === 'break-glass' : reason.trim() === '') throw noReason(what);
  const { isAllowed, ...who } = await whoReads(place, located, asked);
  const event = { ...who, what, reason };
  if (!isAllowed) {
    // That somebody tried is worth a row; where it cannot be written they are kept out all the same.
    await record(located, { ...event, outcome: 'denied' }, events).catch(() => undefined);
    throw denied(what, who, located.config.access?.readers ?? []);
  }
  return {
    isWhole: true,
    record: (exported) => record(located, { ...event, outcome: 'allowed', exported }, events),
  };
}

/** All that writes is loaded only where something is written down: an ordinary read does not wait for it. */
const record: typeof recordAccess = async (...args) => (await import('./recordAccess')).recordAccess(...args);

async function whoReads(
  { env }: Place,
  { config: { access, roles } }: LocatedLedger,
  { actor }: ReadAsked,
): Promise<Accessor & { readonly isAllowed: boolean }> {
  // It starts programs: an ordinary read does not wait for that to load.
  const { personHere } = await import('../machine/person');
  const person = personHere();
  const role = access?.readers && roleOf(person, access.readers, roles);
  return {
    actor: actor || env['LEDGER_ACTOR'] || person.user,
    account: person.user,
    role,
    isAllowed: access?.readers === undefined || role !== undefined,
  };
}

function noReason(what: ReadWhat): LedgerError {
  const shows = isAllContent(what) ? `"ledger ${what.command}"` : '--raw';
  const why = `expected --reason: ${shows} shows content, which this ledger writes down`;
  return new LedgerError('USAGE', why, orSummary(what, 'say why, for instance --reason "TICKET-81"'));
}

function denied(what: ReadWhat, { account }: Accessor, readers: readonly string[]): LedgerError {
  const why = `expected one of the roles ${readers.join(', ')}, found ${account} in none`;
  return new LedgerError('ACCESS_DENIED', why, orSummary(what, 'the config says who has them ("roles")'));
}

/** What a summary does not show cannot be asked about either: a condition would tell it bit by bit. */
async function refuseContent(what: ReadWhat): Promise<void> {
  const hidden = (await membersAsked(what)).find((member) => !SUMMARY_MEMBERS.has(member));
  if (hidden === undefined) return;
  throw new LedgerError('USAGE', `expected members that a summary shows, found ${JSON.stringify(hidden)}`, {
    hint: `--actor, --role, --outcome, --class and --risk-band look into payloads, "actor=…" and the like do not; to ask about the content of rows, ${what.command === 'rollup' ? 'take "ledger query --group-by" with' : 'add'} --raw --reason "…": that leaves a row which says who, what and why`,
  });
}
