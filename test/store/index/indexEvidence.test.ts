/**
 * An index that is not of the ledger's file may be all that tells that the file was written again: who writes rows leaves
 * it as it is and says so; only a sweep makes it anew, and says so too.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { LedgerError } from '../../../src/core/errors';
import { importFile } from '../../../src/services/import';
import { sweep } from '../../../src/services/sweep';
import { verify } from '../../../src/services/verify';
import { rebuildIndex } from '../../../src/store/index/indexBuild';
import { isLossNamed } from '../../../src/store/index/indexLoss';
import { standingOf } from '../../../src/store/index/indexRead';
import { obey } from '../../../src/store/index/indexWorker';
import { nodeHost } from '../../../src/store/machine/nodeHost';
import { Writer } from '../../../src/store/append/writer';
import { ensureBuilt } from '../../support/built';
import { indexOf, ledgerOf, sizeOf } from '../../support/indexes';
import { chainOf, sampleRows, testPaths, writeLedger } from '../../support/ledgers';
import { faultsOf, rowsOf } from '../../support/miniVerifier';
import { start } from '../../support/process';
import type { Ended } from '../../support/process';
import { APPEND, ledger, markedRows, sandbox } from '../../support/sandbox';
import type { Sandbox } from '../../support/sandbox';
import { checked, statusesOf, tempFolder, writerIn } from '../../support/writers';

before(ensureBuilt);

const ROWS = 400;
const OTHER_LEDGER = '01JOTHEROTHEROTHEROTHEROTH';
const placeIn = (dir: string) => ({ dir, configPath: undefined, env: { XDG_STATE_HOME: join(dir, '.home') } });

/** Lines of a ledger; `forged` has another cost in row 7, and every hash from there on is right again. */
function linesOf(forged: boolean, rows = ROWS): string[] {
  const chain = chainOf();
  for (const [i, row] of sampleRows(rows).entries()) {
    chain.add({ ...row, idempotency_key: `k${i}`, ...(forged && i === 5 ? { cost_usd: 99 } : {}) });
  }
  return chain.lines;
}

/** A ledger that was written again behind its index. */
async function rewritten(dir: string, rows = ROWS) {
  const paths = writeLedger(dir, linesOf(false, rows));
  await rebuildIndex(paths);
  writeLedger(dir, linesOf(true, rows));
  return { dir, paths, index: readFileSync(paths.index) };
}

function listening(dir: string) {
  const faults: LedgerError[] = [];
  const events = {
    onHeal: () => undefined,
    onDrain: () => undefined,
    onRowsLost: () => undefined,
    onIndexFault: (error: LedgerError) => faults.push(error),
    onOtherLedger: () => undefined,
  };
  const open = (): Writer => new Writer({ paths: testPaths(dir), host: nodeHost(), durability: 'disk', events });
  return { faults, events, open };
}

/** Three rows through one pipe, each when the one before was answered. */
async function pipeThree(box: Sandbox): Promise<Ended> {
  const { child, ended } = start(APPEND, { env: box.env });
  for (const mark of ['a', 'b', 'c']) {
    child.stdin?.write(markedRows([mark]));
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  }
  child.stdin?.end();
  return ended;
}

const codes = (faults: readonly LedgerError[]): string => faults.map(({ code }) => code).join();

test('rows through a pipe leave it as it was, with one warning; verify still tells, and sweep says it', async (t) => {
  const box = sandbox(t);
  const { paths, index } = await rewritten(box.dir);
  assert.equal((await ledger(box, ['verify'])).status, 1);
  for (let n = 0; n < 2; n++) {
    const ended = await pipeThree(box);
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(
      ended.stderr,
      /^ledger: warning: expected an index of this ledger file in .*index\.db, found one of another: row 401 .*run "ledger verify", then "ledger sweep".*\n$/,
    );
  }
  assert.deepEqual(readFileSync(paths.index), index);
  assert.equal((await ledger(box, ['verify'])).status, 1);
  const swept = await ledger(box, ['sweep', '--json']);
  assert.equal(swept.status, 1);
  assert.match(swept.stdout, /"rows-lost".*"rows 7 to 401, as they were appended, are gone; a row says so"/);
  assert.equal((await ledger(box, ['verify'])).status, 3, 'a named gap from now on');
  assert.equal((await ledger(box, ['sweep'])).status, 0);
});

