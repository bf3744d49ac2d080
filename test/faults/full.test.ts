/**
 * Disks that are full for good (cases 13-17): no space, no inodes, over quota. Rows wait in the second place, or are
 * printed whole with exit 2; nothing is cut before its copy is safe.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { Writer } from '../../src/store/append/writer';
import { nodeHost } from '../../src/store/machine/nodeHost';
import { statePaths } from '../../src/store/paths';
import { expectPrinted, statuses } from '../support/answers';
import { view } from '../support/check';
import { cannotMount, fillUp, loopImage, remount, tmpfs, tool, useUpInodes } from '../support/mounts';
import { missingTools, run } from '../support/process';
import {
  acknowledged,
  APPEND,
  appendMarks,
  copyState,
  ledger,
  markedRows,
  marks,
  receipts,
  sandbox,
  sandboxAt,
  temporaryFolder,
} from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { shimEnv } from '../support/shim';
import { fill, tear } from '../support/states';
import { failing, injected, strace } from '../support/strace';
import { recover, SHIPPED } from '../support/sweep';
import { checked, statusesOf } from '../support/writers';

const skip = missingTools('strace', 'gcc');
const skipMounts = cannotMount();
const NEW = ['new1', 'new2'];
/** Rows too big for what is left of a block: a full disk has no room for them. */
const BIG = { blob: 'x'.repeat(9000) };

/** A ledger on a small tmpfs, its second spill place elsewhere or on the same file system. */
async function onTmpfs(t: TestContext, options: string, second: 'elsewhere' | 'same'): Promise<Sandbox> {
  const root = temporaryFolder(t);
  const mount = tmpfs(t, join(root, 'm'), options);
  const dir = join(mount, 'state');
  const box = sandboxAt(root, { dir, stateHome: second === 'same' ? join(mount, 'xdg') : join(root, 'xdg') });
  const healthy = sandbox(t);
  await fill(healthy, 3);
  copyState(healthy, box);
  return box;
}

const OLD = marks('old', 3);

test(
  'case 13: a full disk with a second place: rows spill there and drain in order',
  { skip: skipMounts },
  async (t) => {
    const box = await onTmpfs(t, 'size=256k', 'elsewhere');
    const free = fillUp(join(box.root, 'm'));
    const tried = marks('wait', 5);
    const ended = await appendMarks(box, tried);
    assert.equal(ended.status, 0, ended.stderr);
    assert.ok(/^(?:landed|spilled)(?:,(?:landed|spilled))*$/.test(statuses(ended)), ended.stdout);
    assert.ok(statuses(ended).includes('spilled'), 'the disk was full');
    assert.match(ended.stdout, /WRITE_FAILED/, 'the receipt says why');
    const prose = await ledger(box, ['append', '--action', 'fault.probe', '--payload', JSON.stringify(BIG)]);
    assert.match(prose.stderr, /spill/, 'the warning is on stderr');
    free();
    assert.deepEqual(await recover(SHIPPED, box, { acked: [...OLD, ...tried], tried: [] }), []);
    const order = view(box).rows.flatMap((row) => (String(row['mark']).startsWith('wait') ? [row['mark']] : []));
    assert.deepEqual(order, tried, 'the order is kept');
  },
);

test(
  'case 14: a full disk and no second place: exit 2, the row whole on stderr, the ledger clean',
  { skip: skipMounts },
  async (t) => {
    const box = await onTmpfs(t, 'size=256k', 'same');
    const free = fillUp(join(box.root, 'm'));
    const ledgerBytes = readFileSync(box.ledger);
    const ended = await run(APPEND, { env: box.env, cwd: box.root, stdin: markedRows(NEW, BIG) });
    expectPrinted(ended, NEW);
    assert.equal(ended.status, 2);
    assert.ok(readFileSync(box.ledger).equals(ledgerBytes), 'the tail is as it was');
    free();
    assert.deepEqual(
      await recover(SHIPPED, box, { acked: [...OLD, ...acknowledged(NEW, ended.stdout)], tried: NEW }),
      [],
    );
  },
);

/** A tmpfs for all there is, with room for some of the rows. */
async function almostFull(t: TestContext): Promise<{ box: Sandbox; free: () => void }> {
  const box = await onTmpfs(t, 'size=512k', 'same');
  const mount = join(box.root, 'm');
  const reserve = join(mount, 'reserve');
  writeFileSync(reserve, Buffer.alloc(48 << 10));
  const freeAll = fillUp(mount);
  rmSync(reserve);
  return { box, free: freeAll };
}

test(
  'case 14: a disk that fills up in the middle of a group: row by row, spilled or on stderr, never both',
  { skip: skipMounts },
  async (t) => {
    const { box, free } = await almostFull(t);
    const tried = marks('some', 20);
    const ended = await run(APPEND, { env: box.env, cwd: box.root, stdin: markedRows(tried, BIG) });
    const stored = acknowledged(tried, ended.stdout);
    assert.match(statuses(ended), /^spilled(,spilled)*(,refused)+$/, ended.stderr);
    assert.equal(receipts(ended.stdout).at(-1)?.error?.code, 'STORED_NOWHERE');
    expectPrinted(ended, tried);
    free();
    assert.deepEqual(await recover(SHIPPED, box, { acked: [...OLD, ...stored], tried }), []);
    const found = view(box).rows.flatMap((row) => (String(row['mark']).startsWith('some') ? [row['mark']] : []));
    assert.deepEqual(found, stored, 'what was handed back is in the ledger in no part');
  },
);

