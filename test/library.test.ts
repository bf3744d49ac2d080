/** The library: the same guarantees from a program; typed refusals; calls made together are one group. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { LedgerError, openLedger } from '../src/index';
import type { ErrorCode, Ledger, Row, RowInput } from '../src/index';
import { MAX_INPUT_BYTES } from '../src/core/row';
import { faultsOf, rowsOf } from './support/miniVerifier';
import { run, start, until } from './support/process';
import { ledgerCommand, sandboxAt } from './support/sandbox';
import { tempFolder } from './support/writers';

process.env['XDG_STATE_HOME'] = join(tempRoot(), 'xdg');

function tempRoot(): string {
  return process.env['TMPDIR'] ?? '/tmp';
}

interface Opened {
  readonly ledger: Ledger;
  readonly dir: string;
  readonly path: string;
}

function opened(t: TestContext, dir = join(tempFolder(t), 'state')): Opened {
  const ledger = openLedger({ dir });
  t.after(() => ledger.close());
  return { ledger, dir, path: join(dir, 'audit.jsonl') };
}

const refused = (code: ErrorCode, line?: number) => (error: unknown) =>
  error instanceof LedgerError && error.code === code && (line === undefined || error.place?.line === line);

test('rows land in order, with their seq and hash; the folder is for its owner alone', async (t) => {
  const { ledger, dir, path } = opened(t);
  assert.ok(!existsSync(dir), 'opening writes nothing');
  const receipts = await ledger.append([
    { action: 'a.b', agent: 'x', cost_usd: '0.0123' },
    { action: 'a.b', payload: { z: [1, { y: null }] }, run_id: 'r' },
  ]);
  assert.deepEqual(
    receipts.map((receipt) => [receipt.status, 'seq' in receipt && receipt.seq]),
    [
      ['landed', 2],
      ['landed', 3],
    ],
  );
  const rows = rowsOf(path);
  assert.deepEqual(
    receipts.map((receipt) => 'hash' in receipt && receipt.hash),
    rows.slice(1).map(({ hash }) => hash),
  );
  assert.deepEqual(faultsOf(path), []);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(await ledger.append([]), []);
});

test('calls made together commit as one group: one ts, no other process in between, each call in order', async (t) => {
  const { ledger, path } = opened(t);
  await ledger.append([{ action: 'warm.up' }]);
  const calls = Array.from({ length: 200 }, (_, n) => ledger.append([{ action: 'a.b', run_id: `r${n % 7}`, n }]));
  const receipts = (await Promise.all(calls)).flat();
  assert.deepEqual(
    receipts.map((receipt) => 'seq' in receipt && receipt.seq),
    receipts.map((_, i) => i + 3),
  );
  const rows = rowsOf(path).slice(2);
  assert.equal(new Set(rows.map(({ ts }) => ts)).size, 1, 'one group has one clock reading');
  assert.deepEqual(faultsOf(path), []);
});

test('a call is all or nothing; its neighbours in the group land', async (t) => {
  const { ledger, path } = opened(t);
  await ledger.append([{ action: 'a.b', idempotency_key: 'taken' }]);
  const before = readFileSync(path);
  await assert.rejects(
    ledger.append([
      { action: 'a.b', n: 1 },
      { action: 'a.b', seq: 5 },
    ]),
    refused('MEMBER_RESERVED', 2),
  );
  assert.ok(readFileSync(path).equals(before), 'nothing of it is written');
  const results = await Promise.allSettled([
    ledger.append([{ action: 'a.b', n: 1 }]),
    ledger.append([
      { action: 'a.b', n: 2 },
      { action: 'a.b', idempotency_key: 'taken', other: 1 },
    ]),
    ledger.append([{ action: 'a.b', n: 3 }]),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.ok(results[1]?.status === 'rejected' && refused('IDEMPOTENCY_CONFLICT')(results[1].reason));
  assert.deepEqual(
    rowsOf(path).flatMap(({ n }) => (n === undefined ? [] : [n])),
    [1, 3],
  );
  assert.deepEqual(faultsOf(path), []);
});

test('each refusal has its code and the row it is about', async (t) => {
  const { ledger, dir } = opened(t);
  const cyclic: Record<string, unknown> = { action: 'a.b' };
  cyclic['self'] = cyclic;
  const cases: readonly [unknown, ErrorCode][] = [
    [{}, 'MEMBER_MISSING'],
    [{ action: 'audit.x' }, 'MEMBER_RESERVED'],
    [{ action: 'a.b', hash: 'x' }, 'MEMBER_RESERVED'],
    [{ action: 'a.b', cost_usd: 0.1 + 0.2 }, 'MEMBER_TYPE'],
    [{ action: 'a.b', cost_usd: -1 }, 'MEMBER_VALUE'],
    [{ action: 'a.b', n: NaN }, 'JSON_NUMBER'],
    [{ action: 'a.b', n: 10n }, 'MEMBER_TYPE'],
    [{ action: 'a.b', at: new Date() }, 'MEMBER_TYPE'],
    [{ action: 'a.b', x: '\ud800' }, 'JSON_SURROGATE'],
    [cyclic, 'JSON_DEPTH'],
    [{ action: 'a.b', x: 'x'.repeat(MAX_INPUT_BYTES) }, 'ROW_TOO_LONG'],
    [{ action: 'a.b', occurred_at: '2999-01-01T00:00:00Z' }, 'CLOCK_AHEAD'],
    [null, 'ROW_NOT_OBJECT'],
    [[], 'ROW_NOT_OBJECT'],
    [undefined, 'MEMBER_TYPE'],
  ];
  for (const [row, code] of cases) {
    const call = ledger.append([{ action: 'ok' }, row as RowInput]);
    await assert.rejects(
      call,
      refused(code, 2),
      `${code}: ${JSON.stringify(row === cyclic ? 'cyclic' : row, (_, value: unknown) => (typeof value === 'bigint' ? 'n' : value))?.slice(0, 60)}`,
    );
  }
  assert.ok(!existsSync(dir), 'a refused first row creates no ledger');
});

test('a row that is changed after the call is stored as it was', async (t) => {
  const { ledger, path } = opened(t);
  const payload = { n: 1 };
  const call = ledger.append([{ action: 'a.b', payload }]);
  payload.n = 2;
  await call;
  assert.deepEqual(rowsOf(path)[1]?.['payload'], { n: 1 });
});

test('idempotency: within a call, a group, a handle, a process, over 256 KiB of other rows', async (t) => {
  const { ledger, dir, path } = opened(t);
  const row = { action: 'a.b', idempotency_key: 'k"\u0085', x: 1, y: { a: 1, b: 2 } };
  const turned = { y: { b: 2, a: 1 }, x: 1, idempotency_key: 'k"\u0085', action: 'a.b' };
  const [first, second] = await ledger.append([row, turned]);
  assert.deepEqual([first?.status, second?.status], ['landed', 'duplicate']);
  const again = await Promise.all([ledger.append([row]), ledger.append([turned]), openLedger({ dir }).append([row])]);
  for (const [receipt] of again) assert.deepEqual({ ...receipt, status: 'landed' }, first);
  await assert.rejects(ledger.append([{ ...row, x: 2 }]), refused('IDEMPOTENCY_CONFLICT'));
  await assert.rejects(
    ledger.append([
      { action: 'a.b', idempotency_key: 'new' },
      { action: 'a.b', idempotency_key: 'new', x: 1 },
    ]),
    refused('IDEMPOTENCY_CONFLICT'),
  );
  await ledger.append(Array.from({ length: 40 }, () => ({ action: 'a.b', x: 'x'.repeat(10_000) })));
  assert.equal((await ledger.append([row]))[0]?.status, 'duplicate');
  assert.equal((await openLedger({ dir }).append([turned]))[0]?.status, 'duplicate');
  assert.equal(rowsOf(path).filter(({ idempotency_key: key }) => key !== undefined).length, 1);
});

test('two ledgers in one process know nothing of each other', async (t) => {
  const [one, two] = [opened(t), opened(t)];
  await Promise.all(
    Array.from({ length: 30 }, (_, n) =>
      [one, two].map(({ ledger }) => ledger.append([{ action: 'a.b', run_id: 'r', idempotency_key: `${n}` }])),
    ).flat(),
  );
  for (const { path } of [one, two]) {
    assert.equal(rowsOf(path).length, 31);
    assert.deepEqual(faultsOf(path), []);
  }
  assert.notDeepEqual(rowsOf(one.path)[0]?.['payload'], rowsOf(two.path)[0]?.['payload']);
});

test('two handles on one ledger in one process take turns; one is created', async (t) => {
  const one = opened(t);
  const two = opened(t, one.dir);
  const calls = Array.from({ length: 40 }, (_, n) =>
    (n % 2 === 0 ? one : two).ledger.append([{ action: 'a.b', run_id: 'r', n }]),
  );
  const receipts = (await Promise.all(calls)).flat();
  assert.ok(receipts.every(({ status }) => status === 'landed'));
  for (let n = 0; n < 10; n++) await (n % 2 === 0 ? one : two).ledger.append([{ action: 'a.b', run_id: 'r', n }]);
  assert.equal(rowsOf(one.path).length, 51);
  assert.deepEqual(faultsOf(one.path), []);
});

test('the environment of the process sets nothing in rows of a program', async (t) => {
  process.env['LEDGER_RUN_ID'] = 'from-the-environment';
  t.after(() => delete process.env['LEDGER_RUN_ID']);
  const { ledger, path } = opened(t);
  await ledger.append([{ action: 'a.b' }]);
  assert.equal(rowsOf(path)[1]?.['run_id'], undefined);
});

test('follow shows rows of another process, once, in order, filtered; it ends when told', async (t) => {
  const { ledger, dir } = opened(t);
  await ledger.append([{ action: 'before.it' }]);
  const stop = new AbortController();
  const seen: Row[] = [];
  const done = (async () => {
    for await (const row of ledger.follow({ afterSeq: 1, where: { agent: 'x' } }, stop.signal)) seen.push(row);
  })();
  const box = { ...sandboxAt(join(dir, '..'), { dir }) };
  const input = Array.from({ length: 20 }, (_, n) => JSON.stringify({ action: 'a.b', agent: n % 2 ? 'x' : 'y', n }));
  const ended = await run(ledgerCommand('append', '-'), { env: box.env, stdin: input.join('\n') });
  assert.equal(ended.status, 0, ended.stderr);
  await until('ten rows are seen', () => seen.length >= 10);
  stop.abort();
  await done;
  assert.deepEqual(
    seen.map(({ n }) => n),
    [1, 3, 5, 7, 9, 11, 13, 15, 17, 19],
  );
});

test('follow shows what is appended between the call and the loop; without a ledger the call says so', async (t) => {
  const { ledger } = opened(t);
  assert.throws(() => ledger.follow(), { code: 'LEDGER_MISSING' });
  await ledger.append([{ action: 'before.it' }]);
  const stop = new AbortController();
  const rows = ledger.follow({}, stop.signal);
  await ledger.append([{ action: 'in.between' }]);
  const seen: string[] = [];
  const done = (async () => {
    for await (const { action } of rows) seen.push(action);
  })();
  t.after(() => stop.abort());
  await until('the row is seen', () => seen.length > 0);
  stop.abort();
  await done;
  assert.deepEqual(seen, ['in.between']);
});

test('ids grow over processes that append at the same time, and over one whose clock was set back', async (t) => {
  const { ledger, dir, path } = opened(t);
  await ledger.append([{ action: 'a.b' }]);
  const box = sandboxAt(join(dir, '..'), { dir });
  const others = [1, 2].map((k) =>
    start(ledgerCommand('append', '-'), { env: box.env, stdin: `{"action":"a.b","run_id":"p${k}"}\n`.repeat(50) }),
  );
  for (let n = 0; n < 40; n++) await ledger.append([{ action: 'a.b', run_id: 'p1' }, { action: 'a.b' }]);
  for (const { ended } of others) assert.equal((await ended).status, 0);
  const now = Date.now;
  t.after(() => (Date.now = now));
  Date.now = () => now() - 7_200_000;
  await ledger.append([{ action: 'a.b' }]);
  Date.now = now;
  assert.equal(rowsOf(path).length, 1 + 1 + 100 + 80 + 1);
  assert.deepEqual(faultsOf(path), []);
});

test('a missing ledger spills, with a receipt that says so', async (t) => {
  const { ledger, dir, path } = opened(t);
  await ledger.append([{ action: 'a.b' }]);
  renameSync(path, `${path}.away`);
  const [receipt] = await ledger.append([{ action: 'a.b', n: 1 }]);
  assert.ok(receipt?.status === 'spilled' && receipt.error.code === 'LEDGER_MISSING');
  assert.ok(existsSync(join(dir, 'audit.spill.jsonl')));
  renameSync(`${path}.away`, path);
  await ledger.append([{ action: 'a.b', n: 2 }]);
  assert.deepEqual(
    rowsOf(path).flatMap(({ n }) => (n === undefined ? [] : [n])),
    [1, 2],
  );
});

test('close waits for what is under way, refuses what comes later, and may be called again', async (t) => {
  const { ledger, path } = opened(t);
  const calls = Array.from({ length: 5 }, (_, n) => ledger.append([{ action: 'a.b', n }]));
  await ledger.close();
  assert.equal(rowsOf(path).length, 6, 'on disk when close answers');
  await Promise.all(calls);
  await assert.rejects(ledger.append([{ action: 'a.b' }]), refused('CLOSED'));
  await ledger.close();
});

test('query hands on rows as objects, by the conditions of the command, and throws what it cannot take', async (t) => {
  const { ledger } = opened(t);
  await ledger.append([
    { agent: 'coder', action: 'a', cost_usd: '0.1' },
    { agent: 'writer', action: 'b' },
    { agent: 'coder', action: 'c', cost_usd: '0.3', payload: { n: 7 } },
  ]);
  const found = async (options?: Parameters<typeof ledger.query>[0]): Promise<string[]> => {
    const actions: string[] = [];
    for await (const { action } of ledger.query(options)) actions.push(action);
    return actions;
  };
  assert.deepEqual(await found(), ['audit.genesis', 'a', 'b', 'c']);
  assert.deepEqual(await found({ conditions: ['agent=coder'], reverse: true }), ['c', 'a']);
  assert.deepEqual(await found({ where: 'payload.n == 7 || action == "b"', lastRows: 1 }), ['c']);
  assert.deepEqual(await found({ until: '2020-01-01' }), []);
  await assert.rejects(found({ conditions: ['coder'] }), refused('USAGE'));
  assert.throws(() => ledger.query({ condition: [] } as object), refused('USAGE'));
});

test('verify and rollup answer from the same handle', async (t) => {
  const { ledger } = opened(t);
  await ledger.append([
    { action: 'a.b', cost_usd: '0.000000001' },
    { action: 'a.b', cost_usd: '0.1' },
    { action: 'a.b', cost_usd: 0.2 },
  ]);
  assert.equal((await ledger.verify()).verdict, 'intact');
  assert.match(JSON.stringify(await ledger.rollup()), /0\.300000001/);
});

test('what means nothing is a typed error: no list of rows, no name of a folder, no number of rows', async (t) => {
  const { ledger } = opened(t);
  await assert.rejects(ledger.append({ action: 'a.b' } as unknown as RowInput[]), refused('USAGE'));
  assert.throws(() => openLedger({ dir: '' }), refused('USAGE'));
  await assert.rejects(ledger.verify({ minRows: -1 }), refused('USAGE'));
});

test('an option that is misspelt is a typed error, not an answer without it', async (t) => {
  const { ledger } = opened(t);
  await ledger.append([{ action: 'a.b' }]);
  await assert.rejects(ledger.verify({ expect_head: '00' } as object), refused('USAGE'));
  await assert.rejects(ledger.verify('x' as unknown as object), refused('USAGE'));
  await assert.rejects(ledger.rollup({ cap: '0.01' } as object), refused('USAGE'));
  assert.throws(() => ledger.follow({ after: 1 } as object), refused('USAGE'));
  assert.throws(() => openLedger({ dirr: 'x' } as object), refused('USAGE'));
  await assert.rejects(ledger.verify(null as unknown as object), /expected an object of options for verify/);
});
