/**
 * Stories from daily use, test/scripts/*.txt: what is typed, what comes back. Each runs in a fresh folder, one `sh` a command.
 *
 *   # a remark                     `ledger` is on the PATH, the state folder is ./state, the zone is UTC
 *   $ ledger append '{'            a command; `> ` goes on with it
 *   refused line=1 [..]            its stdout; `[..]` stands for anything within the line
 *   ! ledger: error: …             its stderr
 *   ? 2                            its exit status, where that is not 0
 *
 * What differs from run to run is written by name: <id1> and <hash1>, the same number for the same value all through the
 * story; <time> and <day> for moments near now; <ms>, <by>, <pid>, <nonce>; <sqlite> for the library of this Node; <dir> for the
 * folder, <root> for the one above. Everything else is exact. A story `*.libsql.txt` is of functions that libsql alone has.
 * LEDGER_SCRIPTS=update writes what came back into the stories; then read the difference as a user would.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { ensureBuilt } from './support/built';
import { run } from './support/process';
import { IS_LIBSQL, SQLITE_LIBRARY } from './support/sqliteLibrary';
import { NumberedNames, typingEnvironment } from './support/typed';

const STORIES = join(__dirname, 'scripts');

interface Step {
  readonly remarks: readonly string[];
  readonly command: string;
  readonly expected: readonly string[];
}

/** The steps of a story; the exact inverse of storyText. */
function stepsOf(story: string): Step[] {
  const steps: { remarks: string[]; command: string; expected: string[] }[] = [];
  let remarks: string[] = [];
  for (const line of story.trimEnd().split('\n')) {
    const last = steps.at(-1);
    if (line.startsWith('$ ')) {
      steps.push({ remarks, command: line.slice(2), expected: [] });
      remarks = [];
    } else if (/^>( |$)/.test(line) && last?.expected.length === 0) last.command += `\n${line.slice(2)}`;
    else if (line.startsWith('#') || last === undefined || remarks.length > 0) remarks.push(line);
    else last.expected.push(line);
  }
  assert.ok(steps.length > 0 && remarks.length === 0, 'a story ends with a command and what came back');
  // The blank lines before the next command are no output.
  for (const [i, step] of steps.entries())
    while (step.expected.at(-1) === '') {
      step.expected.pop();
      steps[i + 1]?.remarks.unshift('');
    }
  return steps;
}

function storyText(steps: readonly Step[]): string {
  const typed = (command: string): string => `$ ${command.replaceAll('\n', '\n> ')}`.replaceAll('> \n', '>\n');
  const text = steps.map(({ remarks, command, expected }) => [...remarks, typed(command), ...expected]);
  return `${text.flat().join('\n')}\n`;
}

/** Names for what differs from run to run; numbers hold all through a story. */
class Names {
  readonly #numbered = new NumberedNames();

  constructor(private readonly root: string) {}

  in(text: string): string {
    return this.#numbered
      .in(text.replaceAll(join(this.root, 'work'), '<dir>').replaceAll(this.root, '<root>'))
      .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, (time) => near(time, time, '<time>'))
      .replace(/\b\d{4}-\d\d-\d\d\b/g, (day) => near(day, `${day}T12:00:00Z`, '<day>'))
      .replace(/"nonce(\\?":\\?")[\w-]{22}/g, '"nonce$1<nonce>')
      .replace(/"by(\\?":\\?")\d+:[^"\\]*/g, '"by$1<by>')
      .replace(/"duration_ms":[0-9.]+/g, '"duration_ms":<ms>')
      .replace(/\b(process|pid) \d+/g, '$1 <pid>')
      .replace(`ok    sqlite      ${SQLITE_LIBRARY}\n`, 'ok    sqlite      <sqlite>\n');
  }
}

const near = (text: string, time: string, name: string): string =>
  Math.abs(Date.parse(time) - Date.now()) < 172_800_000 ? name : text;

function fits(actual: string, expected: string): boolean {
  const literal = expected.split('[..]').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`).test(actual);
}

/** What a command answered, as a story writes it; a line that a pattern of the story fits is written as that pattern. */
async function answer(step: Step, names: Names, env: NodeJS.ProcessEnv, dir: string): Promise<string[]> {
  const { stdout, stderr, status } = await run(['sh', '-c', step.command], { cwd: dir, env, timeoutMs: 30_000 });
  const lines = (text: string): string[] => (text === '' ? [] : names.in(text).replace(/\n$/, '').split('\n'));
  const errors = lines(stderr).map((line) => `! ${line}`);
  const actual = [...lines(stdout), ...errors, ...(status === 0 ? [] : [`? ${status}`])];
  return actual.map((line, i) => (fits(line, step.expected[i] ?? '') ? (step.expected[i] ?? '') : line));
}

async function tell(name: string): Promise<void> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ledger-story-')));
  try {
    const [path, dir, env] = [
      join(STORIES, name),
      join(root, 'work'),
      { ...typingEnvironment(root), TESTS: __dirname },
    ];
    mkdirSync(dir);
    const story = readFileSync(path, 'utf8');
    const names = new Names(root);
    const told: Step[] = [];
    for (const step of stepsOf(story)) told.push({ ...step, expected: await answer(step, names, env, dir) });
    if (process.env['LEDGER_SCRIPTS'] === 'update') writeFileSync(path, storyText(told));
    else assert.equal(storyText(told), story);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

describe('stories', { concurrency: 2, skip: process.platform !== 'linux' && 'they type GNU tools' }, () => {
  before(ensureBuilt);
  for (const name of readdirSync(STORIES).filter((one) => one.endsWith('.txt'))) {
    const skip = name.endsWith('.libsql.txt') && !IS_LIBSQL && 'Node 22 and later has an SQLite of its own';
    test(name, { skip }, () => tell(name));
  }
});
