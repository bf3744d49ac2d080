/** Which days a ledger's sums are counted in: the zone of a flag, else of the config, else the machine's. */
import type { Calendar } from '../../core/day';
import { LedgerError } from '../../core/errors';
import { zoneNamed } from '../machine/hostZone';
import type { LocatedLedger, Place } from './locate';

/** @throws LedgerError USAGE for an unknown zone of `--tz`, CONFIG_INVALID for one of the config, with its file */
export function calendarOf(place: Place, { config, configPath }: LocatedLedger, tz?: string): Calendar {
  const { dayStartMs } = config;
  try {
    return { zone: zoneNamed(tz ?? config.timezone, place.env), dayStartMs };
  } catch (error) {
    if (tz !== undefined || configPath === undefined || !(error instanceof LedgerError)) throw error;
    throw new LedgerError('CONFIG_INVALID', `${configPath}: timezone: ${error.message}`, {
      place: { segment: configPath },
      cause: error,
    });
  }
}
