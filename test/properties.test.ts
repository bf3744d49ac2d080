/**
 * Properties: reading is the inverse of writing, whatever the value; a row that is taken can be read back member for
 * member; rows in any order and any groups make a chain that a verifier of its own finds right.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import * as fc from 'fast-check';
import { placeRow } from '../src/core/chain';
import { ZERO_HASH } from '../src/core/digest';
import { LedgerError } from '../src/core/errors';
import { canonicalJson, storedJson, toJson } from '../src/core/json';
import { parseJson } from '../src/core/parseJson';
import { CALLER_MEMBERS, CALLER_MEMBER_NAMES } from '../src/core/members';
import type { CallerMember } from '../src/core/members';
import { formatNanos, parseCostNanos } from '../src/core/money';
import { checkRow } from '../src/core/row';
import type { CheckedRow } from '../src/core/row';
import { readLine } from '../src/core/rowText';
import { sameChecked } from '../src/core/sameContent';
import { formatSpillRecord, parseSpillRecord } from '../src/core/spillRecord';
import { readStoredLine } from '../src/core/storedLine';
import { formatTime, isStoredTime, parseRfc3339 } from '../src/core/time';
import { nodeHost } from '../src/store/machine/nodeHost';
import { Writer } from '../src/store/append/writer';
import { testPaths } from './support/ledgers';
import { verify } from '../src/services/verify';
import { canonical, faultsOf, rowsOf } from './support/miniVerifier';
import { tempFolder, writerIn } from './support/writers';

/** Text as hostile as Unicode allows: any scalar value, controls and marks more often than by chance. */
const letter = fc.oneof(
  fc.constantFrom(
    '"',
    '\\',
    '/',
    '\n',
    '\r',
    '\t',
    '\0',
    '\u001b',
    '\u0085',
    '\u009b',
    '\u061c',
    '\u202e',
    '\u2028',
    '😀',
    '\ue000',
    '\uffff',
    ',',
  ),
  fc
    .integer({ min: 0, max: 0x10ffff })
    .filter((code) => code < 0xd800 || code > 0xdfff)
    .map((code) => String.fromCodePoint(code)),
  fc.constantFrom('a', 'b', '0', '_'),
);
const text = fc.string({ unit: letter, maxLength: 12 });
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(0, -0, 1e21, 1e-7, 5e-324, 2 ** 53, Number.MAX_VALUE, 0.1 + 0.2),
);
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(text, number, fc.boolean(), fc.constant(null)),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '1', '0')), tie('json'), { maxKeys: 4 }),
  ),
}));
const RUNS = { numRuns: 400 };

