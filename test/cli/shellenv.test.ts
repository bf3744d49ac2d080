/**
 * `ledger_append` in real shells: what it writes is what `ledger append` would have written there and then; no row is lost
 * or doubled when its coprocess is killed; and no coprocess outlives its shell.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { ensureBuilt } from '../support/built';
import { LEDGER, missingTools, run, start, toolPath, until } from '../support/process';
import type { Ended, RunOptions, Running } from '../support/process';
import { ledger, ledgerCommand, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

interface Shell {
  readonly name: string;
  readonly command: readonly string[];
  /** Whose words it is given. */
  readonly words: 'bash' | 'zsh' | 'sh';
}

const SHELLS: readonly Shell[] = (
  [
    { name: 'bash', command: ['bash', '--norc'], words: 'bash' },
    { name: 'bash, posix', command: ['bash', '--posix'], words: 'bash' },
    { name: 'bash, as sh', command: ['bash', '--norc'], words: 'sh' },
    { name: 'dash', command: ['dash'], words: 'sh' },
    { name: 'busybox', command: ['busybox', 'sh'], words: 'sh' },
    { name: 'mksh', command: ['mksh'], words: 'sh' },
    { name: 'zsh', command: ['zsh', '-f'], words: 'zsh' },
  ] satisfies Shell[]
).filter(({ command: [file = ''] }) => toolPath(file) !== undefined);
const POSIX = SHELLS.filter(({ name }) => name === 'bash' || name === 'dash' || name === 'zsh');

function box(t: TestContext): Sandbox {
  const made = sandbox(t);
  mkdirSync(join(made.root, 'tmp'));
  return { ...made, env: { ...made.env, TMPDIR: join(made.root, 'tmp') } };
}

const evaluated = ({ words }: Shell): string => `eval "$(${ledgerCommand('shellenv', words).join(' ')})"`;

function commandOf(shell: Shell, script: string, args: readonly string[] = []): string[] {
  return [...shell.command, '-c', `${evaluated(shell)}\n${script}`, 'script', ...args];
}

function inShell(
  at: Sandbox,
  shell: Shell,
  script: string,
  options: RunOptions & { args?: string[] } = {},
): Promise<Ended> {
  return run(commandOf(shell, script, options.args), { cwd: at.root, env: at.env, timeoutMs: 30_000, ...options });
}

type Row = Readonly<Record<string, unknown>>;

function rows(path: string): Row[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Row).filter(({ action }) => !String(action).startsWith('audit.'));
}

const OWN = ['seq', 'ts', 'id', 'by', 'run_seq', 'run_prev_hash', 'content_hash', 'nonce', 'prev_hash', 'hash'];
const given = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([name]) => !OWN.includes(name)));
const marks = (at: Sandbox): string => rows(at.ledger).map((row) => String(row['n'])).join(' '); // prettier-ignore

/** The coprocesses of a ledger's shells that are alive: their command lines name the owner. */
function coprocesses(at: Sandbox): number[] {
  const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words.includes('coprocess') && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(at.root);
    } catch {
      return false;
    }
  });
}

async function leftNothing(at: Sandbox): Promise<void> {
  await until('no coprocess is left', () => coprocesses(at).length === 0, 5_000);
  assert.deepEqual(readdirSync(join(at.root, 'tmp')), []);
}

function succeeded({ status, stdout, stderr }: Ended): string {
  assert.equal(`${status}: ${stderr}`, '0: ');
  return stdout;
}

const WORDS: readonly (readonly string[])[] = [
  ['--agent', 'a', '--action', 'tool.used', '--run-id', 'r1', '--cost-usd', '0.10'],
  ['{"action":"a.json","text":"line\\nbreak","n":1}'],
  ['--action', 'a.words', '--set', 'text=two\nlines\n', '--set', 'empty=', '--reason', ' spaces  and\ttabs '],
  ['--action', 'a.quotes', '--set', `text='"\`$(touch pwned)\\n \\0 %s %d`, '--target', '* ? [a-z] ~ {a,b} !! #'],
  ['--action', 'a.dashes', '--set=text=--agent', '--target=-x', '--set-json', 'list=[1,"é",null]'],
  ['--action', 'a.utf8', '--target', 'À Á \u0081 é 日本 🎉', '--set', 'control=\x01\x1b[31m\x7f'],
  ['--action', 'a.long', '--reason', 'x'.repeat(50_000)],
  ['--action', 'a.longer', '--reason', 'é'.repeat(60_000)],
];

