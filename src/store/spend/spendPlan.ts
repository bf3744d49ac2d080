/** The caps of a config, and what is to be added up for them. */
import type { Calendar } from '../../core/day';
import { LedgerError } from '../../core/errors';
import type { LocatedLedger, Place } from '../ledger/locate';
import { machineZoneName } from '../machine/hostZone';
import type { SpendRequest } from './currentSpend';
import { calendarOf } from '../ledger/calendar';

/** What the sums of a ledger's caps are made for. */
export function spendRequest(place: Place, located: LocatedLedger, nowMs: number): SpendRequest {
  const { paths, config } = located;
  // Of the machine, whatever TZ says: who asks does not choose when the day begins.
  const zoneName = config.timezone ?? machineZoneName();
  let calendar: Calendar | undefined;
  return {
    paths,
    nowMs,
    plan: {
      caps: config.caps,
      zoneName,
      dayStartMs: config.dayStartMs,
    },
    calendar: () => (calendar ??= calendarOf(place, located, config.timezone === undefined ? zoneName : undefined)),
  };
}

/**
 * Without a cap everything would be allowed, with a misplaced config as well: that is no answer.
 * @throws LedgerError NO_CAPS
 */
export function checkCaps({ config, configPath, paths }: LocatedLedger): void {
  if (config.caps.length > 0) return;
  const found = configPath === undefined ? `no config beside ${paths.dir}` : `none in ${configPath}`;
  throw new LedgerError('NO_CAPS', `expected caps to hold the spend against, found ${found}`, {
    ...(configPath === undefined ? {} : { place: { segment: configPath } }),
    hint: 'write for instance {"caps":[{"usd":"5.00","per":"day"}]}; "ledger init" makes a commented config',
  });
}
