/** Rows that the index has seen and the file has no more are named by the ledger itself, once. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Identity } from '../../../src/core/ownRows';
import { readIdentity } from '../../../src/store/ledger/genesis';
import { sweep } from '../../../src/services/sweep';
import { KernelLock, readLockNote } from '../../../src/store/lock/kernelLock';
import { rebuildIndex } from '../../../src/store/index/indexBuild';
import { rowsLostRow } from '../../../src/store/append/lostRows';
import { faultsOf, rowsOf } from '../../support/miniVerifier';
import { statusesOf, tempFolder, writerIn } from '../../support/writers';

test('the row names what is gone', () => {
  const { members, action, runId } = rowsLostRow({ fromSeq: 4, toSeq: 6, head: 'h' });
  assert.equal(members, '"action":"audit.rows-lost","payload":{"from_seq":4,"to_seq":6,"head":"h"}');
  assert.deepEqual([action, runId], ['audit.rows-lost', undefined]);
});

test('the next writer names the loss before its own row, and only once', async (t) => {
  const dir = tempFolder(t);
  const first = writerIn(t, dir);
  await first.append(...Array.from({ length: 9 }, (_, n) => ({ action: 'a.b', n })));
  await first.writer.close();
  await rebuildIndex(first.paths);
  const lines = readFileSync(first.paths.ledger, 'utf8').split('\n');
  const { hash } = JSON.parse(lines[9] as string) as { hash: string };
  truncateSync(first.paths.ledger, Buffer.byteLength(lines.slice(0, 7).join('\n')) + 1);
  for (const n of [1, 2]) assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'b.c', n })), 'landed');
  const named = rowsOf(first.paths.ledger).filter(({ action }) => action === 'audit.rows-lost');
  assert.deepEqual(
    named.map(({ seq, payload }) => [seq, payload]),
    [[8, { from_seq: 8, to_seq: 10, head: hash }]],
  );
  assert.deepEqual(faultsOf(first.paths.ledger), []);
});

test('a writer that is open all along notices a cut as well', async (t) => {
  const w = writerIn(t, tempFolder(t));
  await w.append({ action: 'a.b' }, { action: 'a.b' }, { action: 'a.b' });
  await rebuildIndex(w.paths);
  const lines = readFileSync(w.paths.ledger, 'utf8').split('\n');
  truncateSync(w.paths.ledger, Buffer.byteLength(lines.slice(0, 3).join('\n')) + 1);
  await w.append({ action: 'b.c' });
  assert.deepEqual(
    rowsOf(w.paths.ledger).map(({ action }) => action),
    ['audit.genesis', 'a.b', 'a.b', 'audit.rows-lost', 'b.c'],
  );
});

test('a writer that is open all along knows its own last row without an index, too', async (t) => {
  const w = writerIn(t, tempFolder(t));
  await w.append({ action: 'a.b' }, { action: 'a.b' }, { action: 'a.b' });
  const lines = readFileSync(w.paths.ledger, 'utf8').split('\n');
  const { hash } = JSON.parse(lines[3] as string) as { hash: string };
  truncateSync(w.paths.ledger, Buffer.byteLength(lines.slice(0, 2).join('\n')) + 1);
  for (let n = 0; n < 2; n++) assert.equal(statusesOf(await w.append({ action: 'b.c' })), 'landed');
  assert.deepEqual(
    rowsOf(w.paths.ledger).map(({ action, payload }) => (action === 'audit.rows-lost' ? payload : action)),
    ['audit.genesis', 'a.b', { from_seq: 3, to_seq: 4, head: hash }, 'b.c', 'b.c'],
  );
  assert.deepEqual(faultsOf(w.paths.ledger), []);
});

test('and it knows it where others have appended over the cut', async (t) => {
  const dir = tempFolder(t);
  const w = writerIn(t, dir);
  await w.append({ action: 'a.b' }, { action: 'a.b' }, { action: 'a.b' });
  const lines = readFileSync(w.paths.ledger, 'utf8').split('\n');
  const { hash } = JSON.parse(lines[3] as string) as { hash: string };
  truncateSync(w.paths.ledger, Buffer.byteLength(lines.slice(0, 2).join('\n')) + 1);
  for (let n = 0; n < 9; n++) await writerIn(t, dir).append({ action: 'b.c' });
  for (let n = 0; n < 2; n++) assert.equal(statusesOf(await w.append({ action: 'c.d' })), 'landed');
  assert.deepEqual(
    rowsOf(w.paths.ledger)
      .slice(10)
      .map(({ action, payload }) => (action === 'audit.rows-lost' ? payload : action)),
    ['b.c', { from_seq: 4, to_seq: 4, head: hash }, 'c.d', 'c.d'],
  );
  assert.deepEqual(faultsOf(w.paths.ledger), []);
});

test('what was lost is named once, also where the writer has nothing to add', async (t) => {
  const dir = tempFolder(t);
  const w = writerIn(t, dir);
  await w.append({ action: 'a.b' }, { action: 'a.b', idempotency_key: 'k' });
  const lines = readFileSync(w.paths.ledger, 'utf8').split('\n');
  truncateSync(w.paths.ledger, Buffer.byteLength(lines.slice(0, 2).join('\n')) + 1);
  await writerIn(t, dir).append({ action: 'a.b', idempotency_key: 'k' });
  for (let n = 0; n < 3; n++) {
    // So much that it is not followed row by row, and the row that names the loss is far from the end.
    const reason = 'x'.repeat(100_000);
    await writerIn(t, dir).append(...Array.from({ length: 15 }, () => ({ action: 'b.c', reason })));
    assert.equal(statusesOf(await w.append({ action: 'a.b', idempotency_key: 'k' })), 'duplicate');
  }
  assert.equal(rowsOf(w.paths.ledger).filter(({ action }) => action === 'audit.rows-lost').length, 1);
  assert.deepEqual(faultsOf(w.paths.ledger), []);
});

test('another ledger that was copied over the file lacks nothing either', async (t) => {
  const dir = tempFolder(t);
  const [one, other] = [join(dir, 'one'), join(dir, 'other')];
  const w = writerIn(t, one);
  await w.append({ action: 'a.b' }, { action: 'a.b' }, { action: 'a.b' });
  for (const rows of [1, 5]) {
    rmSync(other, { recursive: true, force: true });
    const foreign = writerIn(t, other);
    await foreign.append(...Array.from({ length: rows }, () => ({ action: 'b.c' })));
    writeFileSync(w.paths.ledger, readFileSync(foreign.paths.ledger));
    rmSync(w.paths.index, { force: true });
    assert.equal(statusesOf(await w.append({ action: 'c.d' })), 'landed');
    const actions = rowsOf(w.paths.ledger).map(({ action }) => action);
    assert.deepEqual(actions, ['audit.genesis', ...new Array<string>(rows).fill('b.c'), 'c.d']);
    const { ledgerId } = readIdentity(w.paths) as Identity;
    assert.equal(readLockNote(w.paths.lock)?.note['ledger_id'], ledgerId);
    assert.equal(w.others.at(-1)?.[1], ledgerId, 'the writer is told');
  }
  assert.equal(w.others.length, 2);
});

test('whoever writes over the note of another ledger says so, once: it is the last trace of that one', async (t) => {
  const dir = tempFolder(t);
  const [one, other] = [join(dir, 'one'), join(dir, 'other')];
  const [w, foreign] = [writerIn(t, one), writerIn(t, other)];
  for (const each of [w, foreign]) await each.append({ action: 'a.b' });
  const [was, is] = [w, foreign].map(({ paths }) => (readIdentity(paths) as Identity).ledgerId) as [string, string];
  const note = readFileSync(w.paths.lock);
  const replace = (): void => {
    writeFileSync(w.paths.ledger, readFileSync(foreign.paths.ledger));
    writeFileSync(w.paths.lock, note);
  };
  replace();
  for (const others of [[[was, is]], []]) {
    const next = writerIn(t, one);
    for (let n = 0; n < 2; n++) assert.equal(statusesOf(await next.append({ action: 'c.d' })), 'landed');
    assert.deepEqual(next.others, others);
  }
  replace();
  const swept: [string, string][] = [];
  const place = { dir: one, configPath: undefined, env: { XDG_STATE_HOME: join(one, '.home') } };
  await sweep({ place, dryRun: false, events: { onOtherLedger: (...ids) => swept.push(ids) } });
  assert.deepEqual(swept, [[was, is]]);
});

test('rows that waited for a lock while the ledger was replaced wait for the new one', async (t) => {
  const dir = join(tempFolder(t), 'state');
  let nowMs = 0;
  const w = writerIn(t, dir, { monotonicMs: () => nowMs, sleep: (ms) => Promise.resolve(void (nowMs += ms)) });
  await w.append({ action: 'a.b' });
  rmSync(dir, { recursive: true });
  await writerIn(t, dir).append({ action: 'b.c' });
  const holder = new KernelLock(w.paths.lock);
  assert.ok(holder.tryTake());
  assert.equal(statusesOf(await w.append({ action: 'c.d' })), 'spilled');
  holder.close();
  const next = writerIn(t, dir);
  await next.append({ action: 'd.e' });
  assert.deepEqual(
    next.drains.map(({ chained, setAside }) => [chained, setAside]),
    [[1, 0]],
  );
});

test('an acknowledged row that is damaged until it looks torn is named as lost, beside the heal', async (t) => {
  const w = writerIn(t, tempFolder(t));
  await w.append({ action: 'a.b' }, { action: 'a.b' });
  truncateSync(w.paths.ledger, statSync(w.paths.ledger).size - 20);
  await w.append({ action: 'b.c' });
  assert.deepEqual(
    rowsOf(w.paths.ledger).map(({ action }) => action),
    ['audit.genesis', 'a.b', 'audit.heal-truncation', 'audit.rows-lost', 'b.c'],
  );
  assert.deepEqual(faultsOf(w.paths.ledger), []);
});

test('another ledger at the path lacks nothing that was written to the first', async (t) => {
  const dir = tempFolder(t);
  const w = writerIn(t, join(dir, 'state'));
  await w.append({ action: 'a.b' }, { action: 'a.b' });
  rmSync(join(dir, 'state'), { recursive: true });
  await writerIn(t, join(dir, 'state')).append({ action: 'b.c' });
  await w.append({ action: 'b.c' });
  assert.deepEqual(
    rowsOf(w.paths.ledger).map(({ action }) => action),
    ['audit.genesis', 'b.c', 'b.c'],
  );
});

test('nor does one that came there while the writer waited for its turn', async (t) => {
  const dir = join(tempFolder(t), 'state');
  let meanwhile: (() => Promise<unknown>) | undefined;
  const w = writerIn(t, dir, { sleep: async () => void (await meanwhile?.()) });
  await w.append({ action: 'a.b' }, { action: 'a.b' }, { action: 'a.b' });
  const holder = new KernelLock(w.paths.lock);
  assert.ok(holder.tryTake());
  meanwhile = async () => {
    meanwhile = undefined;
    rmSync(dir, { recursive: true });
    await writerIn(t, dir).append({ action: 'b.c' });
    holder.close();
  };
  assert.equal(statusesOf(await w.append({ action: 'c.d' })), 'landed');
  assert.deepEqual(
    rowsOf(w.paths.ledger).map(({ action }) => action),
    ['audit.genesis', 'b.c', 'c.d'],
  );
  const { payload } = rowsOf(w.paths.ledger)[0] as { payload: { ledger_id: string } };
  assert.equal(readLockNote(w.paths.lock)?.note['ledger_id'], payload.ledger_id);
});

test('a writer whose whole state folder is gone begins no fresh chain: its rows wait', async (t) => {
  const dir = join(tempFolder(t), 'state');
  const w = writerIn(t, dir);
  await w.append({ action: 'a.b' });
  rmSync(dir, { recursive: true });
  assert.equal(statusesOf(await w.append({ action: 'b.c' })), 'spilled');
  assert.equal(existsSync(w.paths.ledger), false);
  assert.equal(statusesOf(await writerIn(t, dir).append({ action: 'b.c' })), 'spilled');
});
