/** Flags say the same of every row, the environment fills what is missing; nothing is falsified. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  completeRow,
  environmentDefaults,
  ignoredInEnvironment,
  memberFromText,
  parseMemberJson,
} from '../../src/core/defaults';
import type { LedgerError } from '../../src/core/errors';
import { MAX_DEPTH, storedJson } from '../../src/core/json';
import { parseJson } from '../../src/core/parseJson';
import type { JsonObject } from '../../src/core/json';

const object = (text: string): JsonObject => parseJson(text) as JsonObject;
const completed = (row: string, flags = '{}', defaults = '{}'): string =>
  storedJson(completeRow(object(row), object(flags), object(defaults)));
const conflicts = (row: string, flags: string): void => {
  assert.throws(
    () => completed(row, flags),
    (error: LedgerError) => error.code === 'MEMBER_VALUE',
    `${row} against ${flags}`,
  );
};

test('the environment sets any known member but the three that belong to one row', () => {
  const found = environmentDefaults({
    LEDGER_RUN_ID: 'r',
    LEDGER_DURATION_MS: '5',
    LEDGER_COST_USD: '0.10',
    LEDGER_AGENT: '',
    LEDGER_ACTION: 'no',
    LEDGER_PAYLOAD: '{}',
    LEDGER_IDEMPOTENCY_KEY: 'no',
    LEDGER_DIR: '/x',
    LEDGER_SEQ: '1',
  });
  assert.equal(storedJson(found), '{"run_id":"r","cost_usd":"0.10","duration_ms":5}');
});

test('what the environment sets in vain is named', () => {
  const env = {
    LEDGER_AGENT: 'a',
    LEDGER_ACTION: '',
    LEDGER_PAYLOAD: '{}',
    LEDGER_IDEMPOTENCY_KEY: 'k',
    LEDGER_DIR: '/x',
  };
  assert.deepEqual(ignoredInEnvironment(env), ['LEDGER_IDEMPOTENCY_KEY', 'LEDGER_PAYLOAD']);
});

test('TRACEPARENT is recorded where it is one', () => {
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  assert.equal(environmentDefaults({ TRACEPARENT: trace }).get('traceparent'), trace);
  assert.equal(environmentDefaults({ TRACEPARENT: 'x' }).size, 0);
  assert.equal(environmentDefaults({ TRACEPARENT: trace, LEDGER_TRACEPARENT: 'mine' }).get('traceparent'), 'mine');
});

test('a row comes before the environment, a flag adds to a row', () => {
  assert.equal(
    completed('{"agent":"a"}', '{"run_id":"r"}', '{"agent":"b","role":"c"}'),
    '{"agent":"a","run_id":"r","role":"c"}',
  );
  assert.equal(
    completed('{"ts":"2026-01-01T00:00:00Z"}', '{}', '{"occurred_at":"x"}'),
    '{"ts":"2026-01-01T00:00:00Z"}',
  );
});

test('a flag that contradicts a row is refused; one that says the same is not', () => {
  conflicts('{"agent":"a"}', '{"agent":"b"}');
  conflicts('{"cost_usd":0.1}', '{"cost_usd":"0.2"}');
  conflicts('{"payload":{"a":1}}', '{"payload":{"a":2}}');
  conflicts('{"x":null}', '{"x":"null"}');
  conflicts('{"x":["1"]}', '{"x":"1"}');
  assert.equal(completed('{"agent":"a"}', '{"agent":"a"}'), '{"agent":"a"}');
  assert.equal(completed('{"cost_usd":0.1}', '{"cost_usd":"0.10"}'), '{"cost_usd":0.1}');
  assert.equal(completed('{"payload":{"a":1,"b":2}}', '{"payload":{"b":2,"a":1}}'), '{"payload":{"a":1,"b":2}}');
  assert.equal(
    completed('{"as_of":"2026-01-01T00:00:00Z"}', '{"as_of":"2026-01-01T01:00:00+01:00"}'),
    '{"as_of":"2026-01-01T00:00:00Z"}',
  );
});

test('a member given as JSON text leaves one level for the row', () => {
  const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  assert.ok(parseMemberJson(deep(MAX_DEPTH - 1)));
  assert.throws(() => parseMemberJson(deep(MAX_DEPTH)));
  assert.throws(() => memberFromText('duration_ms', '1e400'), /"duration_ms"/);
});
