/**
 * What the documents say is so. Commands are the ones that exist, with help that begins with examples; the shell line
 * gives the stored hash; forty lines of Python agree with `verify`; every member, code and file that is named is there.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { COMMANDS } from '../src/cli/commandTable';
import { CALLER_MEMBER_NAMES, LEDGER_MEMBERS } from '../src/core/members';
import { FINDING_CODES } from '../src/core/verdict';
import { REFUSALS } from '../src/store/append/append';

const ROOT = resolve(__dirname, '..');
const LEDGER = join(ROOT, 'bin', 'ledger.js');
const DOCUMENTS = ['README.md', 'docs/format.md', 'docs/guarantees.md', 'docs/library.md', 'docs/anchors.md'] as const;

const python = spawnSync('python3', ['--version']).status === 0;
const hasSha256sum = spawnSync('sha256sum', ['--version']).status === 0;

function textOf(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}

interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], cwd = ROOT): Answer {
  const env = { PATH: process.env['PATH'], HOME: cwd, XDG_STATE_HOME: join(cwd, 'home'), TZ: 'UTC' };
  return spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 60_000 });
}

function ledger(cwd: string, ...args: readonly string[]): Answer {
  return run(process.execPath, [LEDGER, ...args], cwd);
}

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-docs-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** A ledger as scripts make one: two streams, a payload, escapes, foreign letters. */
function makeLedger(dir: string): string {
  const rows = [
    '{"agent":"coder","action":"tool.used","run_id":"r1","cost_usd":"0.0312"}',
    '{"agent":"coder","action":"tool.used","run_id":"r1","reason":"tab\\there, \\u001b[31m, \\u202e, é, 𝄞"}',
    '{"agent":"probe","action":"pulse.probe","decision_id":"d1","run_id":"r1","payload":{"b":1.50,"a":[null,"\\u0085"]}}',
    '{"action":"run_completed","run_id":"r1","note":"a member of my own"}',
  ];
  for (const row of rows) assert.equal(ledger(dir, 'append', row).status, 0);
  return join(dir, 'state', 'audit.jsonl');
}

function changeLine(path: string, number: number, change: (line: string) => string): void {
  const lines = readFileSync(path, 'utf8').split('\n');
  lines[number - 1] = change(lines[number - 1] ?? '');
  writeFileSync(path, lines.join('\n'));
}

/** The exit codes of 0 to 3 that a help text explains after "Exit:". */
function exitCodesIn(help: string): string[] {
  const exits = help.slice(help.lastIndexOf('\nExit:') + '\nExit:'.length);
  return [...exits.matchAll(/(?:^|·|\n)\s*([0-3]) \S/g)].map((match) => match[1] ?? '');
}

const COLUMN_CODES = ['0', '1', '2', '3'];

/** The README's line for a command: which exit codes it explains. */
function readmeLine(name: string): string[] {
  const line = textOf('README.md')
    .split('\n')
    .find((text) => text.startsWith(`| \`ledger ${name}\``));
  assert.ok(line, `README.md has no line for "ledger ${name}"`);
  const cells = line.split('|').slice(3, -1);
  return COLUMN_CODES.filter((_, i) => (cells[i] ?? '').trim() !== '');
}

test('the program’s own help begins with examples and explains the exit codes', () => {
  const { status, stdout } = run(process.execPath, [LEDGER, '--help']);
  assert.equal(status, 0);
  assert.deepEqual(exitCodesIn(stdout), COLUMN_CODES);
  for (const name of Object.keys(COMMANDS)) assert.match(stdout, new RegExp(`^  ${name} {2,}\\S`, 'm'));
  assert.match(stdout, /^Examples:\n {2}ledger /);
});

for (const name of Object.keys(COMMANDS)) {
  test(`ledger ${name} --help begins with examples; its exit codes are those of the README`, () => {
    const { status, stdout } = run(process.execPath, [LEDGER, name, '--help']);
    assert.equal(status, 0);
    assert.ok(stdout.includes('\nExit:'), 'an "Exit:" part');
    // What `run` answers is its command's: the README says so in words.
    if (name === 'run') for (const code of ['125', '126', '127', '128+n']) assert.ok(stdout.includes(code), code);
    else assert.deepEqual(exitCodesIn(stdout), readmeLine(name));
    assert.ok(readmeLine(name).length > 0);
    assert.match(stdout, new RegExp(`^Examples:\\n {2}(?:\\S+ \\| )?ledger ${name}\\b`));
  });
}

