/** Rows about money that only someone who can compute hashes writes: they are no such rows, and nothing fails over them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { dayCloseOf } from '../../src/core/dayClose';
import type { Row } from '../../src/core/members';
import { closedBy } from '../../src/core/reservation';

test('a key that is no text closes no reservation', () => {
  assert.equal(closedBy(9), undefined);
  assert.equal(closedBy('reservation:X'), 'X');
});

test('a day that no calendar has was not closed', () => {
  const payload = {
    since: '2026-11-18T00:00:00.000Z',
    until: '2026-11-19T00:00:00.000Z',
    through_seq: 1,
    spent_usd: '1',
  };
  const close = (day: string): Row =>
    ({
      seq: 2,
      ts: '2026-11-20T00:00:00.000Z',
      action: 'spend.day-closed',
      idempotency_key: `close:${day}`,
      payload: { day, ...payload },
    }) as unknown as Row;
  assert.equal(dayCloseOf(close('2026-11-18'))?.day, '2026-11-18');
  assert.equal(dayCloseOf(close('99999-99-99')), undefined);
});
