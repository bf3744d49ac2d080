/**
 * A drain of many rows goes in steps under the lock, so a step must cost what it chains and not what waits. How far it
 * got is noted beside the file: a shortcut that is believed only where everything it says still holds.
 */
import assert from 'node:assert/strict';
import fs, { appendFileSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { LedgerError } from '../../../src/core/errors';
import { nodeHost } from '../../../src/store/machine/nodeHost';
import { spillRows } from '../../../src/store/spill/spill';
import { faultsOf, rowsOf } from '../../support/miniVerifier';
import { checked, tempFolder, writerIn } from '../../support/writers';
import type { TestWriter } from '../../support/writers';

const LOCKED = { error: new LedgerError('LOCK_TIMEOUT', 'held'), ledgerId: null, attempt: undefined };

async function withWaiting(t: TestContext, count: number): Promise<TestWriter> {
  const w = writerIn(t, tempFolder(t));
  await w.append({ action: 'first' });
  const rows = Array.from({ length: count }, (_, n) => checked({ action: 'a.b', n, payload: { x: 'x'.repeat(200) } }));
  spillRows(w.paths, nodeHost(), rows, LOCKED);
  return w;
}

/** Appends until nothing waits; every row must be there once, in order. */
async function expectAllOnce(w: TestWriter, count: number): Promise<void> {
  for (let steps = 0; existsSync(w.paths.draining) || existsSync(w.paths.spill); steps++) {
    assert.ok(steps < 2 + count / 1000, 'a drain comes to an end');
    await w.append({ action: 'c.d' });
  }
  assert.deepEqual(faultsOf(w.paths.ledger), []);
  const found = rowsOf(w.paths.ledger).flatMap(({ n }) => (typeof n === 'number' ? [n] : []));
  assert.deepEqual(found, [...Array(count).keys()]);
  assert.ok(!existsSync(w.paths.drainMark), 'nothing is left behind');
}

/** How many bytes an append reads. */
async function bytesRead(t: TestContext, w: TestWriter): Promise<number> {
  let sum = 0;
  const { readSync } = fs;
  const counted = t.mock.method(fs, 'readSync', (...args: Parameters<typeof readSync>) => {
    const bytes = readSync(...args);
    sum += bytes;
    return bytes;
  });
  await w.append({ action: 'c.d' });
  counted.mock.restore();
  return sum;
}

test('a step reads what it chains, however many rows wait', async (t) => {
  const w = await withWaiting(t, 9_500);
  const waitingBytes = fs.statSync(w.paths.spill).size;
  await w.append({ action: 'c.d' });
  for (let step = 2; step <= 9; step++) {
    const bytes = await bytesRead(t, w);
    assert.ok(bytes < waitingBytes / 2, `step ${step} read ${bytes} bytes, ${waitingBytes} wait`);
  }
  await expectAllOnce(w, 9_500);
});

test('the note of how far a drain got can be lost, torn, or of another time: each row is chained once', async (t) => {
  const w = await withWaiting(t, 3_500);
  const { drainMark } = w.paths;
  await w.append({ action: 'c.d' });
  const first = readFileSync(drainMark, 'utf8');
  await w.append({ action: 'c.d' });
  // A kill after the commit, before the note.
  writeFileSync(drainMark, first, { mode: 0o600 });
  await w.append({ action: 'c.d' });
  writeFileSync(drainMark, readFileSync(drainMark, 'utf8').slice(0, -9), { mode: 0o600 });
  await expectAllOnce(w, 3_500);
});

test('a note that was changed to skip rows is not believed', async (t) => {
  const w = await withWaiting(t, 2_500);
  await w.append({ action: 'c.d' });
  const text = readFileSync(w.paths.drainMark, 'utf8');
  const { offset } = JSON.parse(text) as { offset: number };
  const later = text.replace(`"offset":${offset}`, `"offset":${offset + 50_000}`);
  assert.notEqual(later, text);
  writeFileSync(w.paths.drainMark, later, { mode: 0o600 });
  await expectAllOnce(w, 2_500);
});

test('a note counts for one file and one ledger: a ledger brought back from before it gets its rows again', async (t) => {
  const w = await withWaiting(t, 2_500);
  const before = `${w.paths.ledger}.before`;
  copyFileSync(w.paths.ledger, before);
  await w.append({ action: 'c.d' });
  assert.ok(existsSync(w.paths.drainMark));
  writeFileSync(w.paths.ledger, readFileSync(before));
  rmSync(before);
  await expectAllOnce(w, 2_500);
});

test('a record that comes late into a file that is being drained is chained, too', async (t) => {
  const w = await withWaiting(t, 2_500);
  const other = writerIn(t, tempFolder(t));
  spillRows(other.paths, nodeHost(), [checked({ action: 'a.b', n: 2_500 })], LOCKED);
  await w.append({ action: 'c.d' });
  appendFileSync(w.paths.draining, readFileSync(other.paths.spill));
  await expectAllOnce(w, 2_501);
});

test('a record that stands twice in a file is chained once, wherever its copy lies', async (t) => {
  const w = await withWaiting(t, 2_500);
  const bytes = readFileSync(w.paths.spill);
  appendFileSync(w.paths.spill, bytes);
  await expectAllOnce(w, 2_500);
});

test('rows that wait in both places: what one drain chained the other does not', async (t) => {
  const w = await withWaiting(t, 2_500);
  const both = readFileSync(w.paths.spill);
  fs.mkdirSync(w.paths.secondSpill.replace(/[^/]*$/, ''), { recursive: true, mode: 0o700 });
  // The second place is drained first here, as if it had been begun when the first was empty.
  writeFileSync(w.paths.secondDraining, both, { mode: 0o600 });
  rmSync(w.paths.spill);
  await w.append({ action: 'c.d' });
  writeFileSync(w.paths.draining, both, { mode: 0o600 });
  for (let i = 0; i < 8 && (existsSync(w.paths.secondDraining) || existsSync(w.paths.draining)); i++)
    await w.append({ action: 'c.d' });
  await expectAllOnce(w, 2_500);
});
