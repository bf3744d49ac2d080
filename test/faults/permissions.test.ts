/**
 * Places that may not be written (cases 34, 35).
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { cannotMount, readOnlyView, tmpfs, tool } from '../support/mounts';
import { missingTools, run } from '../support/process';
import {
  acknowledged,
  APPEND,
  appendMarks,
  atEnd,
  copyState,
  ledger,
  ledgerCommand,
  markedRows,
  receipts,
  sandbox,
  sandboxAt,
  temporaryFolder,
} from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { fill, tear } from '../support/states';
import { recover, SHIPPED } from '../support/sweep';

const skipMounts = cannotMount();
const notRoot = process.getuid?.() === 0 ? false : 'needs root, to change owners';

/** Every file of a state folder with its bytes: what a reading command may not change. */
function snapshot(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(dir, name)).isFile(),
  );
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name)).toString('base64')]));
}

async function expectReads(box: Sandbox, dir: string): Promise<void> {
  const before = snapshot(dir);
  for (const command of ['verify', 'rollup']) {
    const ended = await ledger({ ...box, env: { ...box.env, LEDGER_DIR: dir } }, [command]);
    assert.equal(ended.status, 0, `${command}: ${ended.stderr}`);
  }
  assert.deepEqual(snapshot(dir), before, 'a reader writes nothing');
}

/** Without a place to write to: the append says so with exit 2 and the whole row, or spills elsewhere. */
async function expectNoWrite(box: Sandbox, dir: string): Promise<void> {
  const nowhere = { ...box.env, LEDGER_DIR: dir, XDG_STATE_HOME: '/proc/no-such-place' };
  const ended = await run(APPEND, { env: nowhere, cwd: box.root, stdin: markedRows(['lost1']) });
  assert.equal(ended.status, 2, ended.stderr);
  assert.match(ended.stderr, /"mark":"lost1"/, 'the row is whole on stderr');
  assert.doesNotMatch(ended.stderr, /\n\s+at /, 'no stack trace');
}

test('case 34: a read-only file system: append exit 2, verify and rollup work', { skip: skipMounts }, async (t) => {
  const box = sandbox(t);
  await fill(box, 3);
  const view = readOnlyView(t, box.dir, join(box.root, 'ro'));
  await expectNoWrite(box, view);
  await expectReads(box, view);
});

test(
  'case 34: an immutable ledger (chattr +i): exit 2 with the whole row, readers work',
  { skip: skipMounts || missingTools('chattr') },
  async (t) => {
    const box = sandbox(t);
    const before = await fill(box, 3);
    tool('chattr', '+i', box.ledger);
    atEnd(t, () => run(['chattr', '-i', box.ledger]));
    const ended = await appendMarks(box, ['new1']);
    assert.equal(ended.status, 2, ended.stdout);
    assert.match(ended.stderr, /"mark":"new1"/, 'the row is whole on stderr');
    await expectReads(box, box.dir);
    tool('chattr', '-i', box.ledger);
    assert.deepEqual(await recover(SHIPPED, box, { acked: before, tried: ['new1'] }), []);
  },
);

/** Runs a command as an ordinary user who owns the state folder. */
function asUser(command: readonly string[]): string[] {
  return ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...command];
}

function giveAway(path: string): void {
  chownSync(path, 65534, 65534);
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) giveAway(join(path, name));
}

test(
  'case 34: a folder without write permission (0500): exit 2 with the whole row, or landed; readers work',
  { skip: notRoot || missingTools('setpriv') },
  async (t) => {
    const box = sandbox(t);
    const before = await fill(box, 3);
    giveAway(box.root);
    chmodSync(box.root, 0o755);
    chmodSync(box.dir, 0o500);
    const readers = await run(asUser(ledgerCommand('verify')), { env: box.env, cwd: box.root });
    assert.equal(readers.status, 0, readers.stderr);
    const ended = await run(asUser(APPEND), { env: box.env, cwd: box.root, stdin: markedRows(['new1']) });
    const acked = acknowledged(['new1'], ended.stdout);
    assert.equal(ended.status, acked.length === 1 ? 0 : 2, ended.stderr);
    if (acked.length === 0) assert.match(ended.stderr, /"mark":"new1"/, 'the row is whole on stderr');
    chmodSync(box.dir, 0o700);
    const user = { append: asUser(APPEND), verify: asUser(ledgerCommand('verify', '--json')) };
    assert.deepEqual(await recover(user, box, { acked: [...before, ...acked], tried: ['new1'] }), []);
  },
);

