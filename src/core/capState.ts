/**
 * How a cap stands when somebody asks, and how that is spelled: in the rows of gates and thresholds, and in words.
 *
 *   {"usd":"5","per":"day","agent":"coder","period":"2026-11-22","spent_usd":"1.2","reserved_usd":"0.5"}
 */
import type { Cap } from './caps';
import type { Members } from './capSum';
import type { Period } from './day';
import type { JsonObject } from './json';
import { formatNanos } from './money';
import { raisedMembers } from './override';
import type { Override } from './override';

/** What is asked for: an amount, and the members that caps may be narrowed to. */
export interface Ask {
  readonly nanos: bigint;
  readonly members: Members;
}

/** One cap that applies to what is asked for, and how it stands before that. */
export interface CapState {
  readonly cap: Cap;
  /** The period, the run, or the last 24 hours. */
  readonly label: string;
  /** What raises it at this moment; it is this that the spend is held against then. */
  readonly override: Override | undefined;
  /** The calendar period; undefined for a run and the last 24 hours. */
  readonly period: Period | undefined;
  readonly spentNanos: bigint;
  /** In how many rows of the period; 0 where there is none. */
  readonly costRows: number;
  readonly reservedNanos: bigint;
  readonly fits: boolean;
}

/** A cap as it stood, as members of a row's payload; the names that it is narrowed to, and what it is raised to, stand beside the others. */
export interface StateMembers {
  readonly usd: string;
  readonly per: string;
  readonly period: string;
  readonly spent_usd: string;
  readonly reserved_usd: string;
  readonly [scope: string]: string;
}

/** The cap as high as it is at this moment. */
export function inForce({ cap, override }: Pick<CapState, 'cap' | 'override'>): Cap {
  return override === undefined ? cap : { ...cap, nanos: override.nanos };
}

export function stateMembers({ cap, override, label, spentNanos, reservedNanos }: CapState): StateMembers {
  return {
    usd: formatNanos(cap.nanos),
    per: cap.per,
    ...Object.fromEntries(cap.scope),
    ...raisedMembers(override),
    period: label,
    spent_usd: formatNanos(spentNanos),
    reserved_usd: formatNanos(reservedNanos),
  };
}

/** The members that caps can be narrowed to, of what a caller says. */
export function textMembers(members: JsonObject): Members {
  return Object.fromEntries([...members].filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}
