/** A provider sends an event as often as it likes: it is one row. Its key is made of who sent it and its number there. */
import { LedgerError } from './errors';
import type { JsonObject } from './json';

/**
 * @returns the row with its key; another row as it is
 * @throws LedgerError MEMBER_VALUE where it has another key
 */
export function withEventKey(row: JsonObject): JsonObject {
  const payload = row.get('payload');
  if (row.get('action') !== 'proof.webhook' || !(payload instanceof Map)) return row;
  const [source, event] = [payload.get('source'), payload.get('event_id')];
  if (typeof source !== 'string' || typeof event !== 'string') return row;
  const key = `${source}:${event}`;
  const given = row.get('idempotency_key') ?? key;
  if (given !== key)
    throw new LedgerError('MEMBER_VALUE', `expected the key "${key}" of this event, found ${JSON.stringify(given)}`, {
      place: { member: 'idempotency_key' },
      hint: 'leave it out: the key of a webhook is source:event_id',
    });
  return new Map([...row, ['idempotency_key', key]]);
}
