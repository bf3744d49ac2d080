/** What a torn row still tells: whole members only, none of it trusted. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { parseJson } from '../../src/core/parseJson';
import { ownRow } from '../../src/core/ownRows';
import { checkRow } from '../../src/core/row';
import { originalOf, salvage } from '../../src/core/salvage';
import { GITHUB_TOKEN } from '../support/secrets';
import { tornEnds } from '../support/tornEnds';

const of = (text: string): object => salvage(Buffer.from(text));

test('whole members up to the first that is cut', () => {
  const row = '{"seq":7,"ts":"2026-04-25T20:09:24.604Z","run_id":"r\\n1","cost_usd":0.05,"agent":"a"}';
  assert.deepEqual(of(row), { seq: 7, ts: '2026-04-25T20:09:24.604Z', run_id: 'r\n1', cost_usd: 0.05, agent: 'a' });
  assert.deepEqual(of('{"seq":7,"ts":"2026-04-25T2'), { seq: 7 });
  // 0.05 may have been 0.0512.
  assert.deepEqual(of('{"seq":7,"cost_usd":0.05'), { seq: 7 });
});

test('every cut gives members of the whole row, and no others', () => {
  const row =
    '{"seq":7,"ts":"t","id":"i","by":"b","agent":"a\\"b","action":"x.y","payload":{"agent":"z"},"cost_usd":1}';
  const whole = JSON.parse(row) as Record<string, unknown>;
  for (let length = 0; length <= row.length; length++) {
    for (const [name, value] of Object.entries(of(row.slice(0, length)))) assert.equal(value, whole[name]);
  }
});

test('NUL, garbage, long values and lone surrogates are left out', () => {
  assert.deepEqual(of(''), {});
  assert.deepEqual(of('\0\0\0"}\n'), {});
  assert.deepEqual(of(`{"agent":"${'x'.repeat(300)}","seq":1,`), { seq: 1 });
  assert.deepEqual(of('{"agent":"\\ud800","seq":1,'), { seq: 1 });
  assert.deepEqual(of('{"__proto__":"x","seq":1,'), { seq: 1 });
  assert.deepEqual(of('{"cost_usd":1e999,"agent":"a","seq":-1e999,'), { agent: 'a' });
});

test('64 KiB of hostile text are answered at once', () => {
  const start = performance.now();
  of(`{"agent":"${'\\"'.repeat(32_000)}`);
  of(`{${'"a":1,'.repeat(10_000)}`);
  of(`{"a"${' '.repeat(64_000)}`);
  of(`{"a":-${'1'.repeat(64_000)}`);
  assert.ok(performance.now() - start < 1000);
});

test('whatever the bytes, what is read of them can stand in a row', () => {
  fc.assert(
    fc.property(tornEnds, (bytes) => {
      const original = salvage(bytes);
      const { members } = ownRow('audit.heal-truncation', { original });
      const asGiven = parseJson(`{${members}}`) as Map<string, string>;
      checkRow(asGiven.set('action', 'a.b'), { nowMs: undefined });
      for (const value of Object.values(original)) assert.ok(Buffer.byteLength(String(value)) <= 256);
    }),
    { numRuns: 2000 },
  );
});

test('a text that may hold a secret is left out', () => {
  const row = { seq: 1, agent: GITHUB_TOKEN, run_id: `of ${GITHUB_TOKEN}`, action: 'a.b' };
  assert.deepEqual(of(`${JSON.stringify(row).slice(0, -1)},"x":`), { seq: 1, action: 'a.b' });
  assert.deepEqual(originalOf(row), { seq: 1, action: 'a.b' });
});
