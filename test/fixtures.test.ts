/**
 * fixtures/: ledgers that this version wrote, healthy and harmed, with the verdict that every later version must give.
 * Each is a state folder and expected.json beside it in the same folder. The shipped program looks at a copy, changes no
 * byte of it, and says what expected.json says; docs/verify.py agrees.
 *
 * LEDGER_FIXTURES=update writes what is said now into expected.json. The bytes of a ledger are never updated: a format
 * that can no longer read them is another format.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { openLedger } from '../src/index';
import { hasKernelLock } from '../src/store/lock/kernelLock';
import { ensureBuilt } from './support/built';
import { spillRecords } from './support/check';
import { bytesOf, copyOf, FIXTURES_FOLDER as ROOT, pathsIn } from './support/fixtureCopy';
import { FIXTURES, makeFixture } from './support/fixtures';
import { ledger, sandboxAt, temporaryFolder } from './support/sandbox';
import type { Sandbox } from './support/sandbox';

const VERIFY_PY = resolve(__dirname, '../docs/verify.py');
const NAMES = Object.keys(FIXTURES);
const UPDATE = process.env['LEDGER_FIXTURES'] === 'update';
const python = spawnSync('python3', ['--version']).status === 0;
/** The rows happened in this window; a fixed one, so that no answer depends on today. */
const WINDOW = ['--since', '2026-04-25', '--until', '2026-04-26', '--tz', 'UTC'];

/** What else is worth looking at, word for word. */
const LOOKS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'hostile-strings': [
    ['rollup', ...WINDOW, '--by', 'agent'],
    ['rollup', ...WINDOW, '--by', 'agent', '--format', 'csv'],
    ['rollup', ...WINDOW, '--by', 'agent', '--format', 'md'],
    ['tail', '-n', '6'],
  ],
  gap: [
    ['show', '3'],
    ['sweep', '--dry-run'],
  ],
  'changed-byte': [['show', '3']],
  'torn-tail': [
    ['tail', '-n', '1'],
    ['sweep', '--dry-run'],
  ],
  spilled: [['sweep', '--dry-run']],
  segments: [
    ['rollup', ...WINDOW, '--by', 'agent'],
    ['show', '2'],
    ['show', '5', '--json'],
    ['show', '6', '--json'],
    ['show', '9', '--json'],
    ['tail', '-n', '5'],
    ['verify', '--run', 'r1'],
    ['sweep', '--dry-run'],
  ],
};

interface Verdict {
  readonly verdict: string;
  readonly gaps: readonly { readonly kind: string; readonly from_seq: number; readonly to_seq: number }[];
  readonly findings: readonly { code: string; seq: number | null; place: { segment: string; line: number } | null }[];
  readonly warnings: readonly string[];
  readonly [part: string]: unknown;
}

/** The parts of verify's answer that are a contract. */
function verdictOf(stdout: string): object {
  const found = JSON.parse(stdout) as Verdict;
  const { verdict, rows, first_seq, last_seq, head, chain, streams, content, tail, spilled, open_streams } = found;
  return {
    ...{ verdict, rows, first_seq, last_seq, head, chain, streams, content, tail, spilled, open_streams },
    gaps: found.gaps.map(({ kind, from_seq, to_seq }) => ({ kind, from_seq, to_seq })),
    findings: found.findings.map(({ code, seq, place }) => ({ code, seq, segment: place?.segment, line: place?.line })),
    warnings: found.warnings,
  };
}

async function look(box: Sandbox, args: readonly string[]): Promise<object> {
  const { status, stdout, stderr } = await ledger(box, args, { env: { TZ: 'UTC' } });
  const lines = (text: string): string[] => text.replaceAll(box.dir, 'state').split('\n').slice(0, -1);
  return { command: args.join(' '), exit: status, stdout: lines(stdout), stderr: lines(stderr) };
}