test(
  'case 14: a library call on a disk that fills up in the middle of it is stored nowhere, in no part',
  { skip: skipMounts },
  async (t) => {
    const { box, free } = await almostFull(t);
    const paths = statePaths(box.dir, box.env);
    const silent = () => undefined;
    const events = { onHeal: silent, onDrain: silent, onRowsLost: silent, onIndexFault: silent, onOtherLedger: silent };
    const writer = new Writer({ paths, host: nodeHost(), durability: 'disk', events });
    const rows = marks('call', 20).map((mark) => checked({ action: 'fault.probe', mark, ...BIG }));
    const [small, big] = await Promise.allSettled([writer.append(rows.slice(0, 2)), writer.append(rows.slice(2))]);
    assert.equal(small.status === 'fulfilled' && statusesOf(small.value), 'spilled,spilled');
    assert.ok(big.status === 'fulfilled');
    assert.ok(big.value.every((one) => one.status === 'refused' && one.error.code === 'STORED_NOWHERE'));
    await writer.close();
    free();
    assert.deepEqual(await recover(SHIPPED, box, { acked: [...OLD, 'call1', 'call2'], tried: [] }), []);
    const found = view(box).rows.flatMap((row) => (String(row['mark']).startsWith('call') ? [row['mark']] : []));
    assert.deepEqual(found, ['call1', 'call2']);
  },
);

test(
  'case 15: a torn tail that cannot be set aside for want of space is left alone',
  { skip: skipMounts },
  async (t) => {
    const box = await onTmpfs(t, 'size=256k', 'elsewhere');
    const torn = tear(box, 'zero');
    const free = fillUp(join(box.root, 'm'));
    const ledgerBytes = readFileSync(box.ledger);
    const ended = await appendMarks(box, NEW);
    assert.ok(readFileSync(box.ledger).equals(ledgerBytes), 'not a byte is cut before its copy is safe');
    assert.equal(statuses(ended), 'spilled,spilled', ended.stderr);
    free();
    assert.deepEqual(await recover(SHIPPED, box, { acked: [...OLD, ...NEW], tried: [], torn }), []);
  },
);

test('case 16: no inodes: a new ledger cannot be made, the row is whole on stderr', { skip: skipMounts }, async (t) => {
  const root = temporaryFolder(t);
  const mount = tmpfs(t, join(root, 'm'), 'size=1m,nr_inodes=6');
  const box = sandboxAt(root, { dir: join(mount, 'state'), stateHome: join(mount, 'xdg') });
  const free = useUpInodes(mount);
  const ended = await appendMarks(box, NEW);
  assert.equal(ended.status, 2, ended.stderr);
  expectPrinted(ended, NEW);
  free();
  assert.deepEqual(await recover(SHIPPED, box, { acked: [], tried: NEW }), []);
});

test('case 16: no inodes: an existing ledger takes the row, a torn tail waits', { skip: skipMounts }, async (t) => {
  const box = await onTmpfs(t, 'size=1m,nr_inodes=40', 'elsewhere');
  const free = useUpInodes(join(box.root, 'm'));
  const landed = await appendMarks(box, ['new1']);
  assert.equal(landed.status, 0, landed.stderr);
  const torn = tear(box, 'short');
  const ledgerBytes = readFileSync(box.ledger);
  const waiting = await appendMarks(box, ['new2']);
  assert.equal(statuses(waiting), 'spilled', waiting.stderr);
  assert.ok(readFileSync(box.ledger).equals(ledgerBytes));
  free();
  assert.deepEqual(await recover(SHIPPED, box, { acked: [...OLD, 'new1', 'new2'], tried: [], torn }), []);
});

test(
  'case 17: over quota, even the cut fails: spilled, and the torn tail heals when the quota is lifted',
  { skip },
  async (t) => {
    const box = sandbox(t);
    const before = await fill(box, 3);
    const options = { env: box.env, cwd: box.root, stdin: markedRows(NEW) };
    const childEnv = shimEnv({ path: '/audit.jsonl', mode: 'err', times: 0, bytes: 90, errno: 122 });
    const traced = await strace(APPEND, {
      ...options,
      childEnv,
      arguments: failing(['ftruncate'], 'EDQUOT', '1+', [box.ledger]),
    });
    assert.ok(injected(traced) > 0, 'the cut was refused');
    assert.equal(statuses(traced.ended), 'spilled,spilled', traced.ended.stderr);
    const { torn } = view(box);
    assert.ok(torn.length > 0, 'the torn bytes could not be cut');
    assert.deepEqual(await recover(SHIPPED, box, { acked: [...before, ...NEW], tried: [], torn }), []);
  },
);

test('case 17: over quota on btrfs', { skip: cannotMount('mkfs.btrfs', 'btrfs') }, async (t) => {
  const root = temporaryFolder(t);
  const image = loopImage(t, root, 'btrfs');
  const subvolume = join(image.mount, 's');
  tool('btrfs', 'quota', 'enable', image.mount);
  tool('btrfs', 'subvolume', 'create', subvolume);
  const box = sandboxAt(root, { dir: join(subvolume, 'state') });
  const before = await fill(box, 3);
  tool('sync', '-f', image.mount);
  tool('btrfs', 'qgroup', 'limit', '300K', subvolume);
  const tried = marks('big', 16);
  const more = { blob: Array.from({ length: 3000 }, (_, i) => ((i * 2654435761) >>> 0).toString(36)).join('') };
  const ended = await run(APPEND, { env: box.env, cwd: root, stdin: markedRows(tried, more), timeoutMs: 120_000 });
  assert.equal(ended.status, 0, ended.stderr);
  assert.match(statuses(ended), /spilled/, 'the quota was met');
  tool('btrfs', 'qgroup', 'limit', 'none', subvolume);
  // A refused cut leaves zeros in the page cache of btrfs that are not on its disk.
  remount(t, image);
  assert.deepEqual(await recover(SHIPPED, box, { acked: [...before, ...tried], tried: [] }), []);
});
