/** What people see of sealed values where they count, export and look after a ledger. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { ensureBuilt } from '../support/built';
import { ledger, sandbox } from '../support/sandbox';
import { done, VALUE } from '../support/sealed';

before(ensureBuilt);

test('an export that asks about a field says how many rows have it sealed', async (t) => {
  const box = sandbox(t);
  const sealed = ['append', 'a.b', '--customer-id', 'acme', '--seal', 'customer_id'];
  await done(box, sealed);
  await done(box, ['append', 'a.b', '--customer-id', 'acme', '--reason', VALUE, '--seal', 'reason']);
  const ended = await ledger(box, ['export', '--customer', 'acme']);
  assert.equal(ended.status, 3);
  const [header = ''] = ended.stdout.split('\n');
  const { rows, not_among_these: left } = JSON.parse(header) as {
    rows: number;
    not_among_these: { sealed_rows: number };
  };
  assert.deepEqual([rows, left.sealed_rows], [1, 1]);
  await done(box, ['export', 'customer_id!=acme']);
  await done(box, ['export']);
  assert.equal((await ledger(box, ['export', '--customer', 'acme', '--until', '2020-01-01'])).status, 1);
});

test('sealed values are one group', async (t) => {
  const box = sandbox(t);
  for (const id of ['a', 'b'])
    await done(box, ['append', 'a.b', '--customer-id', id, '--cost-usd', '1', '--seal', 'customer_id']);
  for (const words of [
    ['query', '--group-by', 'customer_id'],
    ['rollup', '--by', 'customer_id'],
  ]) {
    const { stdout } = await done(box, words);
    assert.match(stdout, /^\[sealed\] .* 2$/m);
    assert.ok(!stdout.includes('{"sealed"'));
  }
});

test('doctor looks at the file of openings', async (t) => {
  const box = sandbox(t);
  await done(box, ['append', 'a.b', '--reason', VALUE, '--seal', 'reason']);
  const file = join(box.dir, 'sealed.jsonl');
  const said = async (): Promise<string> => (await ledger(box, ['doctor'])).stdout;
  assert.match(await said(), /^ok +sealed +.*mode 600$/m);
  chmodSync(file, 0o644);
  assert.match(await said(), /^bad +sealed +others can read[^]*?chmod 600/m);
  rmSync(file);
  symlinkSync('/nowhere', file);
  assert.match(await said(), /^bad +sealed +.*is no regular file/m);
});

test('the name of a row that only the ledger writes is refused as one, wherever it stands', async (t) => {
  const box = sandbox(t);
  for (const words of [['audit.erasure'], ['--action', 'audit.erasure']]) {
    const ended = await ledger(box, ['append', ...words]);
    assert.equal(ended.status, 2);
    assert.match(ended.stdout, /MEMBER_RESERVED expected an action of your own/);
  }
});

test('what verify says of an erasure that is not done can be run as it is', async (t) => {
  const box = sandbox(t);
  await done(box, ['append', 'a.b', '--payload', '{"l":[1]}', '--seal', 'payload.l[0]']);
  const file = join(box.dir, 'sealed.jsonl');
  const bytes = readFileSync(file);
  await done(box, ['erase', '2', 'payload.l[0]', '--reason', 'r']);
  writeFileSync(file, bytes);
  assert.match(
    (await ledger(box, ['verify'])).stdout,
    /it is there still: run ledger erase 2 'payload\.l\[0\]'\s+--reason …\s+again/,
  );
});
