/**
 * `ledger_append` in real shells: what it writes is what `ledger append` would have written there and then; no row is lost
 * or doubled when its coprocess is killed; and no coprocess outlives its shell.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { ensureBuilt } from '../support/built';
import { LEDGER, missingTools, run, sleep, start, toolPath, until } from '../support/process';
import type { Ended, RunOptions, Running } from '../support/process';
import { atEnd, ledger, ledgerCommand, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { FULL } from '../support/strace';

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
  // A coprocess whose shell has ended still brings its index up to the last row.
  atEnd(t, () => until('no coprocess is left', () => coprocesses(made).length === 0, 5_000));
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

/** The coprocess of this shell itself, into "found". */
const COPROCESS = `coprocess() {
  found=$(grep -lszx '[c]oprocess' /proc/[0-9]*/cmdline | xargs grep -lszx "$$"); found=\${found#/proc/}; found=\${found%/cmdline}
}`;

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
      const writes = FULL ? [4, 6, 8, 9, 10, 11, 12] : [6, 9, 11];
      for (const [call, n] of [...writes.map((at) => ['write', at]), ['fdatasync', 2]] as const) {
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
      assert.ok(killed >= writes.length - 1, `${killed} were killed`);
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
    await leftNothing(at);
  });

  for (const shell of SHELLS) {
    test(`${shell.name}: traps, whatever they do and whenever they come: each row once, with its own status`, async (t) => {
      const at = box(t);
      await trapWhileStarting(at, shell);
      // Woken again and again while the coprocess takes its time: it is not dead.
      const slow = (signals: number): string => `coprocess; kill -STOP "$found"
        ( i=0; while [ $i -lt ${signals} ]; do i=$((i + 1)); sleep 0.02; kill -USR1 $me; done; sleep 0.1; kill -CONT "$found" ) &`;
      const script = `me=$$; ${COPROCESS}
        ledger_append --action a.b --set n=first
        trap 'ledger_append --action a.trap' USR1
        ${slow(15)}
        ledger_append --action a.b --set n=slow || echo "status $?"
        wait; trap break USR1
        ${slow(1)}
        for one in 1; do ledger_append --action a.b --set n=broken 2>>said; done
        wait; trap - USR1
        ledger_append --action 'no such name' >>said 2>&1 && echo stored
        ledger_append --action a.b --set n=last || echo "status $?"`;
      assert.equal(succeeded(await inShell(at, shell, script)), '');
      const seen = rows(at.ledger).flatMap(({ n }) => (typeof n === 'string' ? [n] : []));
      assert.deepEqual(seen.sort(), ['broken', 'first', 'last', 'slow']);
      assert.match(readFileSync(join(at.root, 'said'), 'utf8'), /expected "action" to be/);
      succeeded(await ledger(at, ['verify', '-q']));
      await leftNothing(at);
    });

    test(`${shell.name}: readonly names, variables without a value, no room on stdout`, async (t) => {
      const at = box(t);
      const hardened = `readonly env=1 row=1 vars=1 dir=1 name=1 status1=1 out=1 err=1 word=1 quiet=1 fd=1 owner=1 IFS LC_ALL`;
      const arrays = shell.words === 'bash' ? 'declare -a LEDGER_B=(); declare -n LEDGER_N=nothing;' : '';
      const scripts = [
        `${hardened}; ledger_append --action a.b --set n=1; ledger_append --action a.b --set n=2 --reason "${'x'.repeat(20_000)}"`,
        `set -u; export LEDGER_A; ${arrays} ledger_append --action a.b --set n=3; ledger_append --action a.b --set n=4`,
        `ledger_append --action a.b --set n=5 --json >/dev/full 2>said; echo "$?" >ended; ledger_append --action a.b --set n=6`,
      ];
      for (const script of scripts)
        assert.equal(succeeded(await inShell(at, shell, `${script}; echo end`)), 'end\n', script);
      assert.equal(readFileSync(join(at.root, 'ended'), 'utf8'), '2\n');
      assert.match(readFileSync(join(at.root, 'said'), 'utf8'), /^ledger: error: expected to write to stdout/);
      assert.equal(marks(at), '1 2 3 4 5 6');
      await leftNothing(at);
    });
  }

  /** In the middle of the first call, which is about to start the coprocess, before the FIFOs are there, and when they go. */
  async function trapWhileStarting(at: Sandbox, shell: Shell): Promise<void> {
    const bin = join(at.root, 'bin');
    mkdirSync(bin);
    for (const tool of ['mkfifo', 'rm']) {
      const text = `#!/bin/sh\n[ -e "$0.done" ] || { : >"$0.done"; kill -USR1 $PPID; sleep 0.05; }\nexec ${toolPath(tool) ?? tool} "$@"\n`;
      writeFileSync(join(bin, tool), text, { mode: 0o755 });
    }
    const env = { ...at.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    const script = `trap 'ledger_append --action a.trap' USR1; ledger_append --action a.started; ledger_append --action a.next`;
    succeeded(await inShell(at, shell, script, { env }));
    const seen = rows(at.ledger).map(({ action }) => String(action));
    assert.deepEqual(seen.filter((action) => action !== 'a.trap'), ['a.started', 'a.next']); // prettier-ignore
    assert.ok(seen.length >= 4, seen.join(' '));
  }

  for (const shell of POSIX) {
    test(`${shell.name}: signals at any point of a call leave its words as they are`, async (t) => {
      const at = box(t);
      const script = `trap 'ledger_append --action a.trap' USR1; me=$$; ledger_append --action a.begun
        ( i=0; while [ $i -lt 80 ]; do i=$((i + 1)); sleep 0.01; kill -USR1 $me; done ) &
        n=0; while [ $n -lt 150 ]; do n=$((n + 1)); ledger_append --action a.b --set n=$n || echo "status $?"; done
        trap : USR1; wait`;
      assert.equal(succeeded(await inShell(at, shell, script)), '');
      const own = rows(at.ledger).filter(({ action }) => action === 'a.b');
      assert.deepEqual(own.map(({ n }) => Number(n)), Array.from({ length: 150 }, (_, n) => n + 1)); // prettier-ignore
      await leftNothing(at);
    });
  }

  test("the folder is the shell's, whatever has its name by now", async (t) => {
    const at = box(t);
    const env = { ...at.env, LEDGER_DIR: '' };
    writeFileSync(join(at.root, 'p.json'), '{"from":"parent"}');
    const script = `mkdir one two work; ln -s one link; cd link; ln -sfn two ../link
      ledger_append --action a.b --set n=1; cd -P ..
      cd work; echo '{"from":"old"}' >p.json; ledger_append --action a.b --dir "$OLDPWD/state" --payload @p.json
      mv ../work ../old; ledger_append --action a.b --set n=2
      mkdir ../work; echo '{"from":"new"}' >../work/p.json; cd ../work
      ledger_append --action a.b --dir "$OLDPWD/../state" --payload @p.json`;
    for (const shell of POSIX) {
      const root = join(at.root, shell.name);
      mkdirSync(root);
      succeeded(await inShell(at, shell, script, { env, cwd: root }));
      assert.equal(rows(join(root, 'one/state/audit.jsonl'))[0]?.['n'], '1');
      assert.equal(rows(join(root, 'old/state/audit.jsonl'))[0]?.['n'], '2');
      assert.deepEqual(rows(join(root, 'state/audit.jsonl')).map(({ payload }) => payload), [{ from: 'old' }, { from: 'new' }]); // prettier-ignore
      assert.ok(!existsSync(join(root, 'two/state')));
    }
    await leftNothing(at);
  });

  test('values that look alike when they are put together are told apart', async (t) => {
    const at = box(t);
    const script = `export LEDGER_RUN_ID=team:1 LEDGER_SESSION_ID=2; ledger_append --action a.b
      export LEDGER_RUN_ID=team LEDGER_SESSION_ID=1:2; ledger_append --action a.b
      export LEDGER_RUN_ID=A LEDGER_SESSION_ID="1 \${#LEDGER_RUN_ID}"; ledger_append --action a.b
      export LEDGER_RUN_ID=a; ledger_append --action a.b`;
    for (const shell of SHELLS) {
      const nocase = shell.name === 'bash' ? 'shopt -s nocasematch\n' : '';
      succeeded(await inShell(at, shell, `${nocase}${script}`));
      assert.deepEqual(rows(at.ledger).slice(-4).map((row) => row['run_id']), ['team:1', 'team', 'A', 'a'], shell.name); // prettier-ignore
    }
    await leftNothing(at);
  });

  test(
    'a row that is longer than the smallest pipe does not wait for a coprocess that is dead',
    { skip: missingTools('python3') },
    async (t) => {
      const at = box(t);
      // As an unprivileged user's pipes are, once they have many: F_SETPIPE_SZ.
      const shrink = `python3 -c 'import fcntl,os,sys;fcntl.fcntl(os.open(sys.argv[1],os.O_RDWR),1031,4096)' "/proc/$$/fd/\${__ledger_out-8}"`;
      const script = `${COPROCESS}; ledger_append --action a.b; ${shrink}
      coprocess; kill -9 "$found"; while [ -e "/proc/$found/fd/0" ]; do sleep 0.01; done
      ledger_append --action a.b --reason "${'x'.repeat(5000)}"; ledger_append --action a.b --reason "${'é'.repeat(900)}"`;
      for (const shell of POSIX) succeeded(await inShell(at, shell, script));
      assert.equal(rows(at.ledger).length, 3 * POSIX.length);
      await leftNothing(at);
    },
  );

  test('bash: a trap between any two commands of a call changes nothing of it', async (t) => {
    const at = box(t);
    const script = `set -T; trap 'if [[ ! $within && \${FUNCNAME[0]-} == ledger_append ]]; then
        within=1; LEDGER_AGENT=trap ledger_append --action a.trap --agent trap; within=; fi' DEBUG
      export LEDGER_AGENT=main; ledger_append --action a.b; trap - DEBUG
      ledger_append --action a.b; ledger_append --action a.b
      trap 'ledger_append --action a.chld' CHLD; ( ledger_append --action a.b ); trap - CHLD`;
    succeeded(await inShell(at, SHELLS[0] as Shell, script));
    const own = rows(at.ledger).filter(({ action }) => action === 'a.b');
    assert.deepEqual(own.map(({ agent }) => agent), ['main', 'main', 'main', 'main']); // prettier-ignore
    const status = `set -T; trap 'case $BASH_COMMAND in return*) if [ -z "$within" ]; then within=1; ledger_append --action a.trap; within=; fi;; esac' DEBUG
      ledger_append --action a.b; ledger_append --action 'no such name' 2>/dev/null >&2; echo "refused $?"`;
    for (const shell of SHELLS.filter(({ command: [file] }) => file === 'bash'))
      assert.equal(succeeded(await inShell(at, shell, status)), 'refused 2\n', shell.name);
    await leftNothing(at);
  });

  test('bash: exported alone, without descriptors, and started again as itself', async (t) => {
    const at = box(t);
    const script = `export -f ledger_append; bash -uc 'for n in 1 2; do ledger_append --action a.b --set n=$n; done; [[ $__ledger_owner == $$ ]] || echo alone'
      ledger_append --action a.b --set n=3`;
    assert.equal(succeeded(await inShell(at, SHELLS[0] as Shell, script)), '');
    assert.equal(marks(at), '1 2 3');
    // No descriptors are left that it could have: the row is tried by a process of its own, and the script goes on.
    for (const shell of SHELLS.filter(({ command: [file] }) => file === 'bash')) {
      const few = `ulimit -n 10; ledger_append --action a.b 2>/dev/null; echo "went on"`;
      assert.equal((await inShell(at, shell, few)).stdout, 'went on\n', shell.name);
    }
    const file = join(at.root, 'again.sh');
    writeFileSync(
      file,
      `${evaluated(SHELLS[0] as Shell)}\nledger_append --action a.b --set n=$1\n[[ $1 == 6 ]] || exec bash "$0" $(($1 + 1))\ntouch ready; while :; do sleep 0.05; done`,
    );
    const running = start(['bash', file, '4'], { cwd: at.root, env: at.env });
    await until('the last one is ready', () => existsSync(join(at.root, 'ready')));
    await until('one coprocess is left', () => coprocesses(at).length === 1, 3_000);
    running.child.kill('SIGKILL');
    await leftNothing(at);
  });

  test(
    'sh, interactive: after an interrupt the next call has a coprocess again',
    { skip: missingTools('script') },
    async (t) => {
      const at = box(t);
      const running = start(['script', '-qec', 'dash -i', '/dev/null'], { cwd: at.root, env: { ...at.env, PS1: '', TERM: 'dumb' } }); // prettier-ignore
      const type = (text: string): void => void running.child.stdin?.write(text);
      type(
        `${evaluated({ name: '', command: [], words: 'sh' })}; ${COPROCESS}; ledger_append --action a.b; coprocess; kill -STOP "$found"; : >stopped\n`,
      );
      await until('the coprocess is stopped', () => existsSync(join(at.root, 'stopped')));
      type('ledger_append --action a.b\n');
      await sleep(150);
      type('\u0003');
      await sleep(50);
      type(
        'kill -CONT "$found"; for n in 1 2 3; do ledger_append --action a.c; done; coprocess; kill -9 "$found"; echo "free<$__ledger_busy>"\nexit\n',
      );
      const { stdout } = await running.ended;
      assert.match(stdout, /free<>/);
      assert.equal(rows(at.ledger).filter(({ action }) => action === 'a.c').length, 3);
      await leftNothing(at);
    },
  );

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
