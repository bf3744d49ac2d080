/** Events of a trace as lines that can be imported: what becomes of each member, and what is refused. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { importRow } from '../../src/core/importRow';
import type { JsonObject } from '../../src/core/json';
import { parseJson } from '../../src/core/parseJson';
import { isTraceEvent, TraceCheck, traceRow } from '../../src/core/traceEvent';

const parsed = (event: object): JsonObject => parseJson(JSON.stringify(event)) as JsonObject;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const EVENT = { id: 'e1', runId: 'r', timestamp: '2026-06-03T10:00:00+02:00', type: 'tool_executed', payload: {} };

function imported(event: object): { row: Record<string, unknown>; misfits: readonly string[] } {
  const { line, foreign } = traceRow(parsed(event));
  const { row, misfits } = importRow(line, 'import:k:1', foreign);
  return { row: JSON.parse(`{${row.members}}`) as Record<string, unknown>, misfits };
}

test('an event is a row: its members under their names here, its hashes kept apart', () => {
  const more = { turnId: 't', contentHash: 'c', parentHash: 'p', hash: 'h', note: 'n' };
  const { row, misfits } = imported({ ...EVENT, ...more });
  assert.deepEqual(row, {
    occurred_at: '2026-06-03T08:00:00.000Z',
    run_id: 'r',
    turn_id: 't',
    action: 'tool_executed',
    provenance: 'imported',
    idempotency_key: 'import:k:1',
    payload: {},
    note: 'n',
    imported_from: { contentHash: 'c', parentHash: 'p', id: 'e1', hash: 'h' },
  });
  assert.deepEqual(misfits, []);
});

test('what has no place here is kept under the name that it had there', () => {
  const { row, misfits } = imported({ ...EVENT, timestamp: 'yesterday', type: 'two words', run_id: 'x', ts: 'y' });
  assert.deepEqual(row['imported_from'], { run_id: 'x', id: 'e1', ts: 'y', timestamp: 'yesterday', type: 'two words' });
  assert.deepEqual([row['action'], row['run_id'], [...misfits].sort()], ['imported.row', 'r', ['timestamp', 'type']]);
});

test('what an export put aside is a member again; where one is there already, all of it stays aside', () => {
  const { row } = imported({ ...EVENT, provenance: 'sample', more: { agent: 'a', cost_usd: 0.01, ts: 't' } });
  assert.deepEqual([row['agent'], row['cost_usd'], row['provenance']], ['a', 0.01, 'sample']);
  assert.deepEqual(row['imported_from'], { id: 'e1', ts: 't' });
  assert.deepEqual(imported({ ...EVENT, more: { run_id: 'z', agent: 'a' } }).row['more'], { run_id: 'z', agent: 'a' });
});

test('only what is made as an event is one', () => {
  assert.ok(isTraceEvent(parsed(EVENT)));
  for (const other of [{ action: 'a.b' }, { runId: 7 }, { payload: [] }, { timestamp: null }, { type: undefined }])
    assert.ok(!isTraceEvent(parsed({ ...EVENT, ...other })), JSON.stringify(other));
  assert.ok(!isTraceEvent([]) && !isTraceEvent(null));
});

test('a payload that is not the one of its contentHash is refused, however the hash is spelled', () => {
  const payload = { b: 1, a: 'é' };
  const right = sha256('{"a":"é","b":1}');
  const check = new TraceCheck();
  for (const contentHash of [right, right.toUpperCase(), `sha256:${right}`, undefined])
    check.step(parsed({ ...EVENT, payload, contentHash }));
  assert.equal(check.counts.without_content_hash, 1);
  for (const contentHash of [sha256('{}'), '', right.slice(1), null, 7])
    assert.throws(() => check.step(parsed({ ...EVENT, payload, contentHash })), { code: 'CONTENT_ALTERED' });
});

test('a parent is the event before in the run: by the hash that it says, by its canonical form, or by its contentHash', () => {
  const unlinked = (...events: object[]): number => {
    const check = new TraceCheck();
    for (const event of events) check.step(parsed({ ...EVENT, ...event }));
    return check.counts.unlinked;
  };
  const [one, two] = [sha256('1'), sha256('2')];
  const other = { runId: 'other', hash: two };
  assert.equal(unlinked({ hash: one }, other, { hash: two, parentHash: one }, { parentHash: two }), 0);
  assert.equal(unlinked({}, { parentHash: sha256('{"id":"e1","payload":{},"runId":"r","timestamp":"2026-06-03T10:00:00+02:00","type":"tool_executed"}') }), 0); // prettier-ignore
  assert.equal(unlinked({ contentHash: sha256('{}') }, { parentHash: sha256('{}') }), 0);
  assert.equal(unlinked({ parentHash: one }), 1, 'the one before is not in the file');
  assert.equal(unlinked({ hash: one }, {}), 1, 'it names none');
  assert.equal(unlinked({ hash: one }, { parentHash: two }), 1, 'another');
  assert.equal(unlinked({ hash: one }, { parentHash: 7 }), 1, 'no hash');
});
