/** What becomes of a row in the shapes of others: every value as it is spelled, nothing left out, nothing made up. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { rawMembers } from '../../src/core/export/rawMembers';
import type { ShapeName } from '../../src/core/export/shape';
import { newShape } from '../../src/core/export/shapes';
import { ShapeTally } from '../../src/core/export/shapeTally';

const members = (text: string): [string, string][] => [...rawMembers(Buffer.from(text))];

test('members keep the spelling of their values, whatever a float or an escape would make of it', () => {
  assert.deepEqual(members('{"a":0.0000001,"b":{"x":[1,{}]},"c":"\\u202e\\"é","d":null,"e":1e+21}'), [
    ['a', '0.0000001'],
    ['b', '{"x":[1,{}]}'],
    ['c', '"\\u202e\\"é"'],
    ['d', 'null'],
    ['e', '1e+21'],
  ]);
});

test('odd objects: none, empty, with spaces, names with escapes, a name twice, deeper than a row', () => {
  assert.deepEqual(members('[1]'), []);
  assert.deepEqual(members('{"a":1'), []);
  assert.deepEqual(members('{"a":1,}'), []);
  assert.deepEqual(members('{}'), []);
  assert.deepEqual(members('{ "a" : 1 }'), [['a', '1']]);
  assert.deepEqual(members('{"\\u0061\\n":1,"__proto__":2}'), [
    ['a\n', '1'],
    ['__proto__', '2'],
  ]);
  assert.deepEqual(members('{"a":1,"a":2}'), [['a', '2']]);
  const deep = `${'['.repeat(80)}${']'.repeat(80)}`;
  assert.deepEqual(members(`{"a":${deep}}`), [['a', deep]]);
});

const HASH = 'c'.repeat(64);
const PLACE = `"run_seq":2,"run_prev_hash":"${'b'.repeat(64)}","nonce":"n","prev_hash":"${'a'.repeat(64)}","hash":"${HASH}"`;

/** A row with these members, in a shape. */
function shaped(name: ShapeName, text: string): string[] {
  const row = `{"seq":7,"ts":"2026-06-03T08:00:00.000Z","id":"01J","by":"1000:alice@build-3",${text},${PLACE}}`;
  const shape = newShape(name);
  const raw = rawMembers(Buffer.from(row));
  shape.learn?.(raw);
  return [...shape.lines(raw)];
}

test('a trace event has the members of its type, in their order; the rest of the row stands behind them', () => {
  assert.deepEqual(
    shaped('trace', '"run_id":"r","turn_id":"t","agent":"x","action":"handoff","cost_usd":0.0000001,"payload":{"b":1,"a":"\\u202e"},"content_hash":"00"'), // prettier-ignore
    [
      `{"id":"01J","runId":"r","turnId":"t","timestamp":"2026-06-03T08:00:00.000Z","type":"handoff","payload":{"b":1,"a":"\\u202e"},"contentHash":"00","parentHash":"${'b'.repeat(64)}","hash":"${HASH}","more":{"agent":"x","cost_usd":0.0000001}}`,
    ],
  );
});

test('what is said of a time by a caller is the timestamp, and what the ledger saw is kept beside it', () => {
  const [event = ''] = shaped('trace', '"occurred_at":"2026-01-01T00:00:00.000Z","run_id":"r","action":"error"');
  const { timestamp, more } = JSON.parse(event) as { timestamp: string; more: unknown };
  assert.equal(timestamp, '2026-01-01T00:00:00.000Z');
  assert.deepEqual(more, { ts: '2026-06-03T08:00:00.000Z' });
});

test('rows that are not live say so in every shape', () => {
  const rows: readonly [ShapeName, string][] = [
    ['trace', '"run_id":"r","action":"error"'],
    ['decision', '"decision_id":"d","decision_seq":1,"action":"risk.scored"'],
    ['trail', '"run_id":"r","action":"run.invocation"'],
    ['proof', '"action":"proof.order"'],
    ['proof', '"action":"tool.used","cost_usd":1'],
  ];
  for (const [name, text] of rows) {
    for (const provenance of ['sample', 'fallback', 'imported'])
      for (const line of shaped(name, `${text},"provenance":"${provenance}"`))
        assert.equal((JSON.parse(line) as Record<string, unknown>)['provenance'], provenance, line);
    const live = shaped(name, text).map((line) => (JSON.parse(line) as Record<string, unknown>)['provenance']);
    assert.ok(
      live.every((one) => one === (name === 'proof' ? 'live' : undefined)),
      name,
    );
  }
});

