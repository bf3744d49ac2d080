/** Completion as the shells do it: their own functions, asked for a line; a hostile row types nothing and runs nothing. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { COMMANDS } from '../../src/cli/commandTable';
import { ensureBuilt } from '../support/built';
import { missingTools, run, toolPath } from '../support/process';
import { ledger, ledgerCommand, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

const HOSTILE = ['$(touch pwned)', '`touch pwned`', 'it\'s: a "name"', 'evil\u001b[31m', 'two\nlines', '日本'];

async function ledgerWithRows(t: TestContext): Promise<Sandbox> {
  const at = sandbox(t);
  for (const agent of ['coder', ...HOSTILE]) await ledger(at, ['append', '-q', '--action', 'a.b', '--agent', agent]);
  return at;
}

async function answer(at: Sandbox, command: readonly string[]): Promise<string[]> {
  const { status, stdout, stderr } = await run(command, { cwd: at.root, env: at.env });
  assert.deepEqual([status, stderr], [0, '']);
  assert.ok(!existsSync(join(at.root, 'pwned')));
  return stdout.split('\n').filter((line) => line !== '');
}

const inBash = (at: Sandbox, words: readonly string[], before = ''): Promise<string[]> => {
  const script = `${before}
    eval "$(${ledgerCommand('completion', 'bash').join(' ')})"
    COMP_WORDS=(ledger "$@") COMP_CWORD=$#; _ledger; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return answer(at, ['bash', '--norc', '-c', script, 'bash', ...words]);
};

describe('completion', { concurrency: 2 }, () => {
  before(ensureBuilt);

  test('commands, flags and choices are those of the definitions', async (t) => {
    const at = sandbox(t);
    const asked = (...words: readonly string[]): Promise<string[]> =>
      answer(at, ledgerCommand('completion', 'words', '--', ...words));
    const names = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/\t.*/, ''));
    assert.deepEqual(names(await asked('')), Object.keys(COMMANDS));
    // Each takes two starts of the program; these have flags of every kind, and none.
    for (const command of ['append', 'query', 'rollup', 'gate', 'completion']) {
      const { stdout } = await ledger(at, [command, '--help']);
      const told = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z0-9-]+)/gm)].map(([, flag]) => flag ?? '');
      assert.deepEqual([...new Set(names(await asked(command, '-')))].sort(), [...new Set(told.filter((one) => one !== '--version'))].sort(), command); // prettier-ignore
    }
    assert.deepEqual(names(await asked('rollup', '--format', '')), ['table', 'json', 'csv', 'md']);
    assert.deepEqual(names(await asked('rollup', '--format=')), ['--format=table', '--format=json', '--format=csv', '--format=md']); // prettier-ignore
    assert.deepEqual(await asked('run', '--', 'ma'), []);
  });

  test('values are those of the last rows, of the ledger that the line speaks of; none is no error', async (t) => {
    const at = await ledgerWithRows(t);
    const asked = (...words: readonly string[]): Promise<string[]> =>
      answer(at, ledgerCommand('completion', 'words', '--', ...words));
    assert.deepEqual(await asked('append', '--agent', ''), ['日本\t', "it's: a \"name\"\t", '`touch pwned`\t', '$(touch pwned)\t', 'coder\t']); // prettier-ignore
    assert.deepEqual(await asked('--dir', 'elsewhere', 'append', '--agent', ''), []);
    assert.deepEqual((await asked('show', '')).length, 8);
    writeFileSync(join(at.root, 'ledger.config.json'), '{"caps":[{"usd":"5","per":"day"}]}');
    const { stdout, stderr } = await ledger(at, ['gate', '--est', '1', '--action', 'model.call']);
    const id = stdout.trim();
    assert.equal(stderr, '');
    assert.deepEqual(await asked('settle', ''), [`${id}\tspend.reserved`]);
  });

  test('bash: candidates are quoted, and cut where readline cuts', async (t) => {
    const at = await ledgerWithRows(t);
    assert.deepEqual(await inBash(at, ['appe']), ['append']);
    assert.deepEqual(await inBash(at, ['append', '--agent', 'c']), ['coder']);
    assert.deepEqual(await inBash(at, ['append', '--agent', "'c"]), ['coder']);
    assert.deepEqual(await inBash(at, ['append', '--agent', '=', 'c']), ['coder']);
    assert.deepEqual(await inBash(at, ['append', '--agent', '\\$']), ['\\$\\(touch\\ pwned\\)']);
    assert.deepEqual(await inBash(at, ['append', '--agent', "it\\'s", ':']), ['\\ a\\ \\"name\\"']);
    // Where readline does not cut, the whole word is inserted.
    const uncut = await inBash(at, ['append', '--agent', "it\\'s:"], 'COMP_WORDBREAKS=${COMP_WORDBREAKS//:}');
    assert.deepEqual(uncut, ['it\\\'s:\\ a\\ \\"name\\"']);
    assert.deepEqual(await inBash(at, ['append', '--agent', 'c'], 'COMP_WORDBREAKS=" "'), ['coder']);
    // What it inserts is the value again, once the shell has read it.
    const all = await inBash(at, ['append', '--agent', '']);
    const read = await answer(at, ['bash', '-c', `printf '%s\\n' ${all.join(' ')}`]);
    assert.deepEqual(read.sort(), ['日本', ...HOSTILE.slice(0, 3), 'coder'].sort());
  });

  test('bash, in a terminal: a tab types the value and runs nothing', { skip: missingTools('script') }, async (t) => {
    const at = await ledgerWithRows(t);
    const typed = `eval "$(${ledgerCommand('completion', 'bash').join(' ')})"\nledger() { printf '<%s>' "$@"; }\nledger append --agent \\$\t\nexit\n`;
    const env = { ...at.env, TERM: 'dumb' };
    const { stdout } = await run(['script', '-qec', 'bash --norc --noprofile -i', '/dev/null'], { cwd: at.root, env, stdin: typed }); // prettier-ignore
    assert.ok(stdout.includes('<append><--agent><$(touch pwned)>'), stdout);
    assert.ok(!existsSync(join(at.root, 'pwned')));
  });

  test(
    'fish: candidates as fish completes them',
    { skip: toolPath('fish') === undefined && 'needs fish' },
    async (t) => {
      const at = await ledgerWithRows(t);
      const text = ledgerCommand('completion', 'fish').join(' ');
      const found = await answer(at, [
        'fish',
        '--no-config',
        '-c',
        `${text} | source; complete -C 'ledger append --agent c'`,
      ]);
      assert.deepEqual(found, ['coder']);
    },
  );

  test(
    'zsh: candidates as they are handed to compadd',
    { skip: toolPath('zsh') === undefined && 'needs zsh' },
    async (t) => {
      const at = await ledgerWithRows(t);
      const script = `compdef() { :; }; eval "$(${ledgerCommand('completion', 'zsh').join(' ')})"
      compadd() { print -rl -- "\${(@P)argv[-1]}"; }; _files() { print files; }
      words=(ledger append --agent ''); CURRENT=4; _ledger; words=(ledger --dir ''); CURRENT=3; _ledger`;
      const found = await answer(at, ['zsh', '-f', '-c', script]);
      assert.deepEqual(found, ['日本', ...HOSTILE.slice(0, 3).reverse(), 'coder', 'files']);
    },
  );
});