test('streams and keys are answered from the file meanwhile, by a writer that stays as by one that comes', async (t) => {
  const dir = tempFolder(t);
  const { paths, index } = await rewritten(dir);
  const { faults, open } = listening(dir);
  const stored = linesOf(true);
  for (let n = 0; n < 2; n++) {
    const writer = open();
    const [again] = await writer.append([checked({ ...sampleRows(ROWS)[5], idempotency_key: 'k5', cost_usd: 99 })]);
    assert.deepEqual(
      [again?.status, again && 'seq' in again && again.seq],
      ['duplicate', (JSON.parse(stored[6] as string) as { seq: number }).seq],
    );
    for (let i = 0; i < 3; i++)
      assert.equal(statusesOf(await writer.append([checked({ action: 'a.b', run_id: 'run-1' })])), 'landed');
    await writer.close();
  }
  assert.deepEqual(faultsOf(paths.ledger), []);
  assert.deepEqual(
    rowsOf(paths.ledger)
      .slice(-6)
      .map(({ run_seq }) => run_seq),
    [201, 202, 203, 204, 205, 206],
  );
  assert.equal(codes(faults), 'INDEX_DISAGREES,INDEX_DISAGREES', 'once a writer');
  assert.deepEqual(readFileSync(paths.index), index);
});

test('nor does the thread of a long append touch it, nor an import, nor the index of another ledger', async (t) => {
  const dir = tempFolder(t);
  const { paths, index } = await rewritten(dir, 3000);
  assert.ok(sizeOf(paths) > 1 << 20, 'large enough for an import to ready the index');
  const report = await obey({ paths, upToBytes: sizeOf(paths), last: true });
  assert.equal(report.kind, 'disagrees');
  const { faults, events, open } = listening(dir);
  const writer = open();
  for (let n = 0; n < 8; n++) await writer.append(Array.from({ length: 1000 }, () => checked({ action: 'a.b' })));
  await writer.close();
  assert.equal(codes(faults), 'INDEX_DISAGREES');
  const file = join(tempFolder(t), 'old.jsonl');
  appendFileSync(file, '{"action":"a.b","n":1}\n');
  const onProgress = () => undefined;
  const asked = { place: placeIn(dir), file, stdin: process.stdin, events, onProgress, stopped: () => false };
  assert.equal((await importFile(asked)).imported, 1);
  assert.equal(codes(faults), 'INDEX_DISAGREES,INDEX_DISAGREES');
  assert.deepEqual(readFileSync(paths.index), index);
  const identity = { ledgerId: OTHER_LEDGER, origin: 'x', lock: 'kernel' } as const;
  const other = chainOf({ identity });
  for (const row of sampleRows(60)) other.add(row);
  writeLedger(dir, other.lines);
  const next = listening(dir);
  const second = next.open();
  for (let n = 0; n < 2; n++) assert.equal(statusesOf(await second.append([checked({ action: 'a.b' })])), 'landed');
  await second.close();
  assert.match(next.faults[0]?.message ?? '', /it is of ledger 01JTEST/);
  assert.deepEqual(readFileSync(paths.index), index);
});

