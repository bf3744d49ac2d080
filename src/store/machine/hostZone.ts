/**
 * The zone that this machine lives in, and zones by name. The machine's own zone is read through `Date`, which costs
 * nothing; the first `Intl` formatter of a process costs 11 ms, a fifth of Node's start, and is made only for another.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { openZone } from '../../core/day';
import type { Zone } from '../../core/day';
import { orNothing } from '../../core/errors';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * @param name an IANA name or an offset; undefined for the machine's own zone
 * @throws LedgerError USAGE for a name that this runtime does not know
 */
export function zoneNamed(name: string | undefined, env: Env): Zone {
  const host = hostZoneName(env);
  if (name !== undefined && name !== host) return openZone(name);
  if (!looksUnknown(host)) return { name: host, offsetMs: dateOffset };
  try {
    return openZone(host);
  } catch {
    // Node itself takes UTC where TZ names nothing; so the zone is called what it is.
    return openZone('UTC');
  }
}

function hostZoneName(env: Env): string {
  const fromEnv = env['TZ']?.replace(/^:/, '');
  if (fromEnv !== undefined && fromEnv !== '') return fromEnv;
  return linkedZoneName() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The zone that the machine is set to, whatever TZ says to one process; UTC where it is set to none. */
export function machineZoneName(): string {
  return linkedZoneName() ?? orNothing(() => readFileSync('/etc/timezone', 'utf8').trim()) ?? 'UTC';
}

/** Undefined where it is a copy instead of a link, or not there. */
function linkedZoneName(): string | undefined {
  return /zoneinfo\/(.+)$/.exec(orNothing(() => readlinkSync('/etc/localtime')) ?? '')?.[1];
}

/** Whether a name may be one that Node did not know: it shows UTC in winter and in summer then. */
function looksUnknown(name: string): boolean {
  if (name === 'UTC' || name === 'Etc/UTC') return false;
  return dateOffset(Date.UTC(2025, 0, 1)) === 0 && dateOffset(Date.UTC(2025, 6, 1)) === 0;
}

function dateOffset(ms: number): number {
  const second = Math.floor(ms / 1000) * 1000;
  const at = new Date(second);
  const wall = new Date(0);
  wall.setUTCFullYear(at.getFullYear(), at.getMonth(), at.getDate());
  wall.setUTCHours(at.getHours(), at.getMinutes(), at.getSeconds());
  return wall.getTime() - second;
}
