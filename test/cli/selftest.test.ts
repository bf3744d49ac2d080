/**
 * The selftest: every attack is played and caught here; the page of guarantees says the same; and a selftest that must fail
 * does. LEDGER_DOCS=update writes the table of that page.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { selftestText } from '../../src/cli/attackText';
import { NO_COLORS } from '../../src/cli/color';
import { caughtAs, FAMILIES } from '../../src/core/attacks/attack';
import type { Attack } from '../../src/core/attacks/attack';
import { lookFaults } from '../../src/core/attacks/judge';
import { ATTACKS, UNCAUGHT } from '../../src/core/attacks/list';
import { selftest } from '../../src/services/selftest';
import type { SelftestResult } from '../../src/services/selftest';
import { PLAYS } from '../../src/store/selftest/play';
import type { Plays, Scratch } from '../../src/store/selftest/scratch';
import { ensureBuilt } from '../support/built';
import { LEDGER, run, start, until } from '../support/process';
import type { Ended } from '../support/process';
import { tempFolder } from '../support/writers';

const PAGE = resolve(__dirname, '../../docs/guarantees.md');
const MARKS = [/^<!-- attacks: .*-->$/m, /^<!-- end of attacks -->$/m] as const;

/** What the page says of each attack: a row of cells. */
function pageRows(): string[][] {
  return ATTACKS.map((attack) => [`\`${attack.name}\``, attack.what, attack.layer, shownAs(attack), attack.left]);
}

