/**
 * The index takes in what is committed, and nothing behind it: a group whose sync fails is cut off again, and an index that
 * had seen it would tell of lost rows that nobody was ever promised.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { readyIndex } from '../../../src/store/index/indexReady';
import { rebuildIndex } from '../../../src/store/index/indexBuild';
import { openIndex } from '../../../src/store/index/indexOpen';
import { tendIndex } from '../../../src/store/index/indexTend';
import { obey } from '../../../src/store/index/indexWorker';
import type { StatePaths } from '../../../src/store/paths';
import { ensureBuilt } from '../../support/built';
import { appendLines, sizeOf, testFolder } from '../../support/indexes';
import { chainOf, sampleRows, writeLedger } from '../../support/ledgers';
import { missingTools, start, until } from '../../support/process';
import { APPEND, ledger, markedRows, sandbox } from '../../support/sandbox';
import { fill } from '../../support/states';
import { strace } from '../../support/strace';

before(ensureBuilt);

/** Every sync of the ledger fails, half a second after it was asked for. */
const slowFailure = (path: string): string[] => [
  ...['-P', path, '-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO:delay_enter=500000'],
];

for (const hasIndex of [true, false]) {
  const title = `a writer that ends while the group of another is to be cut off again, ${hasIndex ? 'with' : 'without'} an index: nothing is lost`;
  test(title, { skip: missingTools('strace') }, async (t) => {
    const box = sandbox(t);
    await fill(box, 3);
    assert.equal((await ledger(box, ['sweep'])).status, 0);
    if (!hasIndex) rmSync(join(box.dir, 'index.db'));
    const staying = start(APPEND, { env: box.env });
    for (const mark of ['b1', 'b2']) {
      staying.child.stdin?.write(markedRows([mark]));
      await once(staying.child.stdout as NonNullable<typeof staying.child.stdout>, 'data');
    }
    const { size } = statSync(box.ledger);
    const failing = strace(APPEND, { env: box.env, stdin: markedRows(['a1']), arguments: slowFailure(box.ledger) });
    await until('the other has written its row', () => statSync(box.ledger).size > size);
    staying.child.stdin?.end();
    assert.equal((await staying.ended).status, 0);
    assert.ok(existsSync(join(box.dir, 'index.db')));
    assert.match((await failing).ended.stdout, /"spilled"/);
    assert.equal(statSync(box.ledger).size, size, 'its row was cut off again');
    const verified = await ledger(box, ['verify']);
    assert.equal(verified.status, 0, verified.stdout);
    assert.equal((await ledger(box, ['append', '--action', 'a.b'])).status, 0);
    assert.doesNotMatch(readFileSync(box.ledger, 'utf8'), /audit\.rows-lost/);
    assert.equal((await ledger(box, ['verify'])).status, 0);
  });
}

/** The last seq that the index has. */
function seqOf(paths: StatePaths): number | undefined {
  const index = openIndex(paths, 'read');
  const seq = index?.watermark().seq;
  index?.close();
  return seq;
}

test('whoever makes it or catches it up stops where the committed rows end', async (t) => {
  const chain = chainOf();
  for (const row of sampleRows(2600)) chain.add(row);
  const paths = writeLedger(testFolder(t), chain.lines);
  const upToBytes = sizeOf(paths);
  assert.ok(upToBytes > 1 << 20, 'large enough for an import to ready the index');
  chain.add({ action: 'a.b' });
  appendLines(paths, chain.lines.slice(-1));
  const makers: Readonly<Record<string, (end: number) => Promise<unknown>>> = {
    rebuild: (end) => rebuildIndex(paths, { upToBytes: end }),
    sweep: (end) => tendIndex(paths, end, undefined),
    import: (end) => readyIndex(paths, () => Promise.resolve(end), assert.ifError),
    thread: (end) => obey({ paths, upToBytes: end, last: true }),
  };
  for (const [name, make] of Object.entries(makers)) {
    rmSync(paths.index, { force: true });
    for (const end of [upToBytes, upToBytes + 5]) {
      await make(end);
      assert.equal(seqOf(paths), 2601, name);
    }
    await make(sizeOf(paths));
    assert.equal(seqOf(paths), 2602, name);
  }
});
