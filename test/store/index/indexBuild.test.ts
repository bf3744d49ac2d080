/** A rebuild: from every segment and the file, beside whatever is there, whole or not at all. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { LedgerError } from '../../../src/core/errors';
import { openIndex } from '../../../src/store/index/indexOpen';
import { buildIndex, finishIndex, rebuildIndex, removeLeftovers, voidIndex } from '../../../src/store/index/indexBuild';
import { compareDigests, digestOf } from '../../../src/store/index/indexCompare';
import { lastRowOfStream, readPlace, standingOf } from '../../../src/store/index/indexRead';
import { obey } from '../../../src/store/index/indexWorker';
import type { IndexReport } from '../../../src/store/index/indexWorker';
import { startWorker } from '../../../src/store/machine/workers';
import { appendLines, digestOfFile, indexOf, ledgerOf, sizeOf, testFolder } from '../../support/indexes';
import { chainOf, makeLedger, sampleRows, testPaths, writeLedger } from '../../support/ledgers';

const failed = (error: unknown) => error instanceof LedgerError && error.code === 'INDEX_FAILED';

test('closed segments come first; their rows are found by their place in the unpacked bytes', async (t) => {
  const dir = testFolder(t);
  const chain = chainOf();
  for (const row of sampleRows(30)) chain.add(row);
  const previous = { segment: 'audit.21-31.jsonl.gz', last_seq: 31, head: chain.head().hash };
  chain.addOwn('audit.segment', {
    format: 'ledger/1',
    ledger_id: chain.identity.ledgerId,
    origin: 'x',
    lock: 'kernel',
    previous,
  });
  chain.add({ action: 'a.b', run_id: 'run-0' });
  const paths = writeLedger(dir, chain.lines.slice(31));
  mkdirSync(paths.segments);
  const pack = (from: number, to: number) =>
    writeFileSync(
      join(paths.segments, `audit.${from}-${to}.jsonl.gz`),
      gzipSync(`${chain.lines.slice(from - 1, to).join('\n')}\n`),
    );
  pack(21, 31);
  pack(1, 9);
  pack(10, 20);
  writeFileSync(join(paths.segments, 'notes.txt'), 'not a segment');
  await rebuildIndex(paths);
  const index = indexOf(t, paths);
  const fd = ledgerOf(t, paths);
  assert.equal(index.watermark().seq, 33);
  assert.equal(standingOf(index, fd).kind, 'agrees');
  for (const seq of [1, 9, 10, 20, 31, 32, 33]) {
    const place = index.row(seq);
    assert(place !== undefined);
    assert.equal(readPlace(paths, fd, place)?.line.toString(), chain.lines[seq - 1]);
  }
  assert.equal(lastRowOfStream(paths, fd, index, { kind: 'run', id: 'run-1' })?.seq, 31);
  assert.equal(lastRowOfStream(paths, fd, index, { kind: 'run', id: 'run-0' })?.seq, 33);
  pack(9, 20);
  await assert.rejects(rebuildIndex(paths), failed, 'segments must join');
  assert(existsSync(paths.index), 'and the old index stays');
});

test('what is appended while it is built is taken in at the end', async (t) => {
  const chain = chainOf();
  for (const row of sampleRows(50)) chain.add(row);
  const paths = writeLedger(testFolder(t), chain.lines);
  const { temporary, seq } = await buildIndex(paths);
  assert.equal(seq, 51);
  assert(!existsSync(paths.index), 'nothing is in place yet');
  chain.add({ action: 'late.row', run_id: 'late' });
  appendLines(paths, chain.lines.slice(51));
  assert.equal(finishIndex(paths, temporary).seq, 52);
  const index = indexOf(t, paths);
  assert.equal(index.stream('run', 'late')?.rowSeq, 52);
  assert.deepEqual(compareDigests(digestOfFile(ledgerOf(t, paths)), digestOf(index, Number.MAX_SAFE_INTEGER)), []);
});

test('a ledger that is replaced while it is built: the new index is thrown away', async (t) => {
  const paths = writeLedger(testFolder(t), chainOf().lines);
  makeLedger(paths.dir, sampleRows(20));
  const { temporary } = await buildIndex(paths);
  makeLedger(paths.dir, sampleRows(20), { startMs: 1_700_000_000_000 });
  assert.throws(() => finishIndex(paths, temporary), failed);
  assert.deepEqual(readdirSync(paths.dir), ['audit.jsonl']);
});

test('a build that is called off leaves nothing behind, and says how far it was', async (t) => {
  const dir = testFolder(t);
  const chain = chainOf();
  for (let i = 0; i < 25_000; i++) chain.add({ action: 'a.b' });
  const paths = writeLedger(dir, chain.lines);
  const stop = new AbortController();
  const seen: number[] = [];
  const onProgress = ({ rows, bytes, ofBytes }: { rows: number; bytes: number; ofBytes: number }) => {
    seen.push(rows);
    assert(bytes <= ofBytes);
    stop.abort(new Error('called off'));
  };
  await assert.rejects(rebuildIndex(paths, { onProgress, signal: stop.signal }), /called off/);
  assert.deepEqual(seen, [20_000]);
  assert.deepEqual(readdirSync(dir), ['audit.jsonl']);
});

test('leftovers of dead or old builds are removed, those of live ones and other files are not', (t) => {
  const dir = testFolder(t);
  const dead = Number(execFileSync(process.execPath, ['-p', 'process.pid']).toString());
  const random = '0123456789abcdef';
  const names = {
    ofDead: `index.db.${dead}-${random}.tmp`,
    old: `index.db.${process.pid}-${random}.tmp`,
    live: `index.db.${process.pid}-fedcba9876543210.tmp`,
    foreign: 'index.db.backup.tmp',
  };
  for (const name of Object.values(names)) writeFileSync(join(dir, name), 'x');
  utimesSync(join(dir, names.old), new Date(0), new Date(0));
  const paths = testPaths(dir);
  assert.deepEqual(removeLeftovers(paths).sort(), [names.ofDead, names.old].sort());
  assert.deepEqual(readdirSync(dir).sort(), [names.live, names.foreign].sort());
});

test('a journal that lies there from another index is not played back into the new one', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(500));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const child = join(__dirname, '../../support/indexChild.ts');
  assert.throws(() => execFileSync(process.execPath, ['--import', 'tsx', child, 'half', dir]));
  const journal = readFileSync(`${paths.index}-journal`);
  for (const old of ['missing', 'noise'] as const) {
    if (old === 'noise') writeFileSync(paths.index, Buffer.alloc(10_000, 0x5a));
    else voidIndex(paths);
    writeFileSync(`${paths.index}-journal`, journal);
    await rebuildIndex(paths);
    assert(!existsSync(`${paths.index}-journal`), old);
    const index = indexOf(t, paths);
    assert.deepEqual(
      compareDigests(digestOfFile(ledgerOf(t, paths)), digestOf(index, Number.MAX_SAFE_INTEGER)),
      [],
      old,
    );
    index.close();
  }
});

test('rebuilds at once: each puts a whole index in place', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(3000));
  const paths = testPaths(dir);
  await Promise.all([rebuildIndex(paths), rebuildIndex(paths), rebuildIndex(paths)]);
  assert.deepEqual(
    compareDigests(digestOfFile(ledgerOf(t, paths)), digestOf(indexOf(t, paths), Number.MAX_SAFE_INTEGER)),
    [],
  );
  assert.deepEqual(readdirSync(dir).sort(), ['audit.jsonl', 'index.db']);
});

test('100,000 streams: each head is found', async (t) => {
  const dir = testFolder(t);
  const chain = chainOf();
  const STREAMS = 100_000;
  for (let i = 0; i < STREAMS; i++) chain.add({ action: 'a.b', run_id: `run-${i}` });
  for (let i = 0; i < 100; i++) chain.add({ action: 'a.b', run_id: `run-${i * 1000}`, decision_id: `run-${i * 1000}` });
  const paths = writeLedger(dir, chain.lines);
  await rebuildIndex(paths);
  const index = indexOf(t, paths);
  for (let i = 0; i < STREAMS; i += 77) {
    const twice = i % 1000 === 0;
    const place = index.stream('run', `run-${i}`);
    assert.equal(place?.rowSeq, twice ? STREAMS + 2 + i / 1000 : i + 2);
    assert.equal(index.stream('decision', `run-${i}`)?.rowSeq, twice ? STREAMS + 2 + i / 1000 : undefined);
  }
  assert.equal(index.stream('run', `run-${STREAMS}`), undefined);
  assert.equal(lastRowOfStream(paths, ledgerOf(t, paths), index, { kind: 'run', id: 'run-99999' })?.run_seq, 1);
});

test('the worker catches up, builds what is missing or unusable, and keeps an index that is evidence', async (t) => {
  const chain = chainOf();
  for (const row of sampleRows(20)) chain.add(row);
  const paths = writeLedger(testFolder(t), chain.lines);
  const worker = startWorker('index/indexWorker', undefined);
  t.after(() => worker.terminate());
  const order = async () => {
    worker.postMessage({ paths, upToBytes: sizeOf(paths) });
    const [report] = (await once(worker, 'message')) as [IndexReport];
    return report;
  };
  assert.deepEqual(await order(), { kind: 'caught-up', seq: 21, offset: sizeOf(paths) });
  chain.add({ action: 'a.b' });
  appendLines(paths, chain.lines.slice(21));
  assert.deepEqual(await order(), { kind: 'caught-up', seq: 22, offset: sizeOf(paths) });
  writeFileSync(paths.index, 'noise');
  assert.deepEqual(await order(), { kind: 'caught-up', seq: 22, offset: sizeOf(paths) });
  writeLedger(paths.dir, chain.lines.slice(0, 20));
  assert.deepEqual(await order(), { kind: 'ahead' });
  const index = openIndex(paths, 'read');
  assert.equal(index?.watermark().seq, 22);
  index?.close();
  assert.equal((await obey({ paths: testPaths(join(paths.dir, 'none')), upToBytes: 1 })).kind, 'behind');
});