/** What the program says of a ledger. */
async function observed(box: Sandbox, name: string): Promise<object> {
  const verified = await ledger(box, ['verify', '--json']);
  const summed = await ledger(box, ['rollup', ...WINDOW, '--json']);
  const { total, broken_lines } = JSON.parse(summed.stdout) as { total: object; broken_lines: number };
  const looks: object[] = [];
  for (const args of LOOKS[name] ?? []) looks.push(await look(box, args));
  return {
    verify: { exit: verified.status, ...verdictOf(verified.stdout) },
    rollup: { exit: summed.status, ...total, broken_lines },
    looks,
  };
}

function expectOrUpdate(folder: string, found: object): void {
  const path = join(folder, 'expected.json');
  if (UPDATE) writeFileSync(path, `${JSON.stringify(found, null, 2)}\n`);
  assert.deepEqual(JSON.parse(JSON.stringify(found)), JSON.parse(readFileSync(path, 'utf8')));
}

before(ensureBuilt);

describe('fixtures', { concurrency: 2 }, () => {
  for (const name of NAMES) {
    test(`${name}: the verdict, the sums and the looks are those of expected.json; no byte is changed`, async (t) => {
      const box = copyOf(t, name);
      const before = bytesOf(box.dir);
      expectOrUpdate(join(ROOT, name), await observed(box, name));
      if (name in LOOKS) await ledger(box, ['doctor']);
      assert.deepEqual(bytesOf(box.dir), before);
    });
  }
});

test('docs/verify.py gives the same exit code', { skip: !python && 'no python3' }, () => {
  for (const name of NAMES) {
    const { verify } = JSON.parse(readFileSync(join(ROOT, name, 'expected.json'), 'utf8')) as {
      verify: { exit: number };
    };
    const { status, stdout } = spawnSync('python3', [VERIFY_PY, join(ROOT, name, 'audit.jsonl')], { encoding: 'utf8' });
    assert.equal(status, verify.exit, `${name}: ${stdout}`);
  }
});

test('the maker makes these bytes still', { skip: !hasKernelLock() && 'no kernel lock' }, async (t) => {
  const again = temporaryFolder(t);
  for (const name of NAMES) {
    await makeFixture(again, name);
    assert.deepEqual(bytesOf(join(again, name)), bytesOf(join(ROOT, name)), name);
  }
});

test('every folder of fixtures is tested, and names no account but the made-up one', () => {
  const folders = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(folders.map(({ name }) => name).sort(), [...NAMES, 'import', 'stories'].sort());
  // Each of these is told by a script of test/scripts.
  const told = readdirSync(join(__dirname, 'scripts')).map((name) =>
    readFileSync(join(__dirname, 'scripts', name), 'utf8'),
  );
  for (const name of readdirSync(join(ROOT, 'stories')).filter((one) => one.endsWith('.sh')))
    assert.ok(
      told.some((text) => text.includes(`stories/${name}`)),
      name,
    );
  for (const path of pathsIn(ROOT).filter((one) => statSync(one).isFile())) {
    const bytes = readFileSync(path);
    const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
    for (const [, by] of text.matchAll(/"by\\?":\\?"([^"\\\n]*)/g))
      assert.ok(by === 'seq' || '1000:alice@build-3'.startsWith(by ?? ''), path);
  }
});

test('a torn or waiting fixture is put right by one append, and is intact then', async (t) => {
  for (const name of ['torn-tail', 'nul-tail', 'missing-newline', 'spilled']) {
    const box = copyOf(t, name);
    assert.equal((await ledger(box, ['append', '--action', 'a.b', '-q'])).status, 0, name);
    assert.equal((await ledger(box, ['verify', '-q'])).status, 0, name);
    assert.ok(!existsSync(join(box.dir, 'audit.spill.jsonl')), name);
  }
});

