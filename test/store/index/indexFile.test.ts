/** The index answers where rows lie, and refuses to be believed where it is not what it should be. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { LedgerError } from '../../../src/core/errors';
import type { ErrorCode } from '../../../src/core/errors';
import { openIndex } from '../../../src/store/index/indexOpen';
import { rebuildIndex } from '../../../src/store/index/indexBuild';
import { compareDigests, digestOf, inWords } from '../../../src/store/index/indexCompare';
import { readIndexHeader } from '../../../src/store/index/indexHeader';
import { lastRowOfStream, readPlace, readRowAt, rowOfKey } from '../../../src/store/index/indexRead';
import { openDatabase } from '../../../src/store/index/sqlite';
import { digestOfFile, indexOf, ledgerOf, testFolder } from '../../support/indexes';
import { chainOf, makeLedger, sampleRows, testPaths, writeLedger } from '../../support/ledgers';

const fails = (code: ErrorCode) => (error: unknown) => error instanceof LedgerError && error.code === code;

test('no index is no error: it is rebuilt from the file', (t) => {
  const paths = testPaths(testFolder(t));
  assert.equal(openIndex(paths, 'read'), undefined);
  assert.equal(readIndexHeader(paths), undefined);
});

test('what the index names is read from the file, for streams, keys and seqs', async (t) => {
  const dir = testFolder(t);
  const chain = chainOf();
  for (const row of sampleRows(50)) chain.add(row);
  chain.add({ action: 'a.b', idempotency_key: 'k"1"', run_id: 'run-ü"\\' });
  chain.add({ action: 'a.b', run_id: 'run-0' }, { spillId: '01JSPILLSPILLSPILLSPILLSPI' });
  const paths = writeLedger(dir, chain.lines);
  await rebuildIndex(paths);
  const index = indexOf(t, paths);
  const fd = ledgerOf(t, paths);
  assert.equal(lastRowOfStream(paths, fd, index, { kind: 'run', id: 'run-0' })?.seq, 53);
  assert.equal(index.stream('run', 'run-0', 53)?.rowSeq, 50);
  assert.equal(lastRowOfStream(paths, fd, index, { kind: 'run', id: 'run-1' })?.run_seq, 25);
  assert.equal(lastRowOfStream(paths, fd, index, { kind: 'run', id: 'run-ü"\\' })?.seq, 52);
  assert.equal(lastRowOfStream(paths, fd, index, { kind: 'decision', id: 'decision-1' })?.decision_seq, 13);
  assert.equal(lastRowOfStream(paths, fd, index, { kind: 'decision', id: 'run-1' }), undefined);
  assert.equal(rowOfKey(paths, fd, index, 'k"1"')?.seq, 52);
  assert.equal(rowOfKey(paths, fd, index, 'other'), undefined);
  for (const seq of [1, 2, 53]) {
    const place = index.row(seq);
    assert(place !== undefined);
    assert.equal(readPlace(paths, fd, place)?.line.toString(), chain.lines[seq - 1]);
  }
  assert.equal(index.row(54), undefined);
  const { seq, hash, offset, ledgerId, healId } = index.watermark();
  assert.deepEqual(
    { seq, hash, offset, ledgerId, healId },
    {
      ...{ seq: 53, hash: chain.head().hash, offset: statSync(paths.ledger).size },
      ledgerId: chain.identity.ledgerId,
      healId: undefined,
    },
  );
});

test('the header tells the watermark without SQLite, and the file is private', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(9));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  assert.deepEqual(readIndexHeader(paths), { watermarkSeq: 10, settled: true });
  assert.equal(statSync(paths.index).mode & 0o777, 0o600);
});

test('the fingerprint of the index is that of the file, and one changed number shows in it', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, [...sampleRows(40), { action: 'a.b', idempotency_key: 'k' }]);
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const fd = ledgerOf(t, paths);
  assert.deepEqual(compareDigests(digestOfFile(fd), digestOf(indexOf(t, paths), Number.MAX_SAFE_INTEGER)), []);
  const changes = {
    'UPDATE rows SET offset = offset + 1 WHERE seq = 8': ['rowMix'],
    'UPDATE rows SET bytes = bytes - 1 WHERE seq = 8': ['rowMix'],
    'UPDATE rows SET effective_ms = effective_ms + 86400000 WHERE seq = 9': ['rowMix', 'timeMix'],
    'UPDATE rows SET run_key = run_key + 1 WHERE seq = 10': ['runMix'],
    'UPDATE rows SET effective_ms = 0 WHERE seq = 9': ['rowMix', 'timeMix'],
    'UPDATE rows SET run_key = 0 WHERE seq = 10': ['runRows', 'runMix'],
    'UPDATE rows SET decision_key = 0 WHERE seq = 3': ['decisionRows', 'decisionMix'],
    'UPDATE rows SET idempotency_key_key = 5 WHERE seq = 42': ['keyMix'],
    'DELETE FROM rows WHERE seq = 12': ['rows', 'runRows', 'rowMix', 'timeMix', 'runMix'],
    // Two rows' times in each other's place: the sum of the times is the same.
    'UPDATE rows SET effective_ms = (SELECT effective_ms FROM rows AS other WHERE other.seq = 11 - rows.seq) WHERE seq IN (5, 6)':
      ['rowMix'],
  };
  for (const [sql, parts] of Object.entries(changes)) {
    const copy = testPaths(testFolder(t));
    copyFileSync(paths.index, copy.index);
    const database = openDatabase(copy.index, { readOnly: false, busyMs: 0 });
    database.exec(sql);
    database.close();
    const found = compareDigests(digestOfFile(fd), digestOf(indexOf(t, copy), Number.MAX_SAFE_INTEGER)).map(
      ({ what }) => what,
    );
    // The words are for people: no name of ours.
    assert.doesNotMatch(inWords(found.map((what) => ({ what, want: 0, got: 1 }))), /Mix|Rows|, $|^$/, sql);
    for (const part of parts) assert(found.includes(part as (typeof found)[number]), `${sql}: ${found.join()}`);
  }
});

test('a place that names another line is an index that is wrong, never an answer', async (t) => {
  const dir = testFolder(t);
  const lines = makeLedger(dir, sampleRows(20));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const fd = ledgerOf(t, paths);
  assert.equal(readRowAt(fd, 0, (lines[0] as string).length)?.seq, 1);
  assert.equal(readRowAt(fd, 1, (lines[0] as string).length), undefined);
  assert.equal(readRowAt(fd, 0, (lines[0] as string).length + 1), undefined);
  for (const change of ['offset = offset + 1', 'offset = 0, bytes = bytes + 1', 'hash_prefix = 1']) {
    const copy = testPaths(testFolder(t));
    copyFileSync(paths.index, copy.index);
    const database = openDatabase(copy.index, { readOnly: false, busyMs: 0 });
    database.exec(`UPDATE rows SET ${change} WHERE seq = 20`);
    database.close();
    const index = indexOf(t, copy);
    assert.throws(() => lastRowOfStream(paths, fd, index, { kind: 'run', id: 'run-0' }), fails('INDEX_FAILED'), change);
  }
});

test('noise, another program, another version, an empty or a cut file: said, never used', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(300));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const good = readFileSync(paths.index);
  const use = () => {
    const index = openIndex(paths, 'read');
    try {
      if (index !== undefined) digestOf(index, 1);
    } finally {
      index?.close();
    }
  };
  const spoilt = (change: (bytes: Buffer) => Buffer | void) => {
    const bytes = Buffer.from(good);
    writeFileSync(paths.index, change(bytes) ?? bytes);
    assert.throws(use, fails('INDEX_FAILED'));
  };
  spoilt((bytes) => void bytes.fill(0x5a));
  assert.throws(() => readIndexHeader(paths), fails('INDEX_FAILED'));
  spoilt(() => Buffer.alloc(0));
  assert.throws(() => readIndexHeader(paths), fails('INDEX_FAILED'));
  spoilt((bytes) => void bytes.writeUInt32BE(bytes.readUInt32BE(68) + 1, 68));
  assert.throws(() => readIndexHeader(paths), fails('INDEX_FAILED'));
  spoilt((bytes) => void bytes.fill(0x5a, 4096));
  spoilt((bytes) => bytes.subarray(0, bytes.length - 8192));
  await rebuildIndex(paths);
  assert.doesNotThrow(use, 'a rebuild replaces noise');
});

test('an index whose rows do not reach its watermark is damaged', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(5));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const database = openDatabase(paths.index, { readOnly: false, busyMs: 0 });
  database.exec('DELETE FROM rows WHERE seq > 4');
  database.close();
  assert.throws(() => openIndex(paths, 'read'), fails('INDEX_FAILED'));
});

test('a symlink in place of the index is refused, and not followed by a rebuild', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(5));
  const paths = testPaths(dir);
  const victim = join(dir, 'victim');
  writeFileSync(victim, 'precious');
  symlinkSync(victim, paths.index);
  for (const mode of ['read', 'write'] as const) assert.throws(() => openIndex(paths, mode), fails('UNSAFE_PATH'));
  assert.throws(() => readIndexHeader(paths), fails('UNSAFE_PATH'));
  await assert.rejects(rebuildIndex(paths), fails('UNSAFE_PATH'));
  assert.equal(readFileSync(victim, 'utf8'), 'precious');
});

test('reading leaves the file as it is, also where it cannot be written', async (t) => {
  const dir = testFolder(t);
  makeLedger(dir, sampleRows(5));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const before = readFileSync(paths.index);
  chmodSync(paths.index, 0o400);
  const index = indexOf(t, paths);
  assert.equal(index.stream('run', 'run-0')?.rowSeq, 6);
  assert.throws(() => index.database.exec('DELETE FROM rows'));
  assert.deepEqual(readFileSync(paths.index), before);
  truncateSync(paths.ledger, 0);
});
