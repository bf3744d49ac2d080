import assert from 'node:assert/strict';
import test from 'node:test';
import { importRow } from '../../src/core/importRow';
import { canonicalJson } from '../../src/core/json';
import { parseJson } from '../../src/core/parseJson';

const imported = (line: string): { row: Record<string, unknown>; misfits: readonly string[]; rounded: boolean } => {
  const { row, misfits, rounded } = importRow(parseJson(line), 'import:k:1');
  return { row: JSON.parse(`{${row.members}}`) as Record<string, unknown>, misfits, rounded };
};

test('the row of the seed comes in unchanged in meaning: its ts is when it happened', () => {
  const line =
    '{"ts":"2026-04-25T20:09:24.604Z","run_id":"de5b5ed3","agent":"void-pulse","action":"pulse.probe","target":"env","outcome":"success","cost_usd":0.0001,"duration_ms":80,"reason":"status=green","playbook":"pulse-probe","playbook_version":"0.1.0"}';
  const { ts, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const { row, misfits } = imported(line);
  assert.deepEqual(row, { ...rest, occurred_at: ts, provenance: 'imported', idempotency_key: 'import:k:1' });
  assert.deepEqual(misfits, []);
});

test('what another ledger set is kept apart, word for word, so that it cannot pass for ours', () => {
  const { row } = imported(
    '{"action":"a.b","seq":4,"id":"x","by":"me","hash":"h","signature":{"v":1},"idempotency_key":"k"}',
  );
  assert.deepEqual(row['imported_from'], {
    seq: 4,
    id: 'x',
    by: 'me',
    hash: 'h',
    signature: { v: 1 },
    idempotency_key: 'k',
  });
});

for (const [name, json] of [
  ['run_id', '7'],
  ['duration_ms', '-2'],
  ['cost_usd', '-1'],
  ['cost_usd', 'null'],
  ['ts', '"yesterday"'],
  ['ts', '1777000000'],
  ['payload', '[1]'],
  ['reason', '""'],
  ['action', '"audit.genesis"'],
  ['action', '"two words"'],
  ['action', 'null'],
] as const) {
  test(`a row with ${name} ${json} is not lost: the member is kept apart`, () => {
    const { row, misfits } = imported(`{"agent":"x",${name === 'action' ? '' : '"action":"a.b",'}"${name}":${json}}`);
    assert.deepEqual((row['imported_from'] as Record<string, unknown>)[name], JSON.parse(json));
    assert.deepEqual(misfits, [name]);
    assert.equal(row['agent'], 'x');
    assert.equal(row['action'], name === 'action' ? 'imported.row' : 'a.b');
  });
}

test('where there are two times, the one called occurred_at stands', () => {
  const [ts, at] = ['2026-01-01T00:00:00.000Z', '2025-01-01T00:00:00.000Z'];
  const both = imported(`{"action":"a.b","ts":"${ts}","occurred_at":"${at}"}`).row;
  assert.equal(both['occurred_at'], at);
  assert.deepEqual(both['imported_from'], { ts });
  const without = imported(`{"action":"a.b","occurred_at":null,"ts":"${ts}"}`).row;
  assert.equal(without['occurred_at'], ts);
  assert.deepEqual(without['imported_from'], { occurred_at: null });
});

test('the noise of floats does not lose a cost: it is rounded to the nano-dollar, the figure is kept', () => {
  const { row, rounded, misfits } = imported('{"action":"a.b","cost_usd":0.30000000000000004}');
  assert.equal(row['cost_usd'], 0.3);
  assert.deepEqual(row['imported_from'], { cost_usd: 0.30000000000000004 });
  assert.ok(rounded);
  assert.deepEqual(misfits, []);
  assert.equal(imported('{"action":"a.b","cost_usd":1e-12}').row['cost_usd'], 0);
});

test('sample and fallback rows stay what they are, or an import would make them count', () => {
  for (const provenance of ['sample', 'fallback'])
    assert.equal(imported(`{"action":"a.b","provenance":"${provenance}"}`).row['provenance'], provenance);
  assert.equal(imported('{"action":"a.b","provenance":"live"}').row['provenance'], 'imported');
});

test('a member named __proto__ is only a member', () => {
  const { row } = importRow(parseJson('{"action":"a.b","__proto__":{"n":1},"id":{"__proto__":2}}'), 'k');
  assert.match(row.members, /"__proto__":\{"n":1\}.*"imported_from":\{"id":\{"__proto__":2\}\}$/);
  assert.equal(({} as Record<string, unknown>)['n'], undefined);
});

test('what is moved a level down may not end deeper than a row may be', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  assert.doesNotThrow(() => importRow(parseJson(`{"signature":${nested(62)}}`), 'k'));
  assert.throws(() => importRow(parseJson(`{"signature":${nested(63)}}`), 'k'), { code: 'JSON_DEPTH' });
});

test('the same line gives the same row whenever it is imported', () => {
  const line = '{"ts":"2126-04-25T20:09:24.604Z","action":"a.b","run_id":3}';
  const once = importRow(parseJson(line), 'k').row.members;
  assert.equal(importRow(parseJson(line), 'k').row.members, once);
  assert.match(canonicalJson(parseJson(`{${once}}`)), /2126/);
});