test('the README’s shell line gives the stored hash of every row; the format page has the same line', (t) => {
  const line = textOf('README.md')
    .split('\n')
    .find((text) => text.startsWith('sed -n 41p'));
  assert.ok(line !== undefined && line.includes('sha256sum'), 'a line with sed and sha256sum');
  assert.ok(textOf('docs/format.md').includes(`\n${line}\n`), 'the same in docs/format.md');
  const path = makeLedger(scratch(t));
  const rows = readFileSync(path, 'utf8').trimEnd().split('\n');
  assert.equal(rows.length, 5);
  for (const [i, row] of rows.entries()) {
    const mine = line.replace('41p', `${i + 1}p`).replace('sha256sum', hasSha256sum ? 'sha256sum' : 'shasum -a 256');
    const { stdout } = run('sh', ['-c', mine], dirname(path));
    assert.equal(stdout.slice(0, 64), (JSON.parse(row) as { readonly hash: string }).hash, `row ${i + 1}`);
  }
});

test('verify.py has at most forty lines and needs the standard library only', () => {
  const script = textOf('docs/verify.py');
  assert.ok(script.trimEnd().split('\n').length <= 40);
  const modules = [...script.matchAll(/^import (.*)$/gm)].flatMap((match) => (match[1] ?? '').split(', '));
  assert.deepEqual(modules, ['glob', 'gzip', 'hashlib', 'json', 'os', 're', 'sys']);
  assert.doesNotMatch(script, /^from /m);
});

interface Case {
  readonly name: string;
  readonly exit: number;
  readonly make: (dir: string, path: string) => void;
}

const CASES: readonly Case[] = [
  { name: 'healthy', exit: 0, make: () => undefined },
  {
    name: 'with a healed end',
    exit: 0,
    make: (dir, path) => {
      writeFileSync(path, `${readFileSync(path, 'utf8')}{"seq":6,"ts":"2026-11-2`);
      assert.equal(ledger(dir, 'append', '--action', 'step.done').status, 0);
    },
  },
  {
    name: 'with a healed middle',
    exit: 3,
    make: (dir, path) => {
      changeLine(path, 3, (line) => line.slice(0, 40));
      assert.equal(ledger(dir, 'sweep').status, 1);
    },
  },
  {
    name: 'with a changed byte',
    exit: 1,
    make: (_, path) => changeLine(path, 2, (line) => line.replace('312', '012')),
  },
  { name: 'without its last row but one', exit: 1, make: (_, path) => removeLine(path, 4) },
  {
    name: 'with a changed row set aside by hand',
    exit: 3,
    make: (dir, path) => {
      changeLine(path, 2, (line) => line.replace('312', '012'));
      assert.equal(ledger(dir, 'sweep', '--set-aside', '2', '--reason', 'changed by hand').status, 0);
    },
  },
];

function removeLine(path: string, number: number): void {
  writeFileSync(
    path,
    readFileSync(path, 'utf8')
      .split('\n')
      .toSpliced(number - 1, 1)
      .join('\n'),
  );
}

for (const { name, exit, make } of CASES) {
  test(`verify.py and ledger verify agree on a ledger ${name}`, { skip: !python && 'no python3' }, (t) => {
    const dir = scratch(t);
    const path = makeLedger(dir);
    make(dir, path);
    const theirs = run('python3', [join(ROOT, 'docs', 'verify.py'), path], dir);
    assert.deepEqual([ledger(dir, 'verify').status, theirs.status], [exit, exit], theirs.stdout);
  });
}

