/** Compiled code that is kept beside the bundles: it must save time and never change, or end, what runs. */
import assert from 'node:assert/strict';
import { isAscii } from 'node:buffer';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { ensureBuilt } from '../support/built';
import { run } from '../support/process';
import type { Ended } from '../support/process';

const ROOT = resolve(__dirname, '../..');
const KEPT_HERE = Number(process.versions.node.split('.')[0]) < 22;
const skip = !KEPT_HERE && 'Node 22 and later keep compiled code themselves';

/** An installation of its own, with nothing kept yet. */
function installation(t: TestContext): {
  readonly compiled: string;
  readonly append: () => Promise<Ended>;
  readonly ledger: (...words: string[]) => Promise<Ended>;
} {
  ensureBuilt();
  const root = mkdtempSync(join(tmpdir(), 'ledger-installed-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'dist'));
  for (const name of readdirSync(join(ROOT, 'dist')).filter((one) => one.endsWith('.cjs')))
    cpSync(join(ROOT, 'dist', name), join(root, 'dist', name));
  cpSync(join(ROOT, 'bin'), join(root, 'bin'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const program = [process.execPath, join(root, 'bin', 'ledger.js')];
  const ledger = (...words: string[]): Promise<Ended> => run([...program, ...words, '--dir', join(root, 'state')]);
  return {
    compiled: join(root, 'dist', 'compiled'),
    append: () => ledger('append', '--agent', 'a', '--action', 'x', '--run-id', 'r1'),
    ledger,
  };
}

function onlyFileIn(folder: string): string {
  const [name, ...others] = readdirSync(folder);
  assert.ok(name !== undefined && others.length === 0, `${folder}: ${name} ${others.join(' ')}`);
  return join(folder, name);
}

test('the first run keeps what was compiled, whoever keeps it', async (t) => {
  const { compiled, append } = installation(t);
  assert.equal((await append()).status, 0);
  assert.ok(readdirSync(compiled).length > 0);
});

test(
  'an answer within a scope keeps what was compiled, too; what stops at once keeps nothing for others',
  { skip },
  async (t) => {
    const { compiled, append, ledger } = installation(t);
    assert.equal((await append()).status, 0);
    assert.equal((await ledger('reconstruct', '--version')).status, 0);
    assert.equal((await ledger('reconstruct', 'r2')).status, 1);
    const kept = (): string[] =>
      readdirSync(compiled)
        .map((name) => name.split('-v')[0] ?? '')
        .sort();
    assert.deepEqual(kept(), ['append', 'help']);
    assert.equal((await ledger('reconstruct', 'r1')).status, 3);
    assert.deepEqual(kept(), ['append', 'help', 'reconstruct']);
  },
);

test('the second run takes what was kept as it is', { skip }, async (t) => {
  const { compiled, append } = installation(t);
  assert.equal((await append()).status, 0);
  const { ino } = statSync(onlyFileIn(compiled));
  assert.equal((await append()).status, 0);
  assert.equal(statSync(onlyFileIn(compiled)).ino, ino, 'not written again');
});

test('a damaged one is not run: the engine would abort; it is made anew', { skip }, async (t) => {
  const { compiled, append } = installation(t);
  assert.equal((await append()).status, 0);
  const path = onlyFileIn(compiled);
  const whole = readFileSync(path);
  const damages: readonly ((bytes: Buffer) => Buffer)[] = [
    (bytes) => bytes.subarray(0, 0),
    (bytes) => bytes.subarray(0, bytes.length >> 1),
    (bytes) => Buffer.alloc(bytes.length),
    (bytes) => bytes.fill(0, bytes.length >> 1),
    (bytes) => bytes.fill((bytes[100_000] as number) ^ 1, 100_000, 100_001),
  ];
  for (const damage of damages) {
    writeFileSync(path, damage(Buffer.from(whole)));
    const { status, stdout } = await append();
    assert.equal(status, 0);
    assert.match(stdout, /^landed/);
    assert.ok(readFileSync(path).length > whole.length / 2, 'made anew');
    assert.equal((await append()).status, 0);
  }
});

test('a full disk keeps nothing, also no beginnings: every start would leave one more', { skip }, async (t) => {
  const { compiled, append } = installation(t);
  mkdirSync(compiled);
  // What the finished file would be called is taken, so the last step fails as on a full disk.
  mkdirSync(join(compiled, `append-${process.version}-${process.arch}`));
  for (let n = 0; n < 2; n++) assert.equal((await append()).status, 0);
  assert.deepEqual(readdirSync(compiled), [`append-${process.version}-${process.arch}`]);
});

test('where nothing can be kept beside the bundles nothing is kept, and nothing is said', async (t) => {
  const { compiled, append } = installation(t);
  writeFileSync(compiled, 'in the way');
  const { status, stderr } = await append();
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  assert.ok(existsSync(compiled));
});

test('bundles are ASCII: any other character makes the engine read all of them the slow way', () => {
  ensureBuilt();
  const folder = join(ROOT, 'dist');
  const bundles = readdirSync(folder).filter((name) => name.endsWith('.cjs'));
  assert.ok(bundles.includes('allCommands.cjs'));
  assert.deepEqual(
    bundles.filter((name) => !isAscii(readFileSync(join(folder, name)))),
    [],
  );
});
