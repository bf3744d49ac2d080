/** A sweep that finds the ledger's lock taken after it has begun says what it did, and leaves the rest to the next one. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { LedgerError } from '../../src/core/errors';
import { sweep } from '../../src/services/sweep';
import { KernelLock } from '../../src/store/lock/kernelLock';
import { nodeHost } from '../../src/store/machine/nodeHost';
import { spillRows } from '../../src/store/spill/spill';
import { chainOf, sampleRows, TEST_LEDGER_ID, writeLedger } from '../support/ledgers';
import { checked, tempFolder } from '../support/writers';

function made(t: TestContext) {
  const dir = tempFolder(t);
  const chain = chainOf();
  for (const row of sampleRows(20)) chain.add(row);
  const paths = writeLedger(dir, chain.lines);
  const place = { dir, configPath: undefined, env: { XDG_STATE_HOME: `${dir}/.home` } };
  const reason = { error: new LedgerError('LOCK_TIMEOUT', 'held'), ledgerId: TEST_LEDGER_ID, attempt: undefined };
  spillRows(paths, nodeHost(), [checked({ action: 'a.b' })], reason);
  const other = new KernelLock(paths.lock);
  t.after(() => other.close());
  /** Another takes the lock while the file is read, which is done without it. */
  const lockedOut = () => sweep({ place, dryRun: false, onProgress: () => void other.tryTake() });
  return { paths, place, other, lockedOut };
}

const said = ({ damage }: Awaited<ReturnType<typeof sweep>>) => damage.map(({ what, outcome }) => [what, outcome]);

test('what was healed at the end is told; waiting rows and the index are left', async (t) => {
  const { paths, place, other, lockedOut } = made(t);
  appendFileSync(paths.ledger, '{"seq":22,"ts"');
  const result = await lockedOut();
  assert.deepEqual(said(result), [['torn-tail', 'healed']]);
  assert.deepEqual([result.verdict, result.index, result.waiting, result.drained], ['damage', 'busy', true, 0]);
  assert.ok(!existsSync(paths.index));
  other.close();
  const next = await sweep({ place, dryRun: false });
  assert.deepEqual([next.verdict, next.index, next.waiting, next.drained], ['clean', 'rebuilt', false, 1]);
});

test('what is torn in the middle, and an index that differs, is told and kept', async (t) => {
  const { paths, place, other, lockedOut } = made(t);
  writeFileSync(paths.index, 'junk');
  assert.deepEqual(said(await lockedOut()), [['index-differs', 'kept']]);
  other.close();
  const bytes = readFileSync(paths.ledger);
  bytes.fill(0, 900, 920);
  writeFileSync(paths.ledger, bytes);
  assert.deepEqual(said(await lockedOut()), [['broken-lines', 'kept']]);
  assert.ok(readFileSync(paths.ledger).equals(bytes));
  other.close();
  assert.deepEqual(said(await sweep({ place, dryRun: false })), [['broken-lines', 'healed']]);
});

test('a lock that cannot be had at all is an error: nothing was looked at', async (t) => {
  const { place, other } = made(t);
  other.tryTake();
  await assert.rejects(sweep({ place, dryRun: false }), { code: 'LOCK_TIMEOUT' });
});