test('the demo does the main job and ends well', (t) => {
  const { scripts } = JSON.parse(textOf('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
  assert.equal(scripts['demo'], 'sh docs/demo.sh');
  const { status, stdout, stderr } = run('sh', [join(ROOT, 'docs', 'demo.sh')], scratch(t));
  assert.equal(status, 0, stderr);
  for (const word of ['append', 'run', 'sweep', 'verify', 'rollup'])
    assert.match(stdout, new RegExp(`^\\$ ledger ${word}\\b`, 'm'));
  assert.match(stdout, /^intact /m);
  assert.match(stdout, /^CONTENT_ALTERED at row 2,/m);
});

/** The names in the first column of a table below a heading. */
function tableNames(document: string, heading: string): string[] {
  const part = textOf(document).split(`\n### ${heading}\n`)[1]?.split(/\n#+ /)[0] ?? '';
  const firstCells = part.split('\n').flatMap((line) => /^\| (`.*?) +\|/.exec(line)?.[1] ?? []);
  return firstCells.flatMap((cell) => [...cell.matchAll(/`([a-z_]+)`/g)].map((match) => match[1] ?? ''));
}

test('the format page has every member, the callers’ in stored order', () => {
  assert.deepEqual(tableNames('docs/format.md', 'Members that callers give'), CALLER_MEMBER_NAMES);
  const ours = tableNames('docs/format.md', 'Members that the ledger sets');
  assert.deepEqual(new Set([...ours, 'signature', 'sealed']), LEDGER_MEMBERS);
});

/** Words in capitals that are no codes of ours. */
const OTHER_WORDS = ['LEDGER_DIR', 'SIGINT', 'SIGTERM', 'SIGHUP', 'F_OFD_SETLK', 'F_FULLFSYNC'];

test('a code in the documents is a code of the program', () => {
  const sources = ['src/core/errors.ts', 'src/core/evidence/checkEvidence.ts'].map(textOf).join('\n');
  const errors = [...sources.matchAll(/'([A-Z][A-Z_0-9]+)'/g)].map((match) => match[1] ?? '');
  const known = new Set<string>([...FINDING_CODES, ...errors, ...OTHER_WORDS]);
  for (const document of DOCUMENTS) {
    const named = [...textOf(document).matchAll(/`([A-Z][A-Z_0-9]{3,})`/g)].map((match) => match[1] ?? '');
    const unknown = named.filter((name) => !known.has(name));
    assert.deepEqual(unknown, [], document);
  }
});

test('the reasons of a spill are those of the type, on both pages', () => {
  const codesIn = (text: string | undefined): Set<string> =>
    new Set([...(text ?? '').matchAll(/['`]([A-Z][A-Z_]+)['`]/g)].map((match) => match[1] ?? ''));
  const ofType = codesIn(/type SpillCode =([^;]+);/.exec(textOf('src/core/errors.ts'))?.[1]);
  assert.deepEqual(codesIn(/^\| `why` .*$/m.exec(textOf('docs/format.md'))?.[0]), ofType);
  const paragraphs = textOf('docs/library.md').split('\n\n');
  assert.deepEqual(codesIn(paragraphs.find((text) => text.includes('in a `spilled` receipt'))), ofType);
  for (const refusal of REFUSALS) assert.ok(!ofType.has(refusal), refusal);
});

test('rows and records in the documents are JSON, and links lead to files and headings that are there', () => {
  for (const document of DOCUMENTS) {
    for (const match of textOf(document).matchAll(/```text\n([\s\S]*?)```/g)) JSON.parse(match[1] ?? '');
    for (const match of textOf(document).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const target = join(dirname(document), match[1] ?? '');
      assert.ok(existsSync(join(ROOT, target)), `${document} links to ${target}`);
      if (match[2] === undefined) continue;
      const headings = [...textOf(target).matchAll(/^#+ (.*)$/gm)].map((heading) => (heading[1] ?? '').toLowerCase());
      const anchors = headings.map((heading) => heading.replace(/[^\w\s-]/g, '').replaceAll(' ', '-'));
      assert.ok(anchors.includes(match[2]), `${document} links to #${match[2]}`);
    }
  }
});

/** Everything that is or would be committed; in a copy without git, the folders that are shipped and their neighbours. */
function committedFiles(): string[] {
  const listed = run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  const names =
    listed.status === 0 ? listed.stdout.split('\0').filter((name) => name !== '') : [...DOCUMENTS, 'docs/demo.sh'];
  return names.filter((name) => statSync(join(ROOT, name), { throwIfNoEntry: false })?.isFile());
}

test('no committed file names the machine it was written on', () => {
  // Spelled in two halves, so that this file is not its own finding.
  const registries = [`registry.npm${'js'}.org`, `registry.yarn${'pkg'}.com`, `npm.pkg.${'github'}.com`];
  // "/root" and the like are too short to tell anything: they stand in system calls and mount tables.
  const folders = [ROOT, dirname(ROOT), homedir()].filter((folder) => folder.split('/').length > 2);
  const words = [...folders.map((folder) => `${folder}/`), ...registries];
  const files = committedFiles();
  assert.ok(files.includes('README.md'));
  for (const name of files) {
    const text = textOf(name);
    if (text.includes('\0') || name.startsWith('fixtures/')) continue;
    for (const word of words) assert.ok(!text.includes(word), `${name} names ${word}`);
    assert.doesNotMatch(text, /\/(?:home|Users)\/[a-z][a-z0-9_-]+\//, name);
  }
});
