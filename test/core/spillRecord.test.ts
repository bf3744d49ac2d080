/** A spill record is one line; reading is the exact inverse of writing, and anything else is torn or impossible. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { storedJson } from '../../src/core/json';
import { fitsInPayload, formatSpillRecord, parseSpillRecord } from '../../src/core/spillRecord';
import { checked } from '../support/writers';

const HEAD = {
  id: '01JTESTTESTTESTTESTTESTTES',
  ledgerId: '01JAAAAAAAAAAAAAAAAAAAAAAA',
  spilledAt: '2026-04-25T20:09:24.604Z',
  why: 'LOCK_TIMEOUT',
  after: { seq: 9, hash: 'c'.repeat(64) },
};

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
const ROWS: readonly Record<string, unknown>[] = [
  { action: 'a.b' },
  { action: 'a.b', cost_usd: '1e-9' },
  { action: 'cost.refund', ref: 'x', cost_usd: '-0.0000001' },
  { action: 'a.b', reason: ',"row":{"x":1},"sum":"\u0085\n' },
  { action: 'a.b', row: { sum: 'x' }, sum: 'y', spill: 2, 10: 1, __proto: 1 },
  { action: 'a.b', deep: nested(63) },
];

test('every row that is taken can be spilled and read again', () => {
  for (const row of ROWS) {
    const record = { ...HEAD, why: 'odd ,"row":{ \u0085', ledgerId: 'also odd ,"row":{' };
    const text = formatSpillRecord(record, checked(row));
    assert.match(text, /^\n\{[^\n]*\}\n$/);
    const { row: found, ...rest } =
      parseSpillRecord(Buffer.from(text.trim())) ?? assert.fail(`lost: ${text.slice(0, 300)}`);
    assert.deepEqual(rest, record);
    assert.equal(checked(JSON.parse(storedJson(found)) as Record<string, unknown>).members, checked(row).members);
  }
  const missing = parseSpillRecord(
    Buffer.from(formatSpillRecord({ ...HEAD, ledgerId: null }, checked({ action: 'a' })).trim()),
  );
  assert.equal(missing?.ledgerId, null);
});

test('white space that changed line ends leave behind a record costs no row', () => {
  const text = formatSpillRecord(HEAD, checked({ action: 'a.b', n: 123 })).trim();
  for (const end of ['\r', ' ', ' \t\r']) assert.equal(parseSpillRecord(Buffer.from(text + end))?.id, HEAD.id);
});

test('a record that was cut anywhere, or changed anywhere in its row, is none', () => {
  const text = formatSpillRecord(HEAD, checked({ action: 'a.b', n: 123 })).trim();
  for (let length = 0; length < text.length; length++)
    assert.equal(parseSpillRecord(Buffer.from(text.slice(0, length))), undefined, `${length}`);
  for (let at = text.indexOf('"row"') + 6; at < text.length; at++) {
    const bytes = Buffer.from(text);
    bytes[at] = (bytes[at] as number) ^ 1;
    assert.equal(parseSpillRecord(bytes), undefined, `byte ${at}`);
  }
});

test('a row that fills all levels does not fit into the payload of another row', () => {
  const deep = (levels: number): boolean => fitsInPayload(new Map([['x', nested(levels) as never]]));
  assert.ok(deep(61));
  assert.ok(!deep(62));
});
