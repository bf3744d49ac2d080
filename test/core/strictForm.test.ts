/** `--strict`: what the writer refuses, or writes otherwise, is not what the writer wrote, however right its hash is. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { readStoredLine } from '../../src/core/storedLine';
import { forgedRow } from '../support/forgedRows';
import type { ForgedMembers } from '../support/forgedRows';
import { chainOf } from '../support/ledgers';

const { lines: SOUND } = chainOf();

function faultsOf(members: ForgedMembers, strict: boolean): readonly { readonly code: string }[] {
  const line = readStoredLine(Buffer.from(forgedRow(SOUND, members)), { strict });
  assert.equal(line.kind, 'row');
  return line.kind === 'row' ? line.faults : [];
}

/** `occurred_at` stands before the action. */
const occurredAt = (value: string): ForgedMembers => ({ by: `"1000:test@host","occurred_at":${value}` });
const REFUND = { action: '"cost.refund"', cost_usd: '-1.5', ref: '"3"' };

const TAKEN: readonly ForgedMembers[] = [
  {},
  occurredAt('"2026-04-25T20:09:24.604Z"'),
  { cost_usd: '0.0000001', duration_ms: '2.5', provenance: '"sample"' },
  REFUND,
  {
    target: '"a"',
    note: '[null,{"z":1,"a":""}]',
    imported_from: '{"id":"x9"}',
    spill_id: '"01KQ345STC9VSWPX4P1935JEG2"',
  },
  { action: '"audit.rows-lost"', content_hash: undefined },
];

const NOT_TAKEN: readonly ForgedMembers[] = [
  occurredAt('"yesterday"'),
  occurredAt('"2026-04-25T20:09:24Z"'),
  occurredAt('"2026-04-25T22:09:24.604+02:00"'),
  occurredAt('7'),
  { as_of: '"yesterday"' },
  { action: '"A b"' },
  { action: '""' },
  { action: '"audit"' },
  ...['"1.5"', 'null', 'true', '1000000000', '-1.5', '0.0000000001'].map((cost_usd) => ({ cost_usd })),
  { ...REFUND, ref: undefined },
  ...['-2', '"3"', 'null'].map((duration_ms) => ({ duration_ms })),
  ...['"bogus"', '7', 'null'].map((provenance) => ({ provenance })),
  { target: '""' },
  { target: '7' },
  { sealed: '"x"' },
  { by: '7' },
  { by: '""' },
  { action: '"audit.rows-lost"', cost_usd: '"1.5"' },
  { action: '"audit.rows-lost"', target: '7' },
];

test('a line that the writer writes is in strict form', () => {
  for (const members of TAKEN) assert.deepEqual(faultsOf(members, true), [], JSON.stringify(members));
});

test('a value that the writer refuses or spells otherwise is named, and only where --strict asks', () => {
  for (const members of NOT_TAKEN) {
    assert.deepEqual(faultsOf(members, false), [], JSON.stringify(members));
    assert.equal(faultsOf(members, true).length, 1, JSON.stringify(members));
  }
});

test('a row that says it is signed has one spelling, asked for or not', () => {
  for (const members of [{ signature: '"x"' }, { signature: '{"alg":"ed25519"}' }] as const)
    assert.deepEqual(
      faultsOf(members, false).map(({ code }) => code),
      ['SIGNATURE_INVALID'],
      JSON.stringify(members),
    );
});