describe('ledger_append', { concurrency: 2, skip: process.platform !== 'linux' && 'they look at /proc' }, () => {
  before(ensureBuilt);

  for (const shell of SHELLS) {
    test(`${shell.name}: writes what the command writes, word for word`, async (t) => {
      const [one, other] = [box(t), box(t)];
      for (const words of WORDS) succeeded(await ledger(one, ['append', '-q', ...words]));
      const calls = WORDS.map((words) => words.length);
      // Every call takes its words off the front.
      const script = calls.map((n) => `ledger_append ${Array.from({ length: n }, (_, i) => `"\${${i + 1}}"`).join(' ')} || echo "status $?"; shift ${n}`); // prettier-ignore
      assert.equal(succeeded(await inShell(other, shell, script.join('\n'), { args: WORDS.flat() })), '');
      assert.deepEqual(rows(other.ledger).map(given), rows(one.ledger).map(given));
      assert.ok(!existsSync(join(other.root, 'pwned')));
      await leftNothing(other);
    });

    test(`${shell.name}: the variables and the folder are those of the call`, async (t) => {
      const at = box(t);
      const env = { ...at.env };
      delete env['LEDGER_DIR'];
      const script = `
        export LEDGER_AGENT=first; ledger_append --action a.b --set n=1
        export LEDGER_AGENT=second LEDGER_RUN_ID=r2; ledger_append --action a.b --set n=2
        unset LEDGER_AGENT; ledger_append --action a.b --set n=3
        mkdir elsewhere; cd elsewhere; ledger_append --action a.b --set n=4; cd ..
        export LEDGER_DIR="$PWD/third"; ledger_append --action a.b --set n=5
        unset LEDGER_DIR; TRACEPARENT=00-${'a'.repeat(32)}-${'b'.repeat(16)}-01; export TRACEPARENT
        ledger_append --action a.b --set n=6`;
      succeeded(await inShell(at, shell, script, { env }));
      const seen = rows(at.ledger).map(({ n, agent, run_id: runId }) => [n, agent, runId]);
      assert.deepEqual(seen, [['1', 'first', undefined], ['2', 'second', 'r2'], ['3', undefined, 'r2'], ['6', undefined, 'r2']]); // prettier-ignore
      assert.equal(rows(at.ledger).at(-1)?.['traceparent'], `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`);
      assert.equal(rows(join(at.root, 'elsewhere/state/audit.jsonl'))[0]?.['n'], '4');
      assert.equal(rows(join(at.root, 'third/audit.jsonl'))[0]?.['n'], '5');
    });

    test(`${shell.name}: in subshells, pipelines, substitutions, traps, and under strict settings`, async (t) => {
      const at = box(t);
      const script = `
        set -eu; IFS=,; set -C; set -f
        append() { ledger_append --action a.b --set "n=$1"; }
        trap 'append exit' EXIT
        append main
        ( append subshell; ( append deeper ) )
        printf '%s\\n' p1 p2 p3 | while read -r line; do append "$line"; done
        kept=$(append substituted; echo kept)
        trap 'append usr1' USR1; kill -USR1 $$; trap - USR1
        sleep 0.3 & sleeper=$!
        append job; [ "$!" = "$sleeper" ]; wait "$sleeper"
        wait
        ( append left ) & ( append right ) & wait
        ${evaluated(shell)}
        append again
        read -r word; echo "$kept $word"
        if append 'bad
name'; then :; fi
        ledger_append --action 'no such name' 2>err >out || echo "refused $?"
        append last`;
      const ended = await inShell(at, shell, script, { stdin: 'untouched\n' });
      assert.equal(succeeded(ended), 'kept untouched\nrefused 2\n');
      const want = 'main subshell deeper p1 p2 p3 substituted usr1 job left right again bad\nname last exit';
      const sorted = (text: string): string => text.split(/[ ]/).sort().join(' ');
      assert.equal(sorted(marks(at)), sorted(want));
      assert.match(readFileSync(join(at.root, 'err'), 'utf8'), /^ledger: error: expected "action" to be/);
      await leftNothing(at);
    });

    test(`${shell.name}: a coprocess that is killed between two calls costs no row`, async (t) => {
      const at = box(t);
      const kill = `for one in /proc/[0-9]*; do if tr '\\0' ' ' <"$one/cmdline" 2>/dev/null | grep -q " coprocess $$"; then kill -9 "\${one#/proc/}"; fi; done`;
      const script = `for n in 1 2 3; do ledger_append --action a.b --set n=$n || echo "status $?"; ${kill}; done 2>/dev/null`;
      assert.equal(succeeded(await inShell(at, shell, script)), '');
      assert.equal(marks(at), '1 2 3');
      await leftNothing(at);
    });
  }

  for (const shell of POSIX) {
    const skip = missingTools('strace');
    test(`${shell.name}: a coprocess that is killed at any of its writes: each row once`, { skip }, async (t) => {
      let killed = 0;
      for (const [call, n] of [...[4, 6, 8, 9, 10, 11, 12].map((at) => ['write', at]), ['fdatasync', 2]] as const) {
        const at = box(t);
        const trace = join(at.root, 'trace');
        const strace = `exec strace -f -qq -o ${trace} -e trace=${call} -e inject=${call}:signal=SIGKILL:when=${n} `;
        const text = succeeded(await ledger(at, ['shellenv', shell.words])).replaceAll('exec \'', `${strace}'`); // prettier-ignore
        const script = `${text}\nfor n in 1 2 3 4; do ledger_append --action a.b --set n=$n || echo "status $?"; done`;
        const ended = await run([...shell.command, '-c', script], { cwd: at.root, env: at.env });
        assert.equal(succeeded(ended), '', `${call} ${n}`);
        assert.equal(marks(at), '1 2 3 4', `${call} ${n}`);
        succeeded(await ledger(at, ['verify', '-q']));
        if (readFileSync(trace, 'utf8').includes('killed by SIGKILL')) killed++;
      }
      assert.ok(killed >= 6, `${killed} were killed`);
    });

    test(`${shell.name}: however the shell ends, the coprocess ends`, async (t) => {
      const at = box(t);
      const begin = 'ledger_append --action a.b --set n=1; ';
      // Whoever is left behind has the descriptors of the script.
      succeeded(await inShell(at, shell, `${begin} ( exec sleep 60 ) >/dev/null 2>&1 & echo $! >left`));
      await leftNothing(at);
      process.kill(Number(readFileSync(join(at.root, 'left'), 'utf8')), 'SIGKILL');
      succeeded(await inShell(at, shell, `${begin} exec sleep 0`));
      await leftNothing(at);
      for (const signal of ['SIGKILL', 'SIGTERM', 'SIGHUP'] as const) await endedBy(at, shell, begin, signal);
    });
  }

  async function endedBy(at: Sandbox, shell: Shell, begin: string, signal: NodeJS.Signals): Promise<void> {
    const running: Running = start(
      commandOf(shell, `${begin} echo ready >ready.${signal}; while :; do sleep 0.05; done`),
      {
        cwd: at.root,
        env: at.env,
      },
    );
    await until('a row is there', () => existsSync(join(at.root, `ready.${signal}`)));
    assert.equal(coprocesses(at).length, 1);
    running.child.kill(signal);
    await running.ended;
    await leftNothing(at);
  }

  test('bash: a trap in the middle of a call, and a terminal that interrupts all of the script', async (t) => {
    const at = box(t);
    const script = `set -m; trap 'ledger_append --action a.trap' ALRM
      me=$$; ( for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.02; kill -ALRM $me; done ) & 
      for n in {1..300}; do ledger_append --action a.b --set n=$n || echo "status $?"; done
      wait; trap 'ledger_append --action a.int; exit 7' INT; kill -INT 0; sleep 1`;
    const ended = await run(['setsid', ...commandOf(SHELLS[0] as Shell, script.replace('set -m;', ''))], {
      cwd: at.root,
      env: at.env,
    });
    assert.deepEqual([ended.status, ended.stdout, ended.stderr], [7, '', '']);
    assert.equal(rows(at.ledger).filter(({ action }) => action === 'a.b').length, 300);
    assert.ok(rows(at.ledger).filter(({ action }) => action === 'a.trap').length >= 1);
    assert.equal(rows(at.ledger).at(-1)?.['action'], 'a.int');
    succeeded(await ledger(at, ['verify', '-q']));
  });

  test('bash: what is not exported is not recorded; a lock that is let go of is free', async (t) => {
    const at = box(t);
    const script = `LEDGER_AGENT=mine; ledger_append --action a.b --set n=1
      export LEDGER_AGENT; ledger_append --action a.b --set n=2
      LEDGER_AGENT=prefix ledger_append --action a.b --set n=3
      exec 9>lock; flock 9; ( ledger_append --action a.b --set n=4 ); exec 9>&-; flock -n lock true || echo held`;
    assert.equal(succeeded(await inShell(at, SHELLS[0] as Shell, script)), '');
    assert.deepEqual(rows(at.ledger).map(({ agent }) => agent), [undefined, 'mine', 'prefix', 'mine']); // prettier-ignore
  });

  test('bash, interactive: no word about jobs', { skip: missingTools('script') }, async (t) => {
    const at = box(t);
    const env = { ...at.env, PS1: '', TERM: 'dumb' };
    const typed = `${evaluated(SHELLS[0] as Shell)}; ledger_append --action a.b; jobs; echo "$?"; sleep 0.1\n:\nexit\n`;
    const ended = await run(['script', '-qec', 'bash --norc --noprofile -i', '/dev/null'], { cwd: at.root, env, stdin: typed }); // prettier-ignore
    assert.doesNotMatch(ended.stdout, /Done|\[[0-9]+\][+ ]|error|warning/);
    assert.equal(rows(at.ledger).length, 1);
  });

  test('the text passes the shells own checks, and names nothing of the user', async (t) => {
    const at = box(t);
    for (const { words, command } of SHELLS) {
      const text = succeeded(await ledger(at, ['shellenv', words]));
      succeeded(await run([...command, '-n'], { stdin: text }));
      const names = [...text.matchAll(/^(\w+)\(\)/gm)].map(([, name]) => name ?? '');
      assert.deepEqual(names.filter((name) => !/^(?:__ledger_|ledger_append$)/.test(name)), []); // prettier-ignore
      assert.ok(text.includes(LEDGER) && !text.includes('@ledger@') && !/\balias\b/.test(text));
    }
  });
});
