/** `ledger import`: an existing log, each line once, nothing lost. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { ImportResult } from '../../src/services/import';
import type { Row } from '../../src/core/members';
import { LEDGER, run, start, until } from '../support/process';
import type { Ended, RunOptions } from '../support/process';
import { sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

const ledger = (box: Sandbox, args: string[], more: RunOptions = {}): Promise<Ended> =>
  run([process.execPath, LEDGER, ...args], { env: box.env, ...more });

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

async function importing(box: Sandbox, file: string, status: number, more: RunOptions = {}): Promise<ImportResult> {
  const ended = await ledger(box, ['import', '--json', file], more);
  assert.equal(ended.status, status, ended.stderr);
  return JSON.parse(ended.stdout) as ImportResult;
}

function rows(box: Sandbox): Row[] {
  const lines = readFileSync(box.ledger, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Row).slice(1);
}

const line = (n: number): string =>
  `{"ts":"2026-04-25T20:09:24.604Z","run_id":"r${n % 7}","agent":"void-pulse","action":"pulse.probe","cost_usd":0.0001,"n":${n}}`;

test('every line once: the file again, grown, cut short before, or by a pipe', async (t) => {
  const box = sandbox(t);
  const file = join(box.root, 'old.jsonl');
  writeFileSync(file, `${line(1)}\n${line(2)}\r\n\n${line(1)}`);
  const first = await importing(box, file, 0);
  assert.deepEqual([first.imported, first.duplicates, first.blank], [3, 0, 1]);
  assert.deepEqual(
    rows(box).map((row) => row.idempotency_key),
    [`import:${sha256(line(1))}:1`, `import:${sha256(line(2))}:1`, `import:${sha256(line(1))}:2`],
  );
  assert.ok(
    rows(box).every(
      ({ provenance, occurred_at: at }) => provenance === 'imported' && at === '2026-04-25T20:09:24.604Z',
    ),
  );
  const again = await importing(box, '-', 0, { stdin: readFileSync(file) });
  assert.deepEqual([again.imported, again.duplicates], [0, 3]);
  appendFileSync(file, `\n${line(3)}\n`);
  const grown = await importing(box, file, 0);
  assert.deepEqual([grown.imported, grown.duplicates], [1, 3]);
  assert.equal(rows(box).length, 4);
});

const BROKEN: readonly (readonly [string, Buffer])[] = [
  ['JSON_SYNTAX', Buffer.from('{"action":"a.b","n":1')],
  ['JSON_DUPLICATE_KEY', Buffer.from('{"action":"a.b","n":1,"n":2}')],
  ['INPUT_UTF8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ['JSON_NUMBER', Buffer.from('{"action":"a.b","n":9007199254740993}')],
  ['JSON_NUMBER', Buffer.from('{"action":"a.b","cost_usd":1e999}')],
  ['JSON_SURROGATE', Buffer.from('{"action":"a.b","n":"\\ud800"}')],
  ['ROW_NOT_OBJECT', Buffer.from('[1,2]')],
  ['JSON_SYNTAX', Buffer.alloc(40)],
  ['ROW_TOO_LONG', Buffer.from(`{"action":"a.b","n":"${'x'.repeat(3 << 20)}"}`)],
];

test('a broken line is set aside byte for byte and named by one row; the rows around it come in', async (t) => {
  const box = sandbox(t);
  const file = join(box.root, 'old.jsonl');
  const newline = Buffer.from('\n');
  const content = BROKEN.flatMap(([, bytes], i) => [Buffer.from(line(i)), newline, bytes, newline]);
  writeFileSync(file, Buffer.concat(content));
  const result = await importing(box, file, 1);
  assert.deepEqual([result.imported, result.quarantined], [BROKEN.length, BROKEN.length]);
  const named = rows(box).filter(({ action }) => action === 'audit.heal-truncation');
  assert.deepEqual(
    named.map(({ payload }) => payload?.['why']),
    BROKEN.map(([why]) => why),
  );
  for (const [i, { id, payload }] of named.entries()) {
    const [, bytes] = BROKEN[i] as (typeof BROKEN)[number];
    assert.equal(payload?.['quarantine'], `quarantine/${id}.bin`);
    assert.ok(readFileSync(join(box.dir, `quarantine/${id}.bin`)).equals(bytes));
    assert.deepEqual([payload['length'], payload['sha256']], [bytes.length, sha256(bytes)]);
    const offset = payload['offset'] as number;
    assert.ok(
      readFileSync(file)
        .subarray(offset, offset + bytes.length)
        .equals(bytes),
    );
  }
  const again = await importing(box, file, 0);
  assert.deepEqual([again.imported, again.quarantined, again.duplicates], [0, 0, 2 * BROKEN.length]);
  assert.equal(readdirSync(join(box.dir, 'quarantine')).length, BROKEN.length);
  assert.equal((await ledger(box, ['verify', '-q'])).status, 0);
});

test('an import that is killed is finished by the next one, nothing twice', async (t) => {
  const box = sandbox(t);
  const file = join(box.root, 'old.jsonl');
  const count = 40_000;
  writeFileSync(file, Array.from({ length: count }, (_, n) => `${line(n)}\n`).join(''));
  const { child, ended } = start([process.execPath, LEDGER, 'import', file], { env: box.env, stdin: '' });
  const size = (): number => {
    try {
      return readFileSync(box.ledger).length;
    } catch {
      return 0;
    }
  };
  await until('some rows have landed', () => size() > 2e6);
  child.kill('SIGKILL');
  await ended;
  const result = await importing(box, file, 0);
  assert.equal(result.imported + result.duplicates, count);
  const numbers = rows(box).flatMap((row) => (typeof row['n'] === 'number' ? [row['n']] : []));
  assert.equal(numbers.length, count);
  assert.equal(new Set(numbers).size, count);
});

test('a signal ends it between two batches: what came in stays', async (t) => {
  const box = sandbox(t);
  const file = join(box.root, 'old.jsonl');
  writeFileSync(file, Array.from({ length: 60_000 }, (_, n) => `${line(n)}\n`).join(''));
  const { child, ended } = start([process.execPath, LEDGER, 'import', file], { env: box.env, stdin: '' });
  await until('the ledger is there', () => {
    try {
      return readFileSync(box.ledger).length > 100_000;
    } catch {
      return false;
    }
  });
  child.kill('SIGINT');
  const { status, stdout } = await ended;
  assert.equal(status, 130);
  assert.match(stdout, /stopped +before the end/);
  assert.equal((await ledger(box, ['verify', '-q'])).status, 0);
});

test('what is no JSON lines at all is refused with the way out, before anything is written', async (t) => {
  const box = sandbox(t);
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(line(1), 'utf16le')]);
  for (const [bytes, hint] of [
    [Buffer.from([0x1f, 0x8b, 8, 0]), /zcat/],
    [utf16, /iconv/],
  ] as const) {
    const ended = await ledger(box, ['import', '-'], { stdin: bytes });
    assert.equal(ended.status, 2);
    assert.match(ended.stderr, hint);
  }
  assert.equal((await ledger(box, ['import', box.root])).status, 2);
  assert.equal((await ledger(box, ['import', join(box.root, 'none')])).status, 2);
});

test('a ledger is not imported into itself', async (t) => {
  const box = sandbox(t);
  await ledger(box, ['append', '--action', 'a.b']);
  const ended = await ledger(box, ['import', box.ledger]);
  assert.equal(ended.status, 2);
  assert.match(ended.stderr, /this ledger itself/);
  assert.equal(rows(box).length, 1);
});

test('a byte order mark is no content', async (t) => {
  const box = sandbox(t);
  const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(`${line(1)}\n`)]);
  await importing(box, '-', 0, { stdin: marked });
  assert.equal((await importing(box, '-', 0, { stdin: line(1) })).duplicates, 1);
});

test('a line that a flag or a setting kept out comes in once that is otherwise', async (t) => {
  const box = sandbox(t);
  const lines = '{"action":"a.b","cost_usd":5}\n{"action":"a.c"}\n';
  const asTrace = await ledger(box, ['import', '-', '--format', 'trace', '--json'], { stdin: lines });
  assert.equal(asTrace.status, 1, asTrace.stderr);
  const asRows = JSON.parse((await ledger(box, ['import', '-', '--json'], { stdin: lines })).stdout) as {
    imported: number;
  };
  assert.equal(asRows.imported, 2);
});
