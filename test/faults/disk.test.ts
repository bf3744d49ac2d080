/**
 * Disks that do not take a row (cases 12-19): full once, full for good, no inodes, over quota, a size limit, an
 * error of the sync. A row is landed, spilled, or printed whole with exit 2; what was acknowledged stays.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { view, violations } from '../support/check';
import { cannotMount, fillUp, tmpfs, tool, unmount, useUpInodes } from '../support/mounts';
import { LANES, mapLimit, missingTools, run } from '../support/process';
import type { Ended } from '../support/process';
import {
  acknowledged,
  APPEND,
  appendMarks,
  atEnd,
  copyState,
  inSandbox,
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
import { allCalls, failing, firstStepMissing, injected, sample, strace } from '../support/strace';
import { recover, SHIPPED } from '../support/sweep';

const skip = missingTools('strace', 'gcc', 'prlimit');
const skipMounts = cannotMount();
const NEW = ['new1', 'new2'];
/** Rows too big for what is left of a block: a full disk has no room for them. */
const BIG = { blob: 'x'.repeat(9000) };

const statuses = (ended: Ended): string[] => receipts(ended.stdout).map((receipt) => receipt.status);

/** Asserts that every mark that was not acknowledged is on stderr as a whole row, and that this was exit 2. */
function expectPrinted(ended: Ended, tried: readonly string[]): void {
  const stored = acknowledged(tried, ended.stdout);
  const printed = ended.stderr.split('\n').flatMap((line) => {
    const at = line.indexOf('{"');
    try {
      return at < 0 ? [] : [JSON.stringify(JSON.parse(line.slice(at)))];
    } catch {
      return [];
    }
  });
  for (const mark of tried.filter((name) => !stored.includes(name)))
    assert.ok(
      printed.some((text) => text.includes(`"mark":"${mark}"`)),
      `row ${mark} is whole on stderr: ${ended.stderr}`,
    );
  assert.equal(ended.status, stored.length === tried.length ? 0 : 2, ended.stderr);
}

/** The n-th write to a file of the ledger set fails once: every n. */
async function writesOnce(t: TestContext, torn: boolean, error: string): Promise<void> {
  const template = sandbox(t);
  const before = await fill(template, 3);
  const tail = torn ? tear(template, 'short') : undefined;
  const clean = await inSandbox(template, (box) => strace(APPEND, { env: box.env, stdin: markedRows(NEW) }));
  const writes = allCalls(clean.trace).filter(
    (call) => call.name === 'write' && /<[^>]*\/(?:audit|quarantine|index)[^>]*>/.test(call.text),
  );
  assert.ok(writes.length > 0);
  const failures = await mapLimit(sample(writes, 8), LANES, (call) =>
    inSandbox(template, async (box) => {
      const options = { env: box.env, cwd: box.root, stdin: markedRows(NEW) };
      const traced = await strace(APPEND, { ...options, arguments: failing(['write'], error, String(call.nth)) });
      assert.equal(injected(traced), 1, traced.trace);
      const lockNote = /audit\.lock/.test(call.text);
      const { ended } = traced;
      const wrong = ended.status === 0 ? [] : [`exit ${ended.status}: ${ended.stderr}`];
      if (!lockNote && !torn && statuses(ended).join() !== 'landed,landed') wrong.push(`answers: ${ended.stdout}`);
      wrong.push(
        ...(await recover(SHIPPED, box, {
          acked: [...before, ...acknowledged(NEW, ended.stdout)],
          tried: NEW,
          torn: tail,
        })),
      );
      return wrong.map((failure) => `${failure}\n    ${error} at ${call.text.replaceAll(/\/tmp\/[^/]*/g, '')}`);
    }),
  );
  assert.deepEqual(failures.flat(), []);
}

test('case 12: no space for one write, once: the retry lands the row, nothing is doubled', { skip }, (t) =>
  writesOnce(t, false, 'ENOSPC'),
);

test('case 12: no space for one write of a heal, once', { skip }, (t) => writesOnce(t, true, 'ENOSPC'));

test('case 12: a disk that fills up in the middle of the row', { skip }, async (t) => {
  const template = sandbox(t);
  const before = await fill(template, 3);
  const failures = await mapLimit([1, 100, 400], LANES, (bytes) =>
    inSandbox(template, async (box) => {
      const env = { ...box.env, ...shimEnv({ path: '/audit.jsonl', mode: 'err', bytes }) };
      const ended = await run(APPEND, { env, cwd: box.root, stdin: markedRows(NEW) });
      assert.deepEqual(statuses(ended), ['landed', 'landed'], ended.stderr);
      return violations(box, { acknowledged: [...before, ...NEW] });
    }),
  );
  assert.deepEqual(failures.flat(), []);
});

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
    assert.ok(
      statuses(ended).every((status) => status === 'spilled' || status === 'landed'),
      ended.stdout,
    );
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
    assert.deepEqual(statuses(ended), ['spilled', 'spilled'], ended.stderr);
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
  assert.deepEqual(statuses(waiting), ['spilled'], waiting.stderr);
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
    assert.deepEqual(statuses(traced.ended), ['spilled', 'spilled'], traced.ended.stderr);
    const { torn } = view(box);
    assert.ok(torn.length > 0, 'the torn bytes could not be cut');
    assert.deepEqual(await recover(SHIPPED, box, { acked: [...before, ...NEW], tried: [], torn }), []);
  },
);

