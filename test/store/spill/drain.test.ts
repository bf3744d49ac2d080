/** What was spilled is chained exactly once, whatever the row was and whatever happened meanwhile. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { LedgerError } from '../../../src/core/errors';
import { MAX_INPUT_BYTES, MAX_LINE_BYTES } from '../../../src/core/row';
import { formatSpillRecord } from '../../../src/core/spillRecord';
import { verifyLedger } from '../../../src/services/verify';
import { nodeHost } from '../../../src/store/machine/nodeHost';
import type { StatePaths } from '../../../src/store/paths';
import { spillRows } from '../../../src/store/spill/spill';
import { testPaths } from '../../support/ledgers';
import { faultsOf, rowsOf } from '../../support/miniVerifier';
import { checked, statusesOf, tempFolder, writerIn } from '../../support/writers';

type Input = Readonly<Record<string, unknown>>;

function spill(paths: StatePaths, ...rows: readonly Input[]): string[] {
  const [genesis] = existsSync(paths.ledger) ? rowsOf(paths.ledger) : [];
  const { ledger_id: id } = (genesis?.['payload'] ?? { ledger_id: null }) as { ledger_id: string | null };
  const reason = { error: new LedgerError('LOCK_TIMEOUT', 'held'), ledgerId: id, attempt: undefined };
  return spillRows(paths, nodeHost(), rows.map(checked), reason).ids as string[];
}

/** The rows as the ledger has them now, without the genesis row; nothing is left behind, and the chain holds. */
function drained(paths: StatePaths): Input[] {
  assert.deepEqual(faultsOf(paths.ledger), []);
  for (const path of [paths.spill, paths.draining, paths.secondSpill, paths.secondDraining])
    assert.ok(!existsSync(path), path);
  return rowsOf(paths.ledger).slice(1);
}

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
/** A row of exactly the greatest length. */
function longest(more: Input = {}): Input {
  const around = Buffer.byteLength(checked({ action: 'a.b', ...more, x: '' }).members);
  return { action: 'a.b', ...more, x: 'x'.repeat(MAX_INPUT_BYTES - around) };
}

test('every row that can be taken can be drained: the longest, the deepest, the smallest cost', async (t) => {
  const w = writerIn(t, tempFolder(t));
  await w.append({ action: 'first' });
  const rows: Input[] = [
    longest({ run_id: 'r', decision_id: 'd' }),
    { action: 'a.b', deep: nested(63), run_id: 'r' },
    { action: 'a.b', cost_usd: '1e-9', decision_id: 'd' },
    { action: 'cost.refund', ref: 'x', cost_usd: '-0.00000025' },
    { action: 'a.b', cost_usd: '999999.999999999' },
    JSON.parse('{"action":"a.b","__proto__":{"a":1},"reason":"\\u001b[31m,\\"row\\":{"}') as Input,
  ];
  const ids = spill(w.paths, ...rows);
  assert.equal(statusesOf(await w.append({ action: 'last' })), 'landed');
  const found = drained(w.paths);
  assert.deepEqual(
    found.map((row) => row['spill_id']),
    [undefined, ...ids, undefined],
  );
  assert.ok(
    found.every(({ action }) => !String(action).startsWith('audit.')),
    'nothing was set aside',
  );
  assert.match(readFileSync(w.paths.ledger, 'utf8'), /"cost_usd":0\.000000001,[^\n]*"spill_id"/);
  const longestLine = Math.max(
    ...readFileSync(w.paths.ledger, 'utf8')
      .split('\n')
      .map((line) => Buffer.byteLength(line)),
  );
  assert.ok(longestLine <= MAX_LINE_BYTES);
  assert.ok(found.slice(1, -1).every((row) => typeof row['occurred_at'] === 'string'));
});

