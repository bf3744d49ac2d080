/** Heads as commits, with a real git: what else is there stays as it is, hooks and signatures are the repository's own. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { ToldAnchors } from '../../../src/core/anchor/told';
import { anchorAt, judgeAt, outcomeOf } from '../../support/anchors';
import { headedLedger, TEST_ORIGIN } from '../../support/heads';
import type { HeadedLedger } from '../../support/heads';

const NAME = `${TEST_ORIGIN.replace('/', '_')}.txt`;
const skip = spawnSync('git', ['--version']).status === 0 ? false : 'no git here';

interface Anchored extends HeadedLedger {
  readonly repository: string;
  git(...args: readonly string[]): string;
}

function withRepository(t: TestContext, ...init: readonly string[]): Anchored {
  const ledger = headedLedger(t);
  const repository = join(ledger.root, 'anchors');
  const own = {
    PATH: process.env['PATH'] ?? '',
    HOME: ledger.root,
    XDG_STATE_HOME: join(ledger.root, 'home'),
    GIT_CONFIG_NOSYSTEM: '1',
  };
  // As a hook of another repository has it.
  const env = { ...own, GIT_DIR: join(ledger.root, 'elsewhere'), GIT_INDEX_FILE: join(ledger.root, 'elsewhere/index') };
  writeFileSync(join(ledger.root, '.gitconfig'), '[user]\n\tname = Keeper\n\temail = keeper@example.org\n');
  execFileSync('git', ['init', '--quiet', '-b', 'main', ...init, repository], { env: own });
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', repository, ...args], { env: own, encoding: 'utf8' });
  return { ...ledger, place: { ...ledger.place, env }, repository, git };
}

const evidenceOf = (ledger: HeadedLedger): Record<string, unknown>[] =>
  ledger.rows().filter(({ action }) => action === 'audit.anchor').map(({ payload }) => payload ?? {}); // prettier-ignore

test('a head is a commit of one file; what else is staged or changed stays as it is', { skip }, async (t) => {
  const ledger = withRepository(t);
  writeFileSync(join(ledger.repository, '.gitignore'), '*.txt\n');
  writeFileSync(join(ledger.repository, 'notes.md'), 'one\n');
  ledger.git('add', '.');
  ledger.git('commit', '-qm', 'first');
  writeFileSync(join(ledger.repository, 'notes.md'), 'two\n');
  writeFileSync(join(ledger.repository, 'staged.md'), 'mine\n');
  ledger.git('add', 'staged.md');
  const [older, newer] = [ledger.checkpoint(5), ledger.checkpoint(12)];
  for (const head of [older, newer]) assert.equal(outcomeOf((await anchorAt(ledger, head, ['git:anchors']))[0]), 'ok');
  assert.equal(ledger.git('show', `HEAD:${NAME}`), newer.bytes.toString());
  assert.equal(ledger.git('show', `HEAD^:${NAME}`), older.bytes.toString());
  assert.equal(ledger.git('status', '--porcelain'), ' M notes.md\nA  staged.md\n');
  const root = (ledger.tree.rootAt(12) as Buffer).toString('base64');
  assert.equal(ledger.git('log', '-1', '--format=%B').trim(), `ledger: head of 12 rows\n\norigin: ${TEST_ORIGIN}\nsize: 12\nroot: ${root}`); // prettier-ignore
  assert.equal(evidenceOf(ledger)[1]?.['commit'], ledger.git('rev-parse', 'HEAD').trim());
  const { anchors, anchored_until: until } = await judgeAt(ledger, [newer, older], ['git:anchors']);
  assert.deepEqual([anchors[0]?.state, anchors[0]?.by, until], ['held', 'Keeper', 12]);
  // The same head again is the same commit.
  await anchorAt(ledger, newer, ['git:anchors']);
  assert.equal(ledger.git('rev-list', '--count', 'HEAD').trim(), '3');
  // What is taken out of the branch is still in its history.
  ledger.git('rm', '-q', NAME);
  ledger.git('commit', '-qm', 'gone', '--', NAME);
  assert.equal((await judgeAt(ledger, [newer, older], ['git:anchors'])).anchored_until, 12);
});

test('a first commit, in a folder of a repository', { skip }, async (t) => {
  const ledger = withRepository(t);
  mkdirSync(join(ledger.repository, 'heads/mine'), { recursive: true });
  const head = ledger.checkpoint(12);
  assert.equal(outcomeOf((await anchorAt(ledger, head, ['git:anchors/heads/mine']))[0]), 'ok');
  assert.equal(ledger.git('show', `HEAD:heads/mine/${NAME}`), head.bytes.toString());
  // Another branch is checked out: the head is still found.
  ledger.git('checkout', '-q', '--orphan', 'other');
  ledger.git('rm', '-rfq', '.');
  ledger.git('commit', '-q', '--allow-empty', '-m', 'other');
  mkdirSync(join(ledger.repository, 'heads/mine'), { recursive: true });
  const { anchors } = await judgeAt(ledger, [head], ['git:anchors/heads/mine']);
  assert.deepEqual([anchors[0]?.state, anchors[0]?.size], ['held', 12]);
});

test('a branch of its own takes heads without a work tree, and keeps what else is in it', { skip }, async (t) => {
  for (const init of [[], ['--bare']]) {
    const ledger = withRepository(t, ...init);
    const [older, newer] = [ledger.checkpoint(5), ledger.checkpoint(12)];
    assert.equal(outcomeOf((await anchorAt(ledger, older, ['git:anchors#heads']))[0]), 'ok');
    const blob = execFileSync('git', ['-C', ledger.repository, 'hash-object', '-w', '--stdin'], { input: 'other\n', env: { PATH: process.env['PATH'] } }).toString().trim(); // prettier-ignore
    const entries = `${ledger.git('ls-tree', 'heads')}100644 blob ${blob}\tother.txt\n`;
    const tree = execFileSync('git', ['-C', ledger.repository, 'mktree'], { input: entries }).toString().trim();
    const commit = ledger.git('commit-tree', tree, '-p', 'heads', '-m', 'other').trim();
    ledger.git('update-ref', 'refs/heads/heads', commit);
    assert.equal(outcomeOf((await anchorAt(ledger, newer, ['git:anchors#heads']))[0]), 'ok');
    assert.equal(ledger.git('show', `heads:${NAME}`), newer.bytes.toString());
    assert.equal(ledger.git('show', 'heads:other.txt'), 'other\n');
    assert.equal(ledger.git('rev-list', '--count', 'heads').trim(), '3');
    assert.equal(existsSync(join(ledger.repository, NAME)), false);
    const { anchors } = await judgeAt(ledger, [newer, older], ['git:anchors#heads']);
    assert.deepEqual([anchors[0]?.state, anchors[0]?.size, anchors[0]?.by], ['held', 12, 'Keeper']);
  }
});

test('what cannot be committed fails, says why, and leaves nothing staged', { skip }, async (t) => {
  const ledger = withRepository(t);
  const head = ledger.checkpoint(12);
  const failed = async (text: string): Promise<string> => outcomeOf((await anchorAt(ledger, head, [text]))[0]);
  assert.match(await failed('git:nowhere'), /expected a git repository at .*nowhere, found no such folder/);
  mkdirSync(join(ledger.root, 'plain'));
  assert.match(await failed('git:plain'), /not a git repository/);
  execFileSync('git', ['init', '-q', '--bare', join(ledger.root, 'bare')]);
  assert.match(await failed('git:bare'), /expected a work tree .* found a repository without one/);
  assert.match(await failed('git:anchors#main'), /refs\/heads\/main to be checked out nowhere/);
  assert.match(await failed('git:anchors#a..b'), /git update-ref/);
  const hook = join(ledger.repository, '.git/hooks/pre-commit');
  writeFileSync(hook, '#!/bin/sh\nprintf "no \\033[31mheads\\033[0m here\\n" >&2\nexit 3\n');
  chmodSync(hook, 0o755);
  assert.match(await failed('git:anchors'), /expected "git commit" to end well .*found status 1: no \\u001b\[31mheads/);
  assert.equal(ledger.git('diff', '--cached', '--name-only'), '');
  writeFileSync(hook, `#!/bin/sh\nprintf 'changed\\n' > '${NAME}'\ngit add -f '${NAME}'\n`);
  assert.match(await failed('git:anchors'), /to have the head as it is, found another file/);
});

test(
  'a commit is signed where the repository says so',
  { skip: skip || (spawnSync('ssh-keygen', ['-?']).error ? 'no ssh-keygen' : false) },
  async (t) => {
    // prettier-ignore
    const ledger = withRepository(t);
    const key = join(ledger.root, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    for (const [name, value] of [['gpg.format', 'ssh'], ['user.signingkey', key], ['commit.gpgsign', 'true']]) ledger.git('config', name as string, value as string); // prettier-ignore
    for (const text of ['git:anchors', 'git:anchors#heads']) {
      assert.equal(outcomeOf((await anchorAt(ledger, ledger.checkpoint(12), [text]))[0]), 'ok');
    }
    assert.deepEqual(evidenceOf(ledger).map(({ signed }) => signed), [true, true]); // prettier-ignore
    for (const ref of ['HEAD', 'heads']) assert.match(ledger.git('cat-file', 'commit', ref), /BEGIN SSH SIGNATURE/);
  },
);

test('a rolled back ledger meets its head: nothing is committed, and verify says so', { skip }, async (t) => {
  for (const text of ['git:anchors', 'git:anchors#heads']) {
    const ledger = withRepository(t);
    await anchorAt(ledger, ledger.checkpoint(12), [text]);
    const short = { ...ledger.tree, size: 5 };
    const older = ledger.checkpoint(5);
    const [result] = await anchorAt(ledger, older, [text], { run: { openTree: () => short } });
    assert.equal(result?.outcome === 'failed' ? result.finding?.code : 'ok', 'ROLLBACK');
    const { findings, anchors } = await judgeAt(ledger, [older], [text], { tree: short, told: new ToldAnchors() });
    assert.deepEqual([findings[0]?.code, anchors[0]?.state, anchors[0]?.size], ['ROLLBACK', 'contradicts', 12]);
    const other = { ...ledger.tree, rootAt: (): Buffer => Buffer.alloc(32, 1) };
    const rewritten = await judgeAt(ledger, [older], [text], { tree: other, told: new ToldAnchors() });
    assert.equal(rewritten.findings[0]?.code, 'DIVERGED');
  }
});