test(
  'case 34: doctor names what its owner may not write: the ledger, the lock, the folder that a torn end is set aside in',
  { skip: notRoot || missingTools('setpriv') },
  async (t) => {
    const box = sandbox(t);
    await fill(box, 3);
    giveAway(box.root);
    chmodSync(box.root, 0o755);
    tear(box, 'short');
    for (const [path, mode] of [
      [box.ledger, 0o400],
      [join(box.dir, 'audit.lock'), 0o400],
      [box.dir, 0o500],
    ] as const) {
      const before = statSync(path).mode;
      chmodSync(path, mode);
      const swept = await run(asUser(ledgerCommand('sweep')), { env: box.env, cwd: box.root });
      assert.equal(swept.status, 2, swept.stdout);
      assert.match(swept.stderr, /ledger doctor/);
      const doctor = await run(asUser(ledgerCommand('doctor', '-q')), { env: box.env, cwd: box.root });
      assert.equal(doctor.status, 1, doctor.stdout);
      const advised = /^bad +owner .*\(mode [45]00\).*\n +→ (chmod .*)$/m.exec(doctor.stdout)?.[1] ?? '';
      assert.ok(advised.endsWith(`'${path}'`), doctor.stdout);
      assert.equal((await run(['sh', '-c', advised])).status, 0);
      assert.equal(statSync(path).mode, before, 'what it advises is enough');
    }
    assert.equal((await run(asUser(ledgerCommand('doctor', '-q')), { env: box.env, cwd: box.root })).status, 0);
  },
);

test(
  "case 34: another account's home (sudo -u keeps HOME): a ledger works without a second place, and doctor says so",
  { skip: notRoot || missingTools('setpriv') },
  async (t) => {
    const box = sandbox(t);
    const home = join(box.root, 'home');
    mkdirSync(home, { mode: 0o700 });
    giveAway(box.root);
    chownSync(home, 0, 0);
    const env = { ...box.env, XDG_STATE_HOME: '', HOME: home };
    const user = (...args: string[]) => run(asUser(ledgerCommand(...args)), { env, cwd: box.root });
    const append = (mark: string) => run(asUser(APPEND), { env, cwd: box.root, stdin: markedRows([mark]) });

    const landed = await append('own1');
    assert.deepEqual([landed.status, receipts(landed.stdout)[0]?.status], [0, 'landed'], landed.stdout);
    for (const args of [['sweep', '--dry-run'], ['sweep'], ['verify'], ['rollup']]) {
      const ended = await user(...args);
      assert.equal(ended.status, 0, `${args.join(' ')}: ${ended.stderr}`);
    }
    const doctor = await user('doctor');
    assert.equal(doctor.status, 0, doctor.stderr);
    assert.match(doctor.stdout, /^warn +2nd spill +no way into .*home.* \(EACCES\)\n.*XDG_STATE_HOME/m);

    // Nothing is built on a row that was tampered with: the next ones spill.
    writeFileSync(box.ledger, readFileSync(box.ledger, 'utf8').replace('"mark":"own1"', '"mark":"own2"'));
    const spilled = await append('first1');
    assert.deepEqual([spilled.status, receipts(spilled.stdout)[0]?.status], [0, 'spilled'], 'the first place takes it');
    rmSync(join(box.dir, 'audit.spill.jsonl'));
    mkdirSync(join(box.dir, 'audit.spill.jsonl'));
    const nowhere = await append('nowhere1');
    assert.equal(nowhere.status, 2, nowhere.stdout);
    assert.match(nowhere.stdout + nowhere.stderr, /STORED_NOWHERE/);
    assert.match(nowhere.stderr, /"mark":"nowhere1"/, 'the row is whole on stderr');
  },
);