test('an old log comes in: what becomes of each line, and nothing twice', async (t) => {
  const folder = join(ROOT, 'import');
  const box = sandboxAt(temporaryFolder(t));
  const log = join(folder, 'old.jsonl');
  const imported = async (): Promise<object> => {
    const { status, stdout } = await ledger(box, ['import', log, '--json']);
    return { exit: status, ...(JSON.parse(stdout) as object), file: 'old.jsonl' };
  };
  const [first, second] = [await imported(), await imported()];
  const summed = await ledger(box, [
    'rollup',
    '--since',
    '2026-04-20',
    '--until',
    '2026-04-22',
    '--tz',
    'UTC',
    '--by',
    'agent',
    '--json',
  ]);
  const { total, groups } = JSON.parse(summed.stdout) as { total: object; groups: object };
  const rows = readFileSync(box.ledger, 'utf8').trimEnd().split('\n').slice(1);
  const members = rows.map((row) => withoutChance(JSON.parse(row) as Record<string, unknown>));
  const verified = await ledger(box, ['verify', '-q']);
  expectOrUpdate(folder, { first, second, total, groups, rows: members, verify: verified.status });
});

/** A row without what differs from run to run. */
function withoutChance(row: Record<string, unknown>): object {
  const chance = new Set(['ts', 'id', 'by', 'nonce', 'prev_hash', 'hash', 'run_prev_hash', 'content_hash']);
  const members = Object.entries(row).filter(([name]) => !chance.has(name));
  return JSON.parse(
    JSON.stringify(Object.fromEntries(members))
      .replace(/quarantine\/[0-9A-Z]{26}/g, 'quarantine/ID')
      .replace(/"file":"[^"]*"/g, '"file":"old.jsonl"'),
  ) as object;
}

test('follow begins in a closed segment and goes on into the live file, each row once', async (t) => {
  for (const afterSeq of [0, 3, 5, 6, 8, 9, 11]) {
    const box = copyOf(t, 'segments');
    const opened = openLedger({ dir: box.dir });
    const stop = new AbortController();
    const seqs: number[] = [];
    for await (const row of opened.follow({ afterSeq }, stop.signal)) {
      seqs.push(row.seq);
      if (row.seq === 12) stop.abort();
    }
    await opened.close();
    assert.deepEqual(
      seqs,
      Array.from({ length: 12 - afterSeq }, (_, i) => afterSeq + 1 + i),
      `after ${afterSeq}`,
    );
  }
});

test('closed segments without the live file have lost their end: nobody says intact, nobody sums what is left', async (t) => {
  for (const lose of [unlinkSync, (path: string) => writeFileSync(path, '')]) {
    const box = copyOf(t, 'segments');
    lose(box.ledger);
    const { status, stdout } = await ledger(box, ['verify', '--json']);
    const { findings } = JSON.parse(stdout) as Verdict;
    assert.deepEqual([status, findings.map(({ code }) => code)], [1, ['TRUNCATED']]);
    for (const command of ['rollup', 'tail', 'show 2', 'sweep'])
      assert.equal((await ledger(box, command.split(' '))).status, 2, command);
    if (python) assert.equal(spawnSync('python3', [VERIFY_PY, box.ledger]).status, 1);
  }
});

test('a stream goes on over closed segments; without an index nothing is built on a guess', async (t) => {
  const box = copyOf(t, 'segments');
  // Its rows lie in closed segments alone.
  const append = ledger(box, ['append', '--action', 'step.done', '--run-id', 'r2']);
  assert.equal((await append).status, 0);
  assert.match((await append).stdout, /^spilled /);
  assert.equal(spillRecords(box)[0]?.['why'], 'INDEX_FAILED');
  assert.equal((await ledger(box, ['sweep'])).status, 0);
  const checked = await ledger(box, ['verify', '--json']);
  assert.equal((JSON.parse(checked.stdout) as { streams: string }).streams, 'intact', checked.stdout);
});

test('tail reaches back over closed segments, however many rows are wanted', async (t) => {
  const box = copyOf(t, 'segments');
  for (const wanted of [0, 4, 7, 14]) {
    const { stdout } = await ledger(box, ['tail', '-n', String(wanted)]);
    const seqs = [...stdout.matchAll(/^\{"seq":(\d+),/gm)].map(([, seq]) => Number(seq));
    const shown = Math.min(12, wanted);
    assert.deepEqual(
      seqs,
      Array.from({ length: shown }, (_, i) => 13 - shown + i),
      `-n ${wanted}`,
    );
  }
});