test('a record that was written twice, in both places, or drained before, is chained once', async (t) => {
  const w = writerIn(t, tempFolder(t));
  await w.append({ action: 'first' });
  spill(w.paths, { action: 'a.b', n: 1 }, { action: 'a.b', n: 2 });
  const bytes = readFileSync(w.paths.spill);
  appendFileSync(w.paths.spill, bytes);
  mkdirSync(dirname(w.paths.secondSpill), { recursive: true });
  copyFileSync(w.paths.spill, w.paths.secondSpill);
  await w.append({ action: 'c.d' });
  // A kill after the commit and before the unlink.
  writeFileSync(w.paths.draining, bytes, { mode: 0o600 });
  await w.append({ action: 'c.d' });
  assert.deepEqual(
    drained(w.paths).map(({ action, n }) => n ?? action),
    ['first', 1, 2, 'c.d', 'c.d'],
  );
});

test('a record that was changed is a named gap, one that a crash cut is none; both are kept', async (t) => {
  for (const [change, verdict, why] of [
    [(text: string) => text.replace('"n":1', '"n":7'), 'gaps', 'altered'],
    [(text: string) => text.replace('"n":1', '"n":"'), 'gaps', 'altered'],
    [(text: string) => text.slice(0, -80), 'intact', 'torn'],
    [(text: string) => text.replace('"n":1', '"n\0:1'), 'intact', 'torn'],
    [(text: string) => text.replace(/("ledger_id":")../, '$177'), 'intact', 'foreign'],
  ] as const) {
    const w = writerIn(t, tempFolder(t));
    await w.append({ action: 'first' });
    spill(w.paths, { action: 'a.b', n: 1 });
    writeFileSync(w.paths.spill, change(readFileSync(w.paths.spill, 'utf8')));
    const before = await verifyLedger({ paths: w.paths });
    assert.ok(before.warnings.some((text) => text.startsWith('1 of the records in the spill files')));
    assert.equal(statusesOf(await w.append({ action: 'last' })), 'landed');
    const [, , heal] = rowsOf(w.paths.ledger) as { seq: number; payload: Record<string, unknown> }[];
    assert.deepEqual([heal?.payload['source'], heal?.payload['why']], ['spill', why]);
    assert.ok(existsSync(join(w.paths.dir, String(heal?.payload['quarantine']))));
    const after = await verifyLedger({ paths: w.paths });
    assert.deepEqual(
      [after.verdict, after.gaps.map(({ kind }) => kind)],
      [verdict, verdict === 'gaps' ? ['spilled-row'] : []],
    );
  }
});

test('a drain that was left half-done comes first, newer records after it', async (t) => {
  const w = writerIn(t, tempFolder(t));
  await w.append({ action: 'first' });
  spill(w.paths, { action: 'a.b', n: 1 });
  renameSync(w.paths.spill, w.paths.draining);
  spill(w.paths, { action: 'a.b', n: 2 });
  await w.append({ action: 'a.b', n: 3 });
  assert.deepEqual(
    drained(w.paths).map(({ n }) => n),
    [undefined, 1, 2, 3],
  );
});

test('the same key: spilled twice, taken meanwhile, with the same and with other content', async (t) => {
  const w = writerIn(t, tempFolder(t));
  const [first] = await w.append({ action: 'a.b', idempotency_key: 'k0' });
  assert.ok(first?.status === 'landed');
  const ids = spill(
    w.paths,
    { action: 'a.b', idempotency_key: 'k0' },
    { action: 'a.b', idempotency_key: 'k0', other: true },
    { action: 'a.b', idempotency_key: 'k1', x: 1, y: 2 },
    { action: 'a.b', idempotency_key: 'k1', y: 2, x: 1 },
    { action: 'a.b', idempotency_key: 'k1', x: 2 },
    { action: 'a.b', idempotency_key: 'k0', deep: nested(63) },
  );
  // Its own row comes with a key that waits: the drain comes first, so it is a duplicate.
  const again = await w.append({ action: 'a.b', idempotency_key: 'k1', x: 1, y: 2 });
  assert.equal(statusesOf(again), 'duplicate');
  await assert.rejects(
    w.append({ action: 'a.b', idempotency_key: 'k1' }).then((receipts) => {
      if (receipts[0]?.status === 'refused') throw receipts[0].error;
    }),
    { code: 'IDEMPOTENCY_CONFLICT' },
  );
  const rows = drained(w.paths);
  assert.deepEqual(
    rows.map(({ action }) => action),
    [
      'a.b',
      'audit.spill-duplicate',
      'audit.spill-duplicate',
      'a.b',
      'audit.spill-duplicate',
      'audit.spill-duplicate',
      'audit.heal-truncation',
    ],
  );
  const payloads = rows.map(({ payload }) => payload as Input);
  assert.deepEqual(payloads[1], { spill_id: ids[0], of: 2 });
  assert.deepEqual(payloads[2], {
    spill_id: ids[1],
    of: 2,
    row: { action: 'a.b', idempotency_key: 'k0', other: true },
  });
  assert.deepEqual(payloads[4], { spill_id: ids[3], of: 5 }, 'order does not make other content');
  assert.deepEqual((payloads[5] as { row: Input }).row['x'], 2);
  // Too deep for a payload: its bytes are kept in quarantine, and the row says which record it was.
  assert.deepEqual([payloads[6]?.['spill_id'], payloads[6]?.['of']], [ids[5], 2]);
  assert.match(readFileSync(join(w.paths.dir, String(payloads[6]?.['quarantine'])), 'utf8'), /"deep":\[\[/);
});

test('a record that was set aside for its key is not set aside again', async (t) => {
  const w = writerIn(t, tempFolder(t));
  await w.append({ action: 'a.b', idempotency_key: 'k' });
  spill(w.paths, { action: 'a.b', idempotency_key: 'k', deep: nested(63) });
  const bytes = readFileSync(w.paths.spill);
  await w.append({ action: 'c.d' });
  writeFileSync(w.paths.draining, bytes, { mode: 0o600 });
  await w.append({ action: 'c.d' });
  assert.equal(drained(w.paths).filter(({ action }) => action === 'audit.heal-truncation').length, 1);
});

test('torn, foreign and impossible records are set aside, each once, byte for byte, and block nothing', async (t) => {
  const w = writerIn(t, tempFolder(t));
  await w.append({ action: 'first' });
  const record = {
    id: '01JTESTTESTTESTTESTTESTTES',
    spilledAt: '2026-04-25T20:09:24.604Z',
    why: 'x',
    after: { seq: 0, hash: '0'.repeat(64) },
  };
  const foreign = formatSpillRecord(
    { ...record, ledgerId: '01JSOMEBODYELSESLEDGER0000' },
    checked({ action: 'a.b', n: 9 }),
  ).trim();
  const odd = ['{"spill":1,"id":"01J', 'garbage \u001b[31m', '{"spill":1}', foreign, '\0\0\0'];
  writeFileSync(w.paths.spill, `${odd.join('\n')}\n`, { mode: 0o600 });
  spill(w.paths, { action: 'a.b', n: 1 });
  const bytes = readFileSync(w.paths.spill);
  await w.append({ action: 'last' });
  writeFileSync(w.paths.draining, bytes, { mode: 0o600 });
  await w.append({ action: 'last' });
  const rows = drained(w.paths);
  const healed = rows.filter(({ action }) => action === 'audit.heal-truncation');
  assert.equal(healed.length, odd.length);
  const files = readdirSync(w.paths.quarantine).map((name) => readFileSync(join(w.paths.quarantine, name), 'utf8'));
  assert.deepEqual(files.sort(), odd.sort());
  assert.deepEqual(
    rows.filter(({ n }) => n !== undefined).map(({ n }) => n),
    [1],
  );
});

test('a backdated spill keeps its own time, and a clock that was set back refuses nothing', async (t) => {
  const dir = tempFolder(t);
  const w = writerIn(t, dir);
  await w.append({ action: 'first' });
  spill(w.paths, { action: 'a.b', occurred_at: '2020-01-01T00:00:00Z' }, { action: 'a.b' });
  const back = writerIn(t, dir, { nowMs: () => Date.UTC(2001, 0, 1) });
  assert.equal(statusesOf(await back.append({ action: 'c.d' })), 'landed');
  const rows = drained(w.paths);
  assert.equal(rows[1]?.['occurred_at'], '2020-01-01T00:00:00.000Z');
  assert.ok(String(rows[2]?.['occurred_at']) > String(rows[2]?.['ts']), 'spilled_at, by the clock of then');
});

test('rows for a missing ledger wait until it is back, then come in, once', async (t) => {
  const dir = tempFolder(t);
  const w = writerIn(t, dir);
  await w.append({ action: 'first' });
  renameSync(w.paths.ledger, `${w.paths.ledger}.away`);
  const [receipt] = await w.append({ action: 'a.b', n: 1 });
  assert.equal(receipt?.status === 'spilled' && receipt.error.code, 'LEDGER_MISSING');
  // The lock file went away as well: nobody knows which ledger it was.
  renameSync(w.paths.lock, `${w.paths.lock}.away`);
  writeFileSync(w.paths.index, 'something');
  assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'a.b', n: 2 })), 'spilled');
  assert.ok(!existsSync(w.paths.ledger), 'no fresh chain');
  renameSync(`${w.paths.ledger}.away`, w.paths.ledger);
  await writerIn(t, dir).append({ action: 'a.b', n: 3 });
  assert.deepEqual(
    drained(w.paths).map(({ n }) => n),
    [undefined, 1, 2, 3],
  );
});

test('a group that could not be written: rows and duplicates spill and come in once, a refused call stays refused', async (t) => {
  const dir = tempFolder(t);
  const first = writerIn(t, dir);
  await first.append({ action: 'a.b', idempotency_key: 'taken' });
  // Somebody writes beside the lock while the rows are placed, and takes it back before the next append.
  const before = readFileSync(first.paths.ledger);
  let disturbs = true;
  const host = nodeHost();
  const w = writerIn(t, dir, {
    random: (length) => {
      if (disturbs && length === 16) appendFileSync(first.paths.ledger, 'foreign\n');
      return host.random(length);
    },
  });
  const receipts = await Promise.all([
    w.append({ action: 'a.b', n: 1, idempotency_key: 'k' }),
    w.append({ action: 'a.b', n: 9 }, { action: 'a.b', idempotency_key: 'taken', other: 1 }),
    w.append({ action: 'a.b', n: 1, idempotency_key: 'k' }),
    w.append({ action: 'a.b', n: 2 }),
  ]);
  assert.deepEqual(receipts.map(statusesOf), ['spilled', 'refused,refused', 'spilled', 'spilled']);
  disturbs = false;
  writeFileSync(first.paths.ledger, before);
  await w.append({ action: 'a.b', n: 3 });
  const rows = drained(w.paths);
  assert.deepEqual(
    rows.map(({ action, n }) => n ?? action),
    ['a.b', 1, 'audit.spill-duplicate', 2, 3],
  );
  assert.deepEqual(Object.keys(rows[2]?.['payload'] as Input), ['spill_id', 'of'], 'the same content: not kept twice');
});

test('more than one drain may take come in turns; every row in order', async (t) => {
  const w = writerIn(t, tempFolder(t));
  await w.append({ action: 'first' });
  const total = 2_300;
  spill(w.paths, ...Array.from({ length: total }, (_, n) => ({ action: 'a.b', n })));
  for (let i = 0; i < 3; i++) await w.append({ action: 'c.d' });
  assert.deepEqual(
    w.drains.map(({ chained, more }) => [chained, more]),
    [
      [1000, true],
      [1000, true],
      [300, false],
    ],
  );
  const found = drained(w.paths).flatMap(({ n }) => (typeof n === 'number' ? [n] : []));
  assert.deepEqual(found, [...Array(total).keys()]);
});

test('a spill of one state folder is not taken for that of another', (t) => {
  const [one, two] = [testPaths(tempFolder(t)), testPaths(tempFolder(t))];
  assert.notEqual(one.secondSpill.split('/').at(-1), two.secondSpill.split('/').at(-1));
});

test('a folder in the place of the spill file is refused where it stands, and the row with it', async (t) => {
  const w = writerIn(t, tempFolder(t));
  assert.equal(statusesOf(await w.append({ action: 'a.b' })), 'landed');
  mkdirSync(w.paths.spill);
  await assert.rejects(
    w.append({ action: 'a.b' }),
    (error: unknown) => error instanceof LedgerError && error.code === 'UNSAFE_PATH',
  );
  assert.deepEqual(readdirSync(w.paths.spill), []);
  assert.equal(rowsOf(w.paths.ledger).length, 2);
});