test('case 34: a second place that is no folder, or a ring of links, is none', async (t) => {
  const box = sandbox(t);
  const ring = join(box.root, 'ring');
  symlinkSync(ring, ring);
  for (const [i, stateHome] of ['/dev/null', ring].entries()) {
    const closed = { ...box, env: { ...box.env, XDG_STATE_HOME: stateHome } };
    const ended = await appendMarks(closed, [`own${i}`]);
    assert.equal(receipts(ended.stdout)[0]?.status, 'landed', ended.stderr);
    assert.equal((await ledger(closed, ['sweep'])).status, 0);
  }
});

test(
  'case 34: a state folder that belongs to somebody else: exit 2 with the way to become them',
  { skip: notRoot },
  async (t) => {
    const box = sandbox(t);
    await fill(box, 3);
    giveAway(box.dir);
    const ledgerBytes = readFileSync(box.ledger);
    const ended = await appendMarks(box, ['new1']);
    assert.equal(ended.status, 2, `${ended.stdout} ${ended.stderr}`);
    assert.match(ended.stdout + ended.stderr, /NOT_OWNER/);
    const prose = await ledger(box, ['append', '--action', 'fault.probe']);
    assert.match(prose.stderr, /sudo -u/);
    assert.ok(readFileSync(box.ledger).equals(ledgerBytes));
    const verdict = await ledger(box, ['verify']);
    assert.equal(verdict.status, 0, `reading needs permission only: ${verdict.stderr}`);
  },
);

test(
  'case 35: an append-only ledger (chattr +a) with a torn tail: said clearly, spilled, nothing altered',
  { skip: skipMounts || missingTools('chattr') },
  async (t) => {
    const box = sandbox(t);
    const before = await fill(box, 3);
    const torn = tear(box, 'short');
    const ledgerBytes = readFileSync(box.ledger);
    tool('chattr', '+a', box.ledger);
    atEnd(t, () => run(['chattr', '-a', box.ledger]));
    const ended = await appendMarks(box, ['new1']);
    assert.equal(receipts(ended.stdout)[0]?.status, 'spilled', ended.stderr);
    assert.match(ended.stdout + ended.stderr, /EPERM|not permitted|chattr/, 'the reason is named');
    assert.ok(readFileSync(box.ledger).equals(ledgerBytes));
    tool('chattr', '-a', box.ledger);
    assert.deepEqual(await recover(SHIPPED, box, { acked: [...before, 'new1'], tried: [], torn }), []);
  },
);

test(
  'case 35: an append-only ledger that is whole takes rows',
  { skip: skipMounts || missingTools('chattr') },
  async (t) => {
    const box = sandbox(t);
    await fill(box, 3);
    tool('chattr', '+a', box.ledger);
    atEnd(t, () => run(['chattr', '-a', box.ledger]));
    const ended = await appendMarks(box, ['new1']);
    assert.equal(receipts(ended.stdout)[0]?.status, 'landed', ended.stderr);
  },
);

test('permissions: files are 0600 and folders 0700 whatever the umask', async (t) => {
  const box = sandbox(t);
  await run(['sh', '-c', 'umask 000; exec "$@"', 'sh', ...APPEND], { env: box.env, stdin: markedRows(['a']) });
  tear(box, 'short');
  await run(['sh', '-c', 'umask 000; exec "$@"', 'sh', ...APPEND], { env: box.env, stdin: markedRows(['b']) });
  for (const name of readdirSync(box.dir, { recursive: true, encoding: 'utf8' })) {
    const { mode } = statSync(join(box.dir, name));
    assert.equal(mode & 0o077, 0, `${name}: ${(mode & 0o777).toString(8)}`);
  }
});

