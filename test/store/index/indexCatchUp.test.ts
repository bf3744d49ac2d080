/** Catching up: exactly the whole rows of this file, once, by however many processes; anything else is said. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, copyFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { LedgerError } from '../../../src/core/errors';
import { openIndex } from '../../../src/store/index/indexOpen';
import { rebuildIndex, voidIndex } from '../../../src/store/index/indexBuild';
import { catchUp } from '../../../src/store/index/indexCatchUp';
import { compareDigests, digestOf } from '../../../src/store/index/indexCompare';
import { readIndexHeader } from '../../../src/store/index/indexHeader';
import { standingOf } from '../../../src/store/index/indexRead';
import type { StatePaths } from '../../../src/store/paths';
import { appendLines, digestOfFile, indexOf, ledgerOf, sizeOf, testFolder } from '../../support/indexes';
import { chainOf, makeLedger, sampleRows, setLineAside, testPaths, writeLedger } from '../../support/ledgers';

const END = Number.MAX_SAFE_INTEGER;

function child(work: string, paths: StatePaths): ChildProcess {
  const script = join(__dirname, '../../support/indexChild.ts');
  return spawn(process.execPath, ['--import', 'tsx', script, work, paths.dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function ended(process: ChildProcess): Promise<{ readonly code: number | null; readonly out: string }> {
  let out = '';
  process.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await once(process, 'close');
  return { code: process.exitCode, out };
}

test('rows that were appended since are taken in, unfinished lines are left, and nothing is done twice', async (t) => {
  const chain = chainOf();
  for (const row of sampleRows(10)) chain.add(row);
  const paths = writeLedger(testFolder(t), chain.lines);
  await rebuildIndex(paths);
  for (const row of sampleRows(30)) chain.add(row);
  appendLines(paths, chain.lines.slice(11));
  appendFileSync(paths.ledger, '{"seq":42,"ts":"2026-04-');
  const index = indexOf(t, paths, 'write');
  const fd = ledgerOf(t, paths);
  const some = catchUp(index, fd, Buffer.byteLength(`${chain.lines.slice(0, 20).join('\n')}\n`) + 5);
  assert.deepEqual({ ...some, offset: 0 }, { kind: 'current', rows: 9, seq: 20, offset: 0 });
  const rest = catchUp(index, fd, END);
  assert.deepEqual({ ...rest, offset: 0 }, { kind: 'current', rows: 21, seq: 41, offset: 0 });
  assert.equal(catchUp(index, fd, END).kind, 'current');
  assert.equal(index.watermark().seq, 41);
  assert.deepEqual(compareDigests(digestOfFile(fd), digestOf(index, Number.MAX_SAFE_INTEGER)), []);
  index.close();
  assert.equal(readIndexHeader(paths)?.watermarkSeq, 41);
});

test("the ledger's own rows are rows of no stream; a tombstone stands for several", async (t) => {
  const dir = testFolder(t);
  const chain = chainOf();
  for (const row of sampleRows(12)) chain.add(row);
  chain.addOwn('audit.rows-lost', { from_seq: 3, to_seq: 4, head: '0' });
  setLineAside(dir, chain, 5);
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const index = indexOf(t, paths);
  const fd = ledgerOf(t, paths);
  assert.equal(index.watermark().seq, 15);
  assert.equal(index.watermark().healId, (JSON.parse(chain.lines[14] as string) as { id: string }).id);
  assert.equal(index.stream('run', 'run-0', 8)?.rowSeq, 4, 'not the tombstone');
  assert.deepEqual(compareDigests(digestOfFile(fd), digestOf(index, Number.MAX_SAFE_INTEGER)), []);
});

test('a line that is not the next row stops it there: what lies behind damage waits for the heal', async (t) => {
  for (const broken of ['garbage', '{"seq":7}', '\0\0\0', '']) {
    const lines = makeLedger(testFolder(t), sampleRows(10));
    lines[6] = broken;
    const paths = writeLedger(testFolder(t), lines);
    const built = await rebuildIndex(paths);
    assert.equal(built.seq, 6);
    assert.equal(built.blockedAt?.seq, 7);
    const result = catchUp(indexOf(t, paths, 'write'), ledgerOf(t, paths), END);
    assert.equal(result.kind, 'blocked');
  }
  const lines = makeLedger(testFolder(t), sampleRows(10));
  lines.splice(6, 1);
  assert.equal((await rebuildIndex(writeLedger(testFolder(t), lines))).seq, 6, 'a row is missing: seq does not go on');
});

test('rows that the index knows and the file has not: evidence, with their places, however the file ends', async (t) => {
  const dir = testFolder(t);
  const lines = makeLedger(dir, sampleRows(20));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const index = indexOf(t, paths);
  const head = (JSON.parse(lines[20] as string) as { hash: string }).hash;
  const whole = readFileSync(paths.ledger);
  const keep = Buffer.byteLength(`${lines.slice(0, 15).join('\n')}\n`);
  for (const tail of ['', '{"seq":16,"ts', '\0'.repeat(whole.length)]) {
    writeFileSync(paths.ledger, Buffer.concat([whole.subarray(0, keep), Buffer.from(tail)]));
    const fd = ledgerOf(t, paths);
    assert.deepEqual(standingOf(index, fd), { kind: 'ahead', lastSeq: 15, toSeq: 21, head });
    assert.equal(catchUp(index, fd, END).kind, 'ahead');
  }
  truncateSync(paths.ledger, 0);
  assert.deepEqual(standingOf(index, ledgerOf(t, paths)), {
    kind: 'ahead',
    lastSeq: 0,
    toSeq: 21,
    head,
  });
  writeFileSync(paths.ledger, whole.subarray(0, whole.length - 1));
  assert.equal(standingOf(index, ledgerOf(t, paths)).kind, 'agrees', 'the last row is there, its newline is missing');
});

test('another ledger, a file that was rewritten: the index disagrees, and is no evidence', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(20));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const index = indexOf(t, paths);
  const identity = { ledgerId: '01JOTHEROTHEROTHEROTHEROTH', origin: 'x', lock: 'kernel' } as const;
  makeLedger(dir, sampleRows(5), { identity });
  const other = standingOf(index, ledgerOf(t, paths));
  assert.equal(other.kind, 'disagrees');
  const later = makeLedger(dir, sampleRows(30), { startMs: 1_700_000_000_000 });
  assert.equal(later.length, 31);
  assert.equal(standingOf(index, ledgerOf(t, paths)).kind, 'disagrees');
});

test('a heal in the middle is noticed even where every byte after it keeps its place', async (t) => {
  const dir = testFolder(t);
  const chain = chainOf();
  for (const row of sampleRows(20)) chain.add(row);
  const paths = writeLedger(dir, chain.lines);
  await rebuildIndex(paths);
  const line = chain.lines[4] as string;
  setLineAside(dir, chain, 4);
  const tombstone = chain.lines[4] as string;
  // The same length, so that the watermark's row stands where it stood.
  chain.lines[4] = tombstone.replace(
    '"prev_hash"',
    `"pad":"${'x'.repeat(line.length - tombstone.length - 9)}","prev_hash"`,
  );
  writeLedger(dir, chain.lines);
  const fd = ledgerOf(t, paths);
  assert.equal(standingOf(indexOf(t, paths), fd).kind, 'agrees');
  const result = catchUp(indexOf(t, paths, 'write'), fd, END);
  assert.equal(result.kind, 'disagrees');
  assert.equal(indexOf(t, paths).watermark().seq, 21, 'nothing of it was stored');
  await rebuildIndex(paths);
  assert.equal(catchUp(indexOf(t, paths, 'write'), fd, END).kind, 'current', 'a fresh build has the tombstone');
});

test('processes that catch up at once store each row once', async (t) => {
  const dir = testFolder(t);
  const chain = chainOf();
  chain.add({ action: 'a.b' });
  const paths = writeLedger(dir, chain.lines);
  await rebuildIndex(paths);
  for (let i = 0; i < 25_000; i++) chain.add({ action: 'a.b', run_id: `r${i % 100}`, cost_usd: 0.001 });
  writeLedger(dir, chain.lines);
  const all = await Promise.all([1, 2, 3, 4].map(() => ended(child('catch-up', paths))));
  assert.deepEqual(
    all.map(({ code }) => code),
    [0, 0, 0, 0],
  );
  const index = indexOf(t, paths);
  assert.equal(index.watermark().seq, 25_002);
  assert.deepEqual(compareDigests(digestOfFile(ledgerOf(t, paths)), digestOf(index, Number.MAX_SAFE_INTEGER)), []);
});

test('ifFree stores only where no other process is at it, at once; readers go on', async (t) => {
  const dir = testFolder(t);
  const chain = chainOf();
  chain.add({ action: 'a.b', run_id: 'r' });
  const paths = writeLedger(dir, chain.lines);
  await rebuildIndex(paths);
  chain.add({ action: 'a.b' });
  writeLedger(dir, chain.lines);
  const holder = child('hold', paths);
  t.after(() => holder.kill('SIGKILL'));
  await once(holder.stdout as NonNullable<typeof holder.stdout>, 'data');
  const index = indexOf(t, paths, 'write');
  const startMs = performance.now();
  assert.equal(catchUp(index, ledgerOf(t, paths), END, { ifFree: true }).kind, 'busy');
  assert(performance.now() - startMs < 100, 'it does not wait');
  assert.equal(indexOf(t, paths).stream('run', 'r')?.rowSeq, 2);
  holder.kill('SIGKILL');
  await once(holder, 'close');
  assert.equal(catchUp(index, ledgerOf(t, paths), END, { ifFree: true }).kind, 'current');
});

test('a writer killed in the middle of a transaction leaves the index as it was before it', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(2000));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  await ended(child('half', paths));
  assert.equal(readIndexHeader(paths)?.settled, false, 'the header says that it may not hold');
  assert.throws(
    () => openIndex(paths, 'read'),
    (error) => error instanceof LedgerError && error.code === 'INDEX_BUSY',
    'a reader does not repair',
  );
  indexOf(t, paths, 'write').close();
  assert.deepEqual(
    compareDigests(digestOfFile(ledgerOf(t, paths)), digestOf(indexOf(t, paths), Number.MAX_SAFE_INTEGER)),
    [],
  );
  assert.deepEqual(readIndexHeader(paths), { watermarkSeq: 2001, settled: true });
});

test('an index that is deleted, voided or replaced under a writer is not written to any more', async (t) => {
  const dir = testFolder(t);
  const chain = chainOf();
  chain.add({ action: 'a.b' });
  const paths = writeLedger(dir, chain.lines);
  const refused = (code: string) => (error: unknown) => error instanceof LedgerError && error.code === code;
  const copy = join(dir, 'copy.db');
  const changes: readonly [() => void, string][] = [
    [() => rmSync(paths.index), 'INDEX_BUSY'],
    [() => voidIndex(paths), 'INDEX_BUSY'],
    [() => (copyFileSync(paths.index, copy), renameSync(copy, paths.index)), 'INDEX_BUSY'],
    [() => writeFileSync(paths.index, Buffer.alloc(40_000, 0x5a)), 'INDEX_FAILED'],
  ];
  for (const [change, code] of changes) {
    await rebuildIndex(paths);
    const index = indexOf(t, paths, 'write');
    chain.add({ action: 'a.b' });
    writeLedger(dir, chain.lines);
    change();
    assert.throws(() => catchUp(index, ledgerOf(t, paths), END), refused(code), String(change));
    index.close();
  }
  assert.equal((await rebuildIndex(paths)).seq, chain.head().seq);
  assert.equal(indexOf(t, paths).watermark().offset, sizeOf(paths));
});