test('case 17: over quota on btrfs', { skip: cannotMount('mkfs.btrfs', 'btrfs') }, async (t) => {
  const root = temporaryFolder(t);
  const image = join(root, 'f.img');
  const mount = join(root, 'm');
  mkdirSync(mount);
  tool('truncate', '-s', '120M', image);
  tool('mkfs.btrfs', '-q', image);
  tool('mount', '-o', 'loop', image, mount);
  atEnd(t, () => unmount(mount));
  tool('btrfs', 'quota', 'enable', mount);
  tool('btrfs', 'subvolume', 'create', join(mount, 's'));
  const box = sandboxAt(root, { dir: join(mount, 's', 'state'), stateHome: join(mount, 's', 'xdg') });
  const before = await fill(box, 3);
  tool('sync', '-f', mount);
  tool('btrfs', 'qgroup', 'limit', '600K', join(mount, 's'));
  // Rows that cannot be compressed away, until the quota refuses one.
  const tried = marks('big', 60);
  const more = { blob: Array.from({ length: 3000 }, (_, i) => ((i * 2654435761) >>> 0).toString(36)).join('') };
  const ended = await run(APPEND, { env: box.env, cwd: root, stdin: markedRows(tried, more), timeoutMs: 120_000 });
  assert.ok(statuses(ended).length === tried.length || ended.status === 2, ended.stderr);
  tool('btrfs', 'qgroup', 'limit', 'none', join(mount, 's'));
  const acked = [...before, ...acknowledged(tried, ended.stdout)];
  assert.ok(acked.length < before.length + tried.length || /spill/.test(ended.stdout), 'the quota was met');
  assert.deepEqual(await recover(SHIPPED, box, { acked, tried }), []);
});

test('case 18: a file size limit inside the row: cut back, spilled, no death by SIGXFSZ', { skip }, async (t) => {
  const template = sandbox(t);
  const before = await fill(template, 12);
  const size = statSync(template.ledger).size;
  const points = sample(
    Array.from({ length: 500 }, (_, i) => i + 1),
    6,
  );
  const failures = await mapLimit(points, LANES, (room) =>
    inSandbox(template, async (box) => {
      const command = ['prlimit', `--fsize=${size + room}`, ...APPEND];
      const ended = await run(command, { env: box.env, cwd: box.root, stdin: markedRows(NEW) });
      const wrong = ended.status === 0 ? [] : [`exit ${ended.status} ${ended.signal ?? ''}: ${ended.stderr}`];
      if (statuses(ended).join() !== 'spilled,spilled') wrong.push(`answers: ${ended.stdout}`);
      if (statSync(box.ledger).size !== size) wrong.push('the ledger was not cut back');
      wrong.push(
        ...(await recover(SHIPPED, box, { acked: [...before, ...acknowledged(NEW, ended.stdout)], tried: NEW })),
      );
      return wrong.map((failure) => `${failure}\n    room for ${room} bytes`);
    }),
  );
  assert.deepEqual(failures.flat(), []);
});

test('case 19: the sync fails once: cut, written again, synced again', { skip }, async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 3);
  const traced = await strace(APPEND, {
    env: box.env,
    stdin: markedRows(NEW),
    arguments: [
      ...['-e', 'trace=write,ftruncate,fsync,fdatasync', '-P', box.ledger],
      ...['-e', 'inject=fsync,fdatasync:error=EIO:when=1'],
    ],
  });
  assert.equal(injected(traced), 1);
  assert.deepEqual(statuses(traced.ended), ['landed', 'landed'], traced.ended.stderr);
  const order = [/^write/, /^f(?:data)?sync.*INJECTED|^f(?:data)?sync/, /^ftruncate/, /^write/, /^f(?:data)?sync/];
  assert.equal(firstStepMissing(allCalls(traced.trace), order), undefined, 'a sync is never simply repeated');
  assert.deepEqual(violations(box, { acknowledged: [...before, ...NEW] }), []);
});

test('case 19: the sync fails for ever: spilled; on every file: exit 2 and the row on stderr', { skip }, async (t) => {
  const one = sandbox(t);
  const before = await fill(one, 3);
  const ledgerOnly = failing(['fsync', 'fdatasync'], 'EIO', '1+', [one.ledger]);
  const spilled = await strace(APPEND, { env: one.env, stdin: markedRows(NEW), arguments: ledgerOnly });
  assert.ok(injected(spilled) >= 4, 'the first try and three more');
  assert.deepEqual(statuses(spilled.ended), ['spilled', 'spilled'], spilled.ended.stderr);
  assert.deepEqual(await recover(SHIPPED, one, { acked: [...before, ...NEW], tried: [] }), []);

  const all = sandbox(t);
  await fill(all, 3);
  const everywhere = failing(['fsync', 'fdatasync'], 'EIO', '1+');
  const nowhere = await strace(APPEND, { env: all.env, stdin: markedRows(NEW), arguments: everywhere });
  assert.equal(nowhere.ended.status, 2, nowhere.ended.stderr);
  expectPrinted(nowhere.ended, NEW);
  assert.deepEqual(await recover(SHIPPED, all, { acked: before, tried: NEW }), []);
});