test('permissions: a symlinked file of the set is refused, a symlinked folder is followed once', async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 2);
  const link = join(box.root, 'link');
  symlinkSync(box.dir, link);
  const through = await ledger({ ...box, env: { ...box.env, LEDGER_DIR: link } }, [
    'append',
    '--action',
    'a.b',
    '--json',
  ]);
  assert.equal(through.status, 0, through.stderr);
  const victim = join(box.root, 'victim');
  writeFileSync(victim, 'precious\n');
  const box2 = sandboxAt(temporaryFolder(t));
  copyState(box, box2);
  rmSync(box2.ledger);
  symlinkSync(victim, box2.ledger);
  const refused = await appendMarks(box2, ['new1']);
  assert.notEqual(receipts(refused.stdout)[0]?.status, 'landed');
  assert.equal(readFileSync(victim, 'utf8'), 'precious\n');
  assert.equal(before.length, 2);
});

for (const [what, makeAlias] of [
  ['a hard link', (box: Sandbox) => linkSync(box.ledger, join(box.root, 'backup'))],
  [
    'a symbolic link',
    (box: Sandbox) => {
      renameSync(box.ledger, join(box.root, 'backup'));
      symlinkSync(join(box.root, 'backup'), box.ledger);
    },
  ],
] as const) {
  test(`permissions: a ledger with ${what}: append and doctor say so, and what they advise keeps the record`, async (t) => {
    const box = sandbox(t);
    const before = await fill(box, 2);
    makeAlias(box);
    const ended = await ledger(box, ['append', '--action', 'a.b']);
    assert.equal(ended.status, 2, ended.stdout);
    const advised = /cp -p .* && mv '[^']*' '[^']*'/.exec(ended.stderr)?.[0] ?? '';
    const doctor = await ledger(box, ['doctor', '-q', '--json']);
    assert.equal(doctor.status, 1);
    const { checks } = JSON.parse(doctor.stdout) as { checks: { name: string; advice: string | null }[] };
    assert.ok(
      checks.some(({ name, advice }) => name === 'owner' && advice?.includes(advised) === true),
      doctor.stdout,
    );
    assert.equal((await run(['sh', '-c', advised])).status, 0, advised);
    assert.deepEqual(await recover(SHIPPED, box, { acked: before, tried: [] }), []);
    assert.equal((await ledger(box, ['doctor', '-q'])).stdout.includes('audit.jsonl'), false);
  });
}

test('permissions: a symlinked quarantine is refused: torn bytes stay in the ledger, doctor says why', async (t) => {
  const box = sandbox(t);
  const before = await fill(box, 2);
  const elsewhere = join(box.root, 'elsewhere');
  mkdirSync(elsewhere);
  const quarantine = join(box.dir, 'quarantine');
  symlinkSync(elsewhere, quarantine);
  const torn = tear(box, 'short');
  const ledgerBytes = readFileSync(box.ledger);
  const append = await appendMarks(box, ['new1']);
  assert.equal(append.status, 2, append.stdout);
  assert.equal(receipts(append.stdout)[0]?.error?.code, 'UNSAFE_PATH');
  const sweep = await ledger(box, ['sweep']);
  assert.equal(sweep.status, 2, sweep.stdout);
  assert.deepEqual(readdirSync(elsewhere), []);
  assert.ok(readFileSync(box.ledger).equals(ledgerBytes));
  const doctor = await ledger(box, ['doctor', '-q']);
  assert.equal(doctor.status, 1);
  assert.match(doctor.stdout, /^bad +quarantine .*is a link/m);
  rmSync(quarantine);
  assert.deepEqual(await recover(SHIPPED, box, { acked: before, tried: ['new1'], torn }), []);
});

test(
  "permissions: a pipe or a device in the ledger's place is refused, not waited for",
  { skip: skipMounts },
  async (t) => {
    const root = temporaryFolder(t);
    const mount = tmpfs(t, join(root, 'm'), 'size=1m');
    for (const kind of [['p'], ['c', '1', '7']]) {
      const box = sandboxAt(root, { dir: join(mount, `state-${kind[0]}`) });
      mkdirSync(box.dir, { mode: 0o700 });
      tool('mknod', box.ledger, ...kind);
      const ended = await appendMarks(box, ['new1'], { timeoutMs: 15_000 });
      assert.notEqual(receipts(ended.stdout)[0]?.status, 'landed', `${ended.stdout} ${ended.stderr}`);
    }
  },
);