function shownAs(attack: Attack): string {
  if (attack.check === 'guess') return caughtAs(attack);
  return `${attack.code === null ? caughtAs(attack) : `\`${caughtAs(attack)}\``}, exit ${attack.exit}`;
}

function pageText(): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const titles = ['attack', 'what is done', 'caught by', 'as', 'what is left'];
  const table = [line(titles), line(titles.map(() => '---')), ...pageRows().map(line)];
  const list = UNCAUGHT.map(({ what, helps }) => `- **${what}**. ${helps}`);
  return `\n${table.join('\n')}\n\nCaught by nothing:\n\n${list.join('\n')}\n\n`;
}

/** Where tables are laid out by a formatter, only the cells count. */
const laidOut = (text: string): string =>
  text
    .replace(/-{3,}/g, '---')
    .replace(/ +/g, ' ')
    .replace(/\n{2,}/g, '\n\n');

test('docs/guarantees.md says, attack by attack, what selftest plays', () => {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = MARKS.map((mark) => mark.exec(page)) as [RegExpExecArray, RegExpExecArray];
  const from = begin.index + begin[0].length + 1;
  if (process.env['LEDGER_DOCS'] === 'update')
    writeFileSync(PAGE, page.slice(0, from) + pageText() + page.slice(end.index));
  else assert.equal(laidOut(page.slice(from, end.index)), laidOut(pageText()));
});

test('there are at least the attacks that must be caught, each of its own name, with a way to play it', () => {
  assert.ok(ATTACKS.length >= 36, `${ATTACKS.length}`);
  const names = ATTACKS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const played = ATTACKS.filter(({ check }) => check !== 'guess').map(({ name }) => name);
  assert.deepEqual(Object.keys(PLAYS).sort(), played.sort());
  for (const { name, what, layer, left, family } of ATTACKS) {
    assert.ok(FAMILIES.includes(family) && what !== '' && layer !== '' && left !== '', name);
    // What a sentence refers to is there.
    for (const [, other = ''] of left.matchAll(/see ([a-z-]+-[a-z-]+)/g))
      assert.ok(names.includes(other), `${name}: ${other}`);
  }
});

function environment(dir: string): NodeJS.ProcessEnv {
  mkdirSync(join(dir, 'tmp'));
  return {
    PATH: process.env['PATH'],
    HOME: join(dir, 'home'),
    TMPDIR: join(dir, 'tmp'),
    TZ: 'UTC',
    LEDGER_DIR: join(dir, 'own'),
  };
}

function ledger(dir: string, env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Ended> {
  return run([process.execPath, LEDGER, ...args], { cwd: dir, env, timeoutMs: 300_000 });
}

/** The selftest of this program, with something else done in place of an attack. */
function playInstead(instead: Plays): Promise<SelftestResult> {
  const program = [process.execPath, LEDGER];
  return selftest({ program, env: process.env, keep: false, only: Object.keys(instead), instead });
}

describe('ledger selftest', () => {
  before(ensureBuilt);

  test('every attack goes as it must; nothing of the user is touched, and nothing is left', async (t: TestContext) => {
    const dir = tempFolder(t);
    const env = environment(dir);
    const { status, stdout, stderr } = await ledger(dir, env, 'selftest', '--attacks', '--json');
    const result = JSON.parse(stdout) as SelftestResult;
    const wrong = result.attacks.filter((one) => !one.as_expected).map(({ name, faults }) => ({ name, faults }));
    assert.deepEqual(wrong, []);
    assert.deepEqual([status, stderr, result.played, result.kept], [0, '', ATTACKS.length, null]);
    assert.deepEqual(result.not_played, []);
    for (const { name, check, code, row, exit, found, changed } of result.attacks) {
      if (check === 'guess') continue;
      assert.ok(changed.length > 0 && changed.every((file) => file.before !== file.after), name);
      assert.deepEqual(found?.exits, { json: exit, prose: exit, quiet: exit }, name);
      assert.ok(code === null || found?.codes.some((one) => one.code === code && one.row === row) === true, name);
    }
    assert.deepEqual(readdirSync(dir).sort(), ['tmp']);
    assert.deepEqual(readdirSync(join(dir, 'tmp')), []);
  });

  test('an attack that does nothing is no attack: the selftest fails, and says why', async () => {
    const { as_expected: good, attacks } = await playInstead({ 'edit-byte': () => undefined });
    assert.equal(good, 0);
    const faults = attacks[0]?.faults.join('\n') ?? '';
    assert.match(faults, /^expected changed bytes, found none$/m);
    assert.match(faults, /^expected exit 1 in prose mode, found 0$/m);
    assert.match(faults, /^expected CONTENT_ALTERED at row 14, found none$/m);
  });

  test('an attack that is caught as something else, or elsewhere, fails the selftest', async () => {
    const { as_expected: good, attacks } = await playInstead({
      'edit-byte': (scratch) => scratch.changeLine(3, (line) => line.replace('probe', 'Probe')),
      'torn-end': (scratch) => scratch.writeLines(scratch.lines().slice(0, -1)),
    });
    assert.equal(good, 0);
    assert.match(
      attacks[0]?.faults.join('\n') ?? '',
      /expected CONTENT_ALTERED at row 14, found CONTENT_ALTERED at row 3/,
    );
    assert.match(attacks[1]?.faults.join('\n') ?? '', /expected TORN at row 18, found none/);
  });

  test('what parsing hides is a change of bytes that a lenient parser does not see', async () => {
    const hidden = ['number-spelling', 'invalid-utf-8', 'white-space'];
    const parsed = (scratch: Scratch): unknown[] => scratch.lines().map((line): unknown => JSON.parse(line));
    const compare = (name: string) => async (scratch: Scratch) => {
      const before = parsed(scratch);
      await PLAYS[name]?.(scratch);
      assert.deepEqual(parsed(scratch), before, name);
    };
    const { as_expected: good } = await playInstead(Object.fromEntries(hidden.map((name) => [name, compare(name)])));
    assert.equal(good, hidden.length);
  });

  test('an opening that is not changed, an anchor that another one stands in for: both fail the selftest', async () => {
    const { as_expected: good, attacks } = await playInstead({
      'anchored-tail-cut': (scratch) => {
        for (const name of readdirSync(scratch.path('stick'))) rmSync(scratch.path('stick', name));
        return PLAYS['anchored-tail-cut']?.(scratch);
      },
      'opening-deleted': (scratch) => writeFileSync(scratch.path('state', 'sealed.jsonl'), '\n', { flag: 'a' }),
    });
    assert.equal(good, 0);
    const [anchor = '', opening = ''] = attacks.map(({ faults }) => faults.join('\n'));
    assert.match(anchor, /^expected "stick\/ knows of" in prose, found none$/m);
    assert.match(opening, /^expected "no opening that fits" in JSON, found none$/m);
  });

  test('without git the attack that needs it is not played, and that is said', async () => {
    const only = ['anchored-tail-cut', 'anchored-file-older'];
    const program = [process.execPath, LEDGER];
    const result = await selftest({ program, env: { PATH: '/nowhere' }, keep: false, only });
    const { played, as_expected: good, not_played: left } = result;
    assert.deepEqual([played, good, left], [1, 1, ['anchored-file-older']]);
    const text = selftestText(result, { colors: NO_COLORS, width: 100, quiet: false });
    assert.match(text, /^anchored-file-older was not played: there is no git here$/m);
  });

  test('a program that cannot make the scratch ledger is told, and leaves nothing', async (t) => {
    const dir = tempFolder(t);
    const env = { ...environment(dir), TMPDIR: join(dir, 'nowhere') };
    const { status, stderr } = await ledger(dir, env, 'selftest', '--attacks');
    assert.equal(status, 2);
    assert.match(stderr, /^ledger: error: /);
    await assert.rejects(selftest({ program: ['false'], env: process.env, keep: false }), { code: 'SELFTEST_FAILED' });
  });

  test('ended by a signal, it leaves nothing', async (t) => {
    const dir = tempFolder(t);
    const env = environment(dir);
    const { child, ended } = start([process.execPath, LEDGER, 'selftest', '--attacks'], { cwd: dir, env, stdin: '' });
    await until('a scratch ledger', () => readdirSync(join(dir, 'tmp')).length > 0);
    child.kill('SIGTERM');
    const { status, stdout } = await ended;
    assert.deepEqual([status, stdout, readdirSync(join(dir, 'tmp'))], [143, '', []]);
  });

  test('--keep leaves what an attack did, and says where', async (t) => {
    const dir = tempFolder(t);
    const { status, stdout } = await ledger(
      dir,
      environment(dir),
      'selftest',
      '--attacks',
      '--only',
      'torn-end',
      '--keep',
    );
    assert.equal(status, 0);
    const kept = /^kept in (.*)$/m.exec(stdout)?.[1] ?? '';
    assert.deepEqual(readdirSync(kept), ['torn-end']);
    assert.ok(existsSync(join(kept, 'torn-end', 'work', 'state', 'audit.jsonl')));
  });
});

test('what is seen is held against what must be: a code too many, prose that says less, quiet that talks', () => {
  const attack = ATTACKS.find(({ name }) => name === 'edit-byte');
  assert.ok(attack);
  const text = 'CONTENT_ALTERED at row 14';
  const code = { code: 'CONTENT_ALTERED', row: 14 };
  const seen = { json: { exit: 1, text: '', codes: [code] }, prose: { exit: 1, text }, quiet: { exit: 1, text } };
  assert.deepEqual(lookFaults(seen, attack), []);
  const fork = { code: 'FORK', row: 3 };
  for (const other of [
    { ...seen, json: { ...seen.json, codes: [code, fork] } },
    { ...seen, json: { ...seen.json, codes: [] } },
    { ...seen, prose: { exit: 1, text: 'broken' } },
    { ...seen, prose: { exit: 0, text } },
    { ...seen, quiet: { exit: 1, text: '' } },
    { ...seen, quiet: { exit: null, text } },
  ])
    assert.equal(lookFaults(other, attack).length, 1, JSON.stringify(other));
  const fine = { ...attack, code: null, row: null, exit: 0 };
  const well = {
    json: { exit: 0, text: '', codes: [] },
    prose: { exit: 0, text: 'intact' },
    quiet: { exit: 0, text: '' },
  };
  assert.deepEqual(lookFaults(well, fine), []);
  assert.equal(lookFaults({ ...well, quiet: { exit: 0, text: 'intact' } }, fine).length, 1);
  const warned = { ...fine, words: 'is gone' };
  const told = { exit: 0, text: 'a value is gone' };
  assert.deepEqual(lookFaults({ ...well, json: { ...told, codes: [] }, prose: told }, warned), []);
  assert.equal(lookFaults({ ...well, prose: told }, warned).length, 1);
  assert.equal(lookFaults({ ...well, json: { ...told, codes: [] } }, warned).length, 1);
});