test('which rows have no place in a shape', () => {
  assert.deepEqual(shaped('trace', '"action":"error"'), []);
  assert.deepEqual(shaped('trace', '"run_id":7,"action":"error"'), []);
  assert.deepEqual(shaped('trace', '"run_id":"r","action":"tool.call"'), []);
  assert.deepEqual(shaped('decision', '"run_id":"r","action":"policy.gate"'), []);
  assert.deepEqual(shaped('trail', '"run_id":"r","action":"tool_executed"'), []);
  assert.deepEqual(shaped('proof', '"action":"tool.used"'), []);
  assert.deepEqual(shaped('proof', '"action":"__proto__"'), []);
});

test('a field beside the payload is a field all the same, and one that no class has is not lost', () => {
  const [line = ''] = shaped('trail', '"run_id":"r","action":"tool.call","duration_ms":8,"reason":"x","payload":{"tool":"t","class":"evil","reason":"y"}'); // prettier-ignore
  const entry = JSON.parse(line) as Record<string, unknown>;
  assert.deepEqual(
    [entry['class'], entry['tool'], entry['duration_ms'], entry['reason'], entry['t']],
    ['Tool call', 't', 8, 'y', null],
  );
  assert.deepEqual(entry['more'], { reason: 'x', payload: { class: 'evil' } });
});

test('an event of a decision says who acted, a person before an agent; nobody where nobody is named', () => {
  const actorOf = (text: string): unknown[] =>
    shaped('decision', `"decision_id":"d","decision_seq":1,"decision_prev_hash":"0","action":"a.b",${text}`).map(
      (line) => (JSON.parse(line) as Record<string, unknown>)['actor'],
    );
  assert.deepEqual(actorOf('"agent":"bot","payload":{"actor":"Ann"}'), ['Ann']);
  assert.deepEqual(actorOf('"agent":"bot","actor":"Bo"'), ['Bo']);
  assert.deepEqual(actorOf('"agent":"bot"'), ['bot']);
  assert.deepEqual(actorOf('"n":1'), [null]);
});

test('a webhook is named after Stripe only where it came from there', () => {
  const names = ['stripe', 'gmail', 'str\\u0069pe'].map((source) => {
    const [line = ''] = shaped('proof', `"action":"proof.webhook","payload":{"source":"${source}"}`);
    return (JSON.parse(line) as Record<string, unknown>)['record'];
  });
  assert.deepEqual(names, ['StripeWebhookEvent', 'WebhookEvent', 'StripeWebhookEvent']);
});

test('distances are from the first invocation of the run, also where it came in late', () => {
  const shape = newShape('trail');
  const row = (at: string, action: string): ReadonlyMap<string, string> =>
    rawMembers(Buffer.from(`{"ts":"${at}","run_id":"r","action":"${action}"}`));
  const rows = [
    row('2026-06-03T08:00:02.000Z', 'tool.call'),
    row('2026-06-03T08:00:05.000Z', 'run.invocation'),
    row('2026-06-03T08:10:00.000Z', 'run.invocation'),
    row('no time', 'approval'),
  ];
  for (const one of rows) shape.learn?.(one);
  const offsets = rows.flatMap((one) => shape.lines(one).map((line) => (JSON.parse(line) as { t?: string }).t));
  assert.deepEqual(offsets, ['t-3s', undefined, 't=0', undefined, 't+9m', null]);
});

test('links to rows that have no line are counted, with how many lie between', () => {
  const tally = new ShapeTally('run');
  const take = (run: string, seq: number): void =>
    tally.took(Buffer.from('{}'), rawMembers(Buffer.from(`{"run_id":"${run}","run_seq":${seq}}`)));
  for (const [run, seq] of [['a', 1], ['b', 3], ['a', 2], ['b', 4], ['a', 7]] as const) take(run, seq); // prettier-ignore
  assert.deepEqual(tally.counts.links_elsewhere, { lines: 2, rows: 6 });
  assert.equal(tally.counts.altered_rows, 5);
});