test('a sweep that finds it only when it puts the index right says so as well', async (t) => {
  const dir = tempFolder(t);
  const writeWith = (ledgerId: string) => {
    const chain = chainOf({ identity: { ledgerId, origin: 'x', lock: 'kernel' } });
    for (const row of sampleRows(30)) chain.add(row);
    const { origin, lock } = chain.identity;
    const previous = { segment: 'audit.1-31.jsonl.gz', last_seq: 31, head: chain.head().hash };
    chain.addOwn('audit.segment', { format: 'ledger/1', ledger_id: ledgerId, origin, lock, previous });
    chain.add({ action: 'a.b' });
    const paths = writeLedger(dir, chain.lines.slice(31));
    mkdirSync(paths.segments, { recursive: true });
    writeFileSync(join(paths.segments, previous.segment), gzipSync(`${chain.lines.slice(0, 31).join('\n')}\n`));
    return paths;
  };
  await rebuildIndex(writeWith(OTHER_LEDGER));
  writeWith('01JANOTHERANOTHERANOTHERAN');
  const { damage, index } = await sweep({ place: placeIn(dir), dryRun: false });
  assert.deepEqual(
    [index, damage.map(({ what, outcome }) => [what, outcome])],
    ['rebuilt', [['index-differs', 'healed']]],
  );
});

test('a loss that the ledger names itself, its writer killed before the index began anew: made anew without a word', async (t) => {
  const dir = tempFolder(t);
  const paths = writeLedger(dir, linesOf(false));
  await rebuildIndex(paths);
  const kept = readFileSync(paths.index);
  const lines = readFileSync(paths.ledger, 'utf8').split('\n');
  truncateSync(paths.ledger, Buffer.byteLength(lines.slice(0, ROWS).join('\n')) + 1);
  const { faults, open } = listening(dir);
  const first = open();
  await first.append([checked({ action: 'a.b' })]);
  await first.close();
  rmSync(paths.index, { force: true });
  appendFileSync(paths.index, kept);
  const index = indexOf(t, paths);
  const fd = ledgerOf(t, paths);
  assert.deepEqual([standingOf(index, fd).kind, isLossNamed(index, fd)], ['disagrees', true]);
  const next = open();
  for (let n = 0; n < 2; n++) await next.append([checked({ action: 'a.b' })]);
  await next.close();
  assert.deepEqual(faults, []);
  assert.ok(!existsSync(paths.index) || !readFileSync(paths.index).equals(kept));
  assert.equal((await sweep({ place: placeIn(dir), dryRun: false })).verdict, 'clean');
  const { verdict, gaps } = await verify({ place: placeIn(dir) });
  assert.deepEqual([verdict, gaps.map(({ kind }) => kind)], ['gaps', ['rows-lost']]);
});

test('heals that left no tombstone, in an import, of a newline or of junk, keep no index from being built or caught up', async (t) => {
  const dir = tempFolder(t);
  // More than one step of a build.
  const lines = linesOf(false, 20_100);
  const paths = writeLedger(dir, lines.toSpliced(20_050, 0, 'junk'));
  const place = placeIn(dir);
  assert.equal((await sweep({ place, dryRun: false })).index, 'rebuilt');
  const file = join(tempFolder(t), 'old.jsonl');
  appendFileSync(file, `${'{"action":"a.b","n":1}\n'.repeat(3)}no JSON\n`);
  const { events } = listening(dir);
  await importFile({ place, file, stdin: process.stdin, events, onProgress: () => undefined, stopped: () => false });
  assert.equal((await sweep({ place, dryRun: false })).verdict, 'clean');
  const { length } = readFileSync(paths.ledger);
  const start = readFileSync(paths.ledger).lastIndexOf(0x0a, length - 2);
  truncateSync(paths.ledger, start);
  assert.equal((await writerIn(t, dir).append({ action: 'x.y' })).length, 1);
  assert.deepEqual(
    rowsOf(paths.ledger)
      .slice(-3)
      .map(({ action }) => action),
    ['audit.rows-lost', 'audit.heal-truncation', 'x.y'],
  );
  for (const rebuild of [false, true]) {
    if (rebuild) rmSync(paths.index);
    assert.match((await sweep({ place, dryRun: false })).index, rebuild ? /rebuilt/ : /rebuilt|caught-up|current/);
    const { verdict, index } = await verify({ place });
    assert.deepEqual([verdict, index], ['gaps', 'agrees']);
  }
});
