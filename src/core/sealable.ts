/**
 * Which fields can be sealed. Not what the ledger itself goes by: where a row belongs, what it cost and when, who acted, and
 * in rows that it judges, what it judges them by. A cap that nobody can read is none, nor is an approval by nobody.
 */
import type { Cap } from './caps';
import { catalogueOf } from './catalogue';
import { LedgerError } from './errors';
import type { Json } from './json';
import { LEDGER_MEMBERS, LEDGER_TIME_MEMBER, MEMBERS } from './members';
import { textsOf, wrong } from './settings';

const IDS: readonly string[] = ['run_id', 'turn_id', 'decision_id', 'call_id', 'correlation_id', 'parent_run_id', 'order_id', 'idempotency_key', 'ref']; // prettier-ignore
/** Whoever acts answers for it. */
const WHO: readonly string[] = ['agent', 'actor', 'role', 'authority'];
/** A list is named part by part. */
const NO_PART = /\[(?![0-9]+\])/;

/** In payloads of the types that come with the ledger: what decisions, drafts and orders are judged by. */
const JUDGED: ReadonlySet<string> = new Set(
  `action actor agent amount_usd approver approver_role band decision draft_id event_id executor expires_at gate_id
   invoking_identity intent method order_id outcome policy_version provider_event_id ref required_roles result
   resulting_version reviewer role roles score signature_ref status transaction ttl type unmet_conditions usd verdict
   version`.split(/\s+/),
);

/** Why a field cannot be sealed, whatever row it is of; undefined where it can. */
export function unsealable(field: string): string | undefined {
  const name = /^[^.[]*/.exec(field)?.[0] ?? '';
  if (name === '' || /\.$|\.\./.test(field)) return 'it is the name of no field';
  if (name === LEDGER_TIME_MEMBER || LEDGER_MEMBERS.has(name)) return 'the ledger sets it';
  if (IDS.includes(name)) return 'rows are found and held together by it';
  if (WHO.includes(name)) return 'it says who acted, and on whose authority';
  if (name === 'outcome') return 'reports and queries count by it';
  const kind = MEMBERS.get(name)?.kind;
  if (kind === undefined || kind === 'payload') return undefined;
  if (kind !== 'string') return 'it is counted, or tells rows apart';
  return field === name ? undefined : `"${name}" is a text, and has no fields`;
}

/** Why a name that somebody gives is none of a field that can be sealed; undefined where it may be one. */
export function unsealableName(field: string): string | undefined {
  return NO_PART.test(field)
    ? 'wildcards are not known, parts of lists are counted: items[0].email'
    : unsealable(field);
}

/** The same of a row with this action. */
export function unsealableIn(field: string, action: unknown): string | undefined {
  const always = unsealable(field);
  if (always !== undefined || typeof action !== 'string' || catalogueOf(action) === undefined) return always;
  const [member, name = ''] = field.split(/[.[]/, 2);
  if (member !== 'payload') return undefined;
  return field === 'payload' || JUDGED.has(name) ? `rows of "${action}" are judged by it` : undefined;
}

/** In every row it would be more than is meant: decisions, runs and orders are judged by theirs. */
const WHOLE_PAYLOAD = 'rows that the ledger judges have a payload, too: name its fields, for instance payload.email';

/**
 * The setting "seal": the fields that are sealed in every row that has them.
 * @throws LedgerError CONFIG_INVALID
 */
export function sealOf(value: Json, name: string): readonly string[] {
  const fields = textsOf(value, name, 'fields');
  fields.forEach((field, i) => {
    const why = field === 'payload' ? WHOLE_PAYLOAD : unsealableName(field);
    if (why !== undefined) throw wrong(`${name}[${i}]`, `a field that can be sealed (${why})`, field);
  });
  return fields;
}

/**
 * What a cap goes by must stand in the rows.
 * @throws LedgerError CONFIG_INVALID
 */
export function checkSealedCaps(fields: readonly string[], caps: readonly Cap[]): void {
  const capped = fields.find((field) => isCapped(field, caps));
  if (capped !== undefined) throw wrong('"seal"', 'fields that no cap is narrowed by', capped);
}

export function isCapped(field: string, caps: readonly Cap[]): boolean {
  return caps.some(({ scope }) => scope.has(field));
}

/** @param bySettings whether the settings name the field, and not who gave the row */
export function refuseSeal(field: string, why: string, bySettings = false): LedgerError {
  return new LedgerError('MEMBER_RESERVED', `expected a field that can be sealed, found "${field}": ${why}`, {
    place: { member: field },
    hint: bySettings
      ? `"seal" in the config names it: take "${field}" out there, or leave the value out of such rows`
      : 'leave the value out, or put what is to be kept back into a field of its own',
  });
}