/** -0 and 0 are one JSON number here. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, item: unknown) => (item === 0 ? 0 : item)));

test('stored JSON reads back as it was, and is spelled in one way', () => {
  fc.assert(
    fc.property(json, (value) => {
      const line = storedJson(toJson(value));
      assert.deepEqual(JSON.parse(line), plain(value));
      assert.equal(storedJson(parseJson(line)), line);
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
    }),
    RUNS,
  );
});

test('canonical form is that of a second implementation', () => {
  fc.assert(
    fc.property(json, (value) => {
      assert.equal(canonicalJson(toJson(value)), canonical(plain(value)));
      assert.equal(canonicalJson(parseJson(JSON.stringify(value, null, 2))), canonical(plain(value)));
    }),
    RUNS,
  );
});

test('a number is taken in every spelling of its value, and refused where it would change', () => {
  fc.assert(
    fc.property(number, fc.integer({ min: 0, max: 100 }), (value, digits) => {
      const read = (token: string): string => storedJson(parseJson(token));
      assert.equal(read(JSON.stringify(value)), JSON.stringify(value === 0 ? 0 : value));
      assert.equal(read(value.toExponential()), JSON.stringify(value === 0 ? 0 : value));
      const fixed = value.toFixed(digits);
      let taken: string | undefined;
      try {
        taken = read(fixed);
      } catch (error) {
        assert.ok(error instanceof LedgerError && error.code === 'JSON_NUMBER');
      }
      if (taken !== undefined) assert.equal(Number(taken), Number(fixed) + 0);
      // Whole numbers of up to 15 digits are never refused.
      if (Number.isInteger(value) && Math.abs(value) < 1e15) assert.equal(taken, String(value === 0 ? 0 : value));
    }),
    RUNS,
  );
});

test('money: reading is the inverse of writing, and exact', () => {
  const nanos = fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 });
  fc.assert(
    fc.property(nanos, fc.integer({ min: 0, max: 20 }), fc.integer({ min: -12, max: 12 }), (value, zeros, shift) => {
      const written = formatNanos(value);
      assert.equal(parseCostNanos(written), value);
      assert.equal(parseCostNanos(written + (written.includes('.') ? '' : '.') + '0'.repeat(zeros + 1)), value);
      // The same value with its point somewhere else.
      assert.equal(parseCostNanos(`${BigInt(value) * 10n ** 12n}e-21`), value);
      assert.equal(parseCostNanos(`${BigInt(value) * 10n ** BigInt(12 + shift)}e${-21 - shift}`), value);
    }),
    RUNS,
  );
  fc.assert(
    fc.property(text, (odd) => {
      const read = parseCostNanos(odd);
      if (read !== undefined) assert.equal(Math.round(Number(odd) * 1e9), read);
    }),
    RUNS,
  );
});

test('time: reading is the inverse of writing, through any offset', () => {
  const first = Date.parse('0000-01-02T00:00:00.000Z');
  const last = Date.UTC(9999, 11, 30, 23, 59, 59, 999);
  fc.assert(
    fc.property(fc.integer({ min: first, max: last }), fc.integer({ min: -1439, max: 1439 }), (ms, offset) => {
      const written = formatTime(ms);
      assert.ok(isStoredTime(written));
      assert.equal(parseRfc3339(written), ms);
      const size = Math.abs(offset);
      const zone = `${offset < 0 ? '-' : '+'}${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
      assert.equal(parseRfc3339(formatTime(ms + offset * 60_000).replace('Z', zone)), ms);
    }),
    RUNS,
  );
  const part = (max: number): fc.Arbitrary<string> =>
    fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
  const odd = fc.tuple(
    fc.constantFrom('0000', '1900', '2000', '2026'),
    part(13),
    part(32),
    part(24),
    part(60),
    part(60),
  );
  fc.assert(
    fc.property(odd, ([year, month, day, hour, minute, second]) => {
      const given = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
      const ms = Date.parse(given);
      // Date.parse rolls February 30 over into March; a date of the calendar comes back as it was.
      const isReal = !Number.isNaN(ms) && new Date(ms).toISOString() === given;
      assert.equal(parseRfc3339(given), isReal ? ms : undefined);
    }),
    RUNS,
  );
});

/** A value that its member takes. */
function valueOf(name: CallerMember): fc.Arbitrary<unknown> {
  switch (CALLER_MEMBERS[name]) {
    case 'string':
      return text.filter((value) => value !== '');
    case 'action':
      return fc.constantFrom('a.b', 'pulse_probe', 'x');
    case 'time':
      return fc.integer({ min: 0, max: Date.UTC(2026, 0) }).map((ms) => formatTime(ms));
    case 'cost':
      return fc.integer({ min: 0, max: 999_999_999_999_999 }).map((nanos) => formatNanos(nanos));
    case 'count':
      return fc.integer({ min: 0, max: 1e9 });
    case 'provenance':
      return fc.constantFrom('live', 'sample', 'fallback', 'imported');
    case 'payload':
      return fc.dictionary(text, json, { maxKeys: 3 });
  }
}
const known = fc
  .subarray(CALLER_MEMBER_NAMES.filter((name) => name !== 'action'))
  .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant<string>(name), valueOf(name)))));
const extra = fc.array(
  fc.tuple(
    fc.oneof(
      text.map((name) => `x${name}`),
      fc.constant('__proto__'),
    ),
    json,
  ),
  { maxLength: 3 },
);
const row = fc.tuple(known, extra, valueOf('action')).map(([given, more, action]) => {
  const members = new Map<string, unknown>([...more, ['action', action], ...given]);
  return members;
});

const AT = {
  seq: 7,
  ts: '2026-04-25T20:09:24.604Z',
  id: '01JTESTTESTTESTTESTTESTTES',
  by: '0:ro"ot@höst',
  nonce: 'A'.repeat(22),
  prevHash: 'a'.repeat(64),
};
const placed = (checked: CheckedRow): string =>
  placeRow(checked, {
    ...AT,
    run: checked.runId === undefined ? undefined : { seq: 0, hash: ZERO_HASH },
    decision: checked.decisionId === undefined ? undefined : { seq: 0, hash: ZERO_HASH },
  }).line;

