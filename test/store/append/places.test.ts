/** Where a stream stands and whether a key was used: read off the file itself, backwards. */
import assert from 'node:assert/strict';
import { closeSync, openSync, statSync } from 'node:fs';
import test from 'node:test';
import {
  fileAsOlderRows,
  lastRowOfAction,
  lastRowWith,
  streamHeadOf,
  windowStart,
} from '../../../src/store/append/places';
import { chainOf, writeLedger } from '../../support/ledgers';
import { tempFolder } from '../../support/writers';

const bytesOf = (lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''));

test('the last row with a value counts, and only by its own member', () => {
  const chain = chainOf();
  chain.add({ action: 'a.b', run_id: 'r', n: 1 });
  chain.add({ action: 'a.b', run_id: 'r', n: 2 });
  chain.add({ action: 'a.b', run_id: 'other', reason: '"run_id":"r"', payload: { run_id: 'r' } });
  chain.add({ action: 'a.b', copy: { run_id: 'r', idempotency_key: 'k' } });
  const bytes = bytesOf(chain.lines);
  const found = lastRowWith(bytes, 'run_id', 'r');
  assert.equal(found?.['n'], 2);
  assert.deepEqual(streamHeadOf(found ?? assert.fail(), 'run_id'), { seq: 2, hash: found?.hash });
  assert.equal(lastRowWith(bytes, 'idempotency_key', 'k'), undefined);
  assert.equal(lastRowWith(bytes, 'decision_id', 'r'), undefined);
});

test('values are found as they are stored, with escapes; a value that begins like another is not it', () => {
  const chain = chainOf();
  for (const id of ['r"1', 'é\u0085', 'r', 'rr', 'x\\']) chain.add({ action: 'a.b', run_id: id });
  const bytes = bytesOf(chain.lines);
  for (const id of ['r"1', 'é\u0085', 'r', 'rr', 'x\\']) assert.equal(lastRowWith(bytes, 'run_id', id)?.run_id, id);
});

test('a row whose hash is wrong does not count, nor does one that is cut', () => {
  const chain = chainOf();
  chain.add({ action: 'a.b', run_id: 'r', n: 1 });
  const forged = chain.add({ action: 'a.b', run_id: 'r', n: 2 }).replace('"n":2', '"n":3');
  const good = chain.lines.slice(0, 2);
  assert.equal(lastRowWith(bytesOf([...good, forged]), 'run_id', 'r')?.['n'], 1);
  const whole = bytesOf(good);
  assert.equal(lastRowWith(whole.subarray(0, whole.length - 5), 'run_id', 'r'), undefined);
});

test("the ledger's own rows stand in no stream", () => {
  const chain = chainOf();
  chain.addOwn('audit.rows-lost', { head: 'h' });
  chain.add({ action: 'a.b' });
  assert.equal(lastRowOfAction(bytesOf(chain.lines), 'audit.rows-lost')?.payload?.['head'], 'h');
  assert.equal(lastRowOfAction(bytesOf(chain.lines), 'audit.set-aside'), undefined);
});

test('the file answers backwards over block edges, between the two offsets', (t) => {
  const chain = chainOf();
  const offsets: number[] = [];
  let size = Buffer.byteLength(chain.lines[0] as string) + 1;
  for (let i = 0; i < 12; i++) {
    offsets.push(size);
    size += Buffer.byteLength(chain.add({ action: 'a.b', run_id: `r${i}`, x: 'é'.repeat(450_000) })) + 1;
  }
  const paths = writeLedger(tempFolder(t), chain.lines);
  assert.equal(statSync(paths.ledger).size, size);
  const fd = openSync(paths.ledger, 'r');
  t.after(() => closeSync(fd));
  const older = fileAsOlderRows(fd);
  for (let i = 0; i < 12; i++) {
    const at = offsets[i] as number;
    assert.equal(older.find('run_id', `r${i}`, size)?.run_id, `r${i}`);
    assert.equal(older.find('run_id', `r${i}`, at), undefined, 'not what begins behind');
    assert.equal(older.find('run_id', `r${i}`, size, at)?.run_id, `r${i}`);
    if (i < 11) assert.equal(older.find('run_id', `r${i}`, size, offsets[i + 1]), undefined, 'not what begins before');
  }
});

test('a window begins at its first whole line', () => {
  assert.equal(windowStart({ offset: 0, bytes: Buffer.from('abc\n') }), 0);
  assert.equal(windowStart({ offset: 100, bytes: Buffer.from('abc\ndef\n') }), 104);
});