test('a row that is taken reads back member for member, and its line checks strictly', () => {
  fc.assert(
    fc.property(row, (members) => {
      const checked = checkRow(toJson(members), { nowMs: undefined });
      const line = placed(checked);
      const back = new Map(Object.entries(JSON.parse(line) as object));
      for (const [name, value] of members) {
        const want = name === 'cost_usd' ? Number(value) : plain(value);
        assert.deepEqual(back.get(name), want, name);
      }
      assert.equal(readLine(Buffer.from(line)).kind, 'row');
      const read = readStoredLine(Buffer.from(line), { strict: true });
      assert.deepEqual(read.kind === 'row' ? read.faults : read, []);
    }),
    RUNS,
  );
});

test('a row that is taken can be spilled, read again, and is the same row', () => {
  const head = { id: AT.id, ledgerId: null, spilledAt: AT.ts, why: 'x', after: { seq: 0, hash: ZERO_HASH } };
  fc.assert(
    fc.property(row, (members) => {
      const checked = checkRow(toJson(members), { nowMs: undefined });
      const record = parseSpillRecord(Buffer.from(formatSpillRecord(head, checked).trim()));
      assert.ok(record !== undefined);
      const again = checkRow(record.row, { nowMs: undefined });
      assert.equal(again.members, checked.members);
      const turned = checkRow(toJson(new Map([...members].reverse())), { nowMs: undefined });
      assert.ok(sameChecked(checked, turned), 'order makes no other row');
    }),
    RUNS,
  );
});

test('rows in any groups and calls make a chain and streams that hold', async () => {
  const silent = {
    onHeal: () => undefined,
    onDrain: () => undefined,
    onRowsLost: () => undefined,
    onIndexFault: () => undefined,
    onOtherLedger: () => undefined,
  };
  const id = fc.constantFrom('r1', 'r2', 'r"3\u0085', undefined);
  const small = fc.record({
    action: fc.constant('a.b'),
    run_id: id,
    decision_id: id,
    x: json,
    key: fc.option(fc.nat(4)),
  });
  const calls = fc.array(fc.tuple(fc.array(small, { minLength: 1, maxLength: 5 }), fc.nat(1), fc.boolean()), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(calls, async (batches) => {
      const dir = mkdtempSync(join(tmpdir(), 'ledger-properties-'));
      try {
        const paths = testPaths(join(dir, 'state'));
        const writers = [1, 2].map(() => new Writer({ paths, host: nodeHost(), durability: 'os', events: silent }));
        const landed: number[] = [];
        const keys = new Map<string, number>();
        let underway: Promise<void>[] = [];
        for (const [rows, which, waits] of batches) {
          const checked = rows.map(({ key, ...given }) =>
            checkRow(toJson(key === null ? given : { action: 'k.k', idempotency_key: `k${key}` }), {
              nowMs: undefined,
            }),
          );
          const writer = writers[which] as Writer;
          underway.push(
            writer.append(checked).then((receipts) => {
              receipts.forEach((receipt, i) => {
                assert.ok(receipt.status === 'landed' || receipt.status === 'duplicate');
                if (receipt.status === 'landed') landed.push(receipt.seq);
                const key = checked[i]?.idempotencyKey;
                if (key !== undefined) assert.equal(keys.get(key) ?? receipt.seq, receipt.seq);
                if (key !== undefined) keys.set(key, receipt.seq);
              });
            }),
          );
          if (waits) await Promise.all(underway.splice(0));
        }
        await Promise.all(underway);
        underway = [];
        for (const writer of writers) await writer.close();
        if (batches.length === 0) return;
        assert.deepEqual(faultsOf(paths.ledger), []);
        assert.equal(rowsOf(paths.ledger).length, landed.length + 1, 'each landed row once');
        assert.equal(new Set(landed).size, landed.length);
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    }),
    { numRuns: 60 },
  );
});

test('whatever callers say, verify finds every line as the writer writes it, whichever way it is read', async (t) => {
  const dir = join(tempFolder(t), 'state');
  const { writer } = writerIn(t, dir);
  const rows = fc.sample(row, { numRuns: 600, seed: 20_260_425 });
  const checked = rows.map((members) => checkRow(toJson(withoutKey(members)), { nowMs: undefined }));
  assert.ok((await writer.append(checked)).every(({ status }) => status === 'landed'));
  await writer.close();
  assert.deepEqual(faultsOf(join(dir, 'audit.jsonl')), []);
  const place = { dir, configPath: undefined, env: process.env };
  for (const strict of [false, true]) {
    const { verdict, findings } = await verify({ place, strict });
    assert.deepEqual([verdict, findings], ['intact', []]);
  }
});

/** Keys repeat by chance, and then conflict. */
function withoutKey(members: ReadonlyMap<string, unknown>): Map<string, unknown> {
  return new Map([...members].filter(([name]) => name !== 'idempotency_key'));
}
