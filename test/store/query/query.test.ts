/** Any ledger, any question: what a loop of JSON.parse over its lines gives, byte for byte, with and without an index. */
import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { query } from '../../../src/services/query';
import { rebuildIndex } from '../../../src/store/index/indexBuild';
import type { StatePaths } from '../../../src/store/paths';
import { testFolder } from '../../support/indexes';
import { chainOf, setLineAside, TEST_START_MS, testPaths, writeLedger } from '../../support/ledgers';
import { expectNaive, linesOf, SHAPES } from '../../support/queries';
import type { Asked } from '../../support/queries';

const MIB = 1 << 20;
const HOUR_MS = 3_600_000;
const ODD = ['Grüße 🧾', 'a"b\\c/d\n\t', '\u202e\u0085', '{"agent":"a3"}', '"run_id":"r5"', 'a3', 'null', '0'];

/** Rows of many sorts, `noteBytes` long each; the same for the same arguments. */
function lines(count: number, noteBytes: (i: number) => number = () => 20): string[] {
  const chain = chainOf();
  for (let i = 0; i < count; i++)
    chain.add({
      action: i % 3 === 0 ? 'tool.used' : 'model.call',
      n: i,
      ...(i % 5 === 0 ? {} : { agent: `a${i % 7}` }),
      ...(i % 4 === 0 ? { run_id: `r${i % 13}` } : {}),
      ...(i % 9 === 0 ? { occurred_at: new Date(TEST_START_MS - i * HOUR_MS).toISOString() } : {}),
      ...(i % 11 === 0 ? { idempotency_key: `key-${i}` } : {}),
      ...(i % 6 === 0 ? { cost_usd: i / 1000 } : {}),
      reason: ODD[i % ODD.length],
      empty: '',
      payload: { note: 'x'.repeat(noteBytes(i)), exit_status: i % 3 },
    });
  return chain.lines;
}

const momentOf = ({ occurred_at: at, ts }: Readonly<Record<string, unknown>>): number => Date.parse(String(at ?? ts));
const SINCE = new Date(TEST_START_MS - 60 * HOUR_MS).toISOString();

const QUERIES: readonly Asked[] = [
  { wants: () => true },
  { terms: ['agent=a3'], wants: (row) => row['agent'] === 'a3' },
  { terms: ['agent!=a3'], wants: (row) => row['agent'] !== 'a3' },
  { terms: ['agent='], wants: (row) => (row['agent'] ?? '') === '' },
  {
    terms: ['reason=Grüße 🧾', 'agent=a1', 'agent=a2'],
    wants: ({ reason, agent }) => reason === 'Grüße 🧾' && (agent === 'a1' || agent === 'a2'),
  },
  { terms: ['reason=\u202e\u0085'], wants: ({ reason }) => reason === '\u202e\u0085' },
  { terms: ['run_id=r4'], wants: (row) => row['run_id'] === 'r4' },
  {
    terms: ['run_id=r4', 'run_id=r8', 'n>=20'],
    wants: ({ run_id: run, n }) => (run === 'r4' || run === 'r8') && Number(n) >= 20,
  },
  { where: 'run_id == "r4" && n % 3 == 0', wants: ({ run_id: run, n }) => run === 'r4' && Number(n) % 3 === 0 },
  { terms: ['idempotency_key=key-11'], wants: (row) => row['idempotency_key'] === 'key-11' },
  {
    terms: ['payload.exit_status>0', 'action~^tool'],
    wants: ({ payload, action }) => (payload as { exit_status?: number })?.exit_status !== 0 && action === 'tool.used',
  },
  { terms: ['cost_usd>0.05'], wants: (row) => typeof row['cost_usd'] === 'number' && row['cost_usd'] > 0.05 },
  {
    since: SINCE,
    until: '2026-04-25T20:00:00Z',
    wants: (row) => momentOf(row) >= Date.parse(SINCE) && momentOf(row) < Date.parse('2026-04-25T20:00:00Z'),
  },
  { terms: ['agent=nobody'], wants: () => false },
];

/** The folder of a ledger with these lines. */
function folderOf(t: TestContext, all: readonly string[]): StatePaths {
  return writeLedger(join(testFolder(t), 'state'), all);
}

test('a ledger of a few rows, with gaps', async (t) => {
  const chain = chainOf();
  for (let i = 0; i < 60; i++)
    chain.add({ action: 'a.b', agent: `a${i % 5}`, n: i, ...(i % 2 ? { run_id: 'r4' } : {}) });
  const dir = join(testFolder(t), 'state');
  setLineAside(dir, chain, 20);
  await expectNaive(dir, QUERIES);
  await rebuildIndex(testPaths(dir));
  await expectNaive(dir, QUERIES);
});

test('chunks of 1 MiB are cut anywhere: at a newline, beside one, in the middle of a line', async (t) => {
  for (const shift of [-2, -1, 0, 1, 2, 500]) {
    // A row whose newline is so many bytes from the end of the first chunk.
    const start = lines(700, () => 1_700);
    const at = (all: readonly string[]): number => all.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    const end = start.findIndex((_, i) => at(start.slice(0, i + 1)) > MIB - 3_000);
    const room = MIB + shift - at(start.slice(0, end));
    const whole = lines(1_000, (i) =>
      i === end - 1 ? 1_700 + room - Buffer.byteLength(start[end] as string) - 1 : 1_700,
    );
    assert.equal(at(whole.slice(0, end + 1)), MIB + shift);
    const paths = folderOf(t, whole);
    await expectNaive(paths.dir, QUERIES.slice(0, 7), [
      {},
      { reverse: true },
      { lastRows: 400 },
      { before: 2, after: 1 },
    ]);
    rmSync(paths.dir, { recursive: true });
  }
});

test('more than 2 MiB, in every shape, with an index and without', async (t) => {
  const paths = folderOf(
    t,
    lines(1_300, (i) => (i * 7919) % 4_000),
  );
  await expectNaive(
    paths.dir,
    QUERIES.slice(0, 9),
    SHAPES.filter((_, i) => i % 2 === 0),
  );
  await rebuildIndex(paths);
  await expectNaive(
    paths.dir,
    QUERIES.slice(5),
    SHAPES.filter((_, i) => i % 2 === 1),
  );
});

test('lines too long to be rows, and lines that are none, hide nothing behind them', async (t) => {
  const good = lines(60, () => 3_000);
  const object = (bytes: number): string => `{"agent":"a3","x":"${'y'.repeat(bytes - 21)}"}`;
  const odd = [
    object(MIB - 1),
    object(MIB),
    object(MIB + 1),
    object(3 * MIB),
    object(16 * MIB - 1),
    object(16 * MIB),
    object(20 * MIB),
    'z'.repeat(2 * MIB),
    '',
    '{',
    '{"agent":"a3"',
    ' {"agent":"a3"}',
    '{"agent":"a3"}\r',
    '\0\0\0\0',
    '{}',
    '{"agent":"\\u00613"}',
    '[1]',
  ];
  const all = good.flatMap((line, i) =>
    i < odd.length * 2 && i % 2 === 1 ? [line, odd[(i - 1) / 2] as string] : [line],
  );
  const paths = folderOf(t, all);
  const some = [{}, { reverse: true }, { lastRows: 20 }, { lastRows: 3, reverse: true }, { before: 1, after: 1 }];
  for (const one of QUERIES.slice(0, 4)) for (const shape of some) await expectNaive(paths.dir, [one], [shape]);
});

test('closed segments, plain and packed, are read before the live file', async (t) => {
  const all = lines(700, (i) => (i * 7919) % 9_000);
  const paths = folderOf(t, all.slice(600));
  mkdirSync(paths.segments);
  const text = (from: number, to: number): string => `${all.slice(from - 1, to).join('\n')}\n`;
  writeFileSync(join(paths.segments, 'audit.1-300.jsonl.gz'), gzipSync(text(1, 300)));
  writeFileSync(join(paths.segments, 'audit.301-302.jsonl'), text(301, 302));
  writeFileSync(join(paths.segments, 'audit.303-303.jsonl.gz'), gzipSync(text(303, 303)));
  writeFileSync(join(paths.segments, 'audit.304-600.jsonl.gz'), gzipSync(text(304, 600)));
  const edges: Asked[] = [301, 302, 303, 304, 305, 601, 602, 603].map((seq) => ({
    terms: [`seq=${seq}`],
    wants: (row) => row['seq'] === seq,
  }));
  await expectNaive(paths.dir, [...QUERIES.slice(0, 4), ...edges]);
  await rebuildIndex(paths);
  await expectNaive(
    paths.dir,
    [...QUERIES, ...edges],
    [{}, { reverse: true, lastRows: 5 }, { before: 3, lastRows: 1 }],
  );
});

test('a torn tail is not shown; a last row without its newline is', async (t) => {
  const all = lines(80);
  const ends = ['{"seq":82,"agent":"a3","torn', '\0\0\0', '{"agent":"a3"', `garbage\n{"agent":"a3"`];
  for (const end of ends) {
    const paths = folderOf(t, all);
    appendFileSync(paths.ledger, end);
    await expectNaive(paths.dir, QUERIES);
  }
  const bare = folderOf(t, all);
  truncateSync(bare.ledger, readFileSync(bare.ledger).length - 1);
  await rebuildIndex(bare);
  await expectNaive(bare.dir, QUERIES);
});

const INDEXES: Readonly<Record<string, (t: TestContext, paths: StatePaths, all: readonly string[]) => Promise<void>>> =
  {
    'lags behind': async (_, paths, all) => {
      writeLedger(paths.dir, all.slice(0, 100));
      await rebuildIndex(paths);
      writeLedger(paths.dir, all.slice(0, 101));
      appendFileSync(
        paths.ledger,
        all
          .slice(101)
          .map((line) => `${line}\n`)
          .join(''),
      );
    },
    'is no database': async (_, paths) => {
      await rebuildIndex(paths);
      writeFileSync(paths.index, 'x'.repeat(5_000));
    },
    'is damaged inside': async (_, paths) => {
      await rebuildIndex(paths);
      const bytes = readFileSync(paths.index);
      bytes.fill(0xa5, 4_096, 3 * 4_096);
      writeFileSync(paths.index, bytes);
    },
    'is of another file': async (t, paths) => {
      const other = folderOf(
        t,
        lines(190, () => 33),
      );
      await rebuildIndex(other);
      copyFileSync(other.index, paths.index);
    },
    'knows more rows than the file': async (_, paths, all) => {
      await rebuildIndex(paths);
      writeLedger(paths.dir, all.slice(0, 150));
    },
    'names a row that is another run by now': async (_, paths, all) => {
      await rebuildIndex(paths);
      writeLedger(
        paths.dir,
        all.map((line, i) => (i === 5 ? line.replace('"run_id":"r4"', '"run_id":"r5"') : line)),
      );
    },
    'stops before a broken line': async (_, paths, all) => {
      writeLedger(
        paths.dir,
        all.map((line, i) => (i === 90 ? line.slice(0, -5) : line)),
      );
      await rebuildIndex(paths);
    },
  };

for (const [what, make] of Object.entries(INDEXES))
  test(`an index that ${what} hides nothing`, async (t) => {
    const all = lines(200, (i) => (i % 10) * 100);
    const paths = folderOf(t, all);
    await make(t, paths, all);
    await expectNaive(paths.dir, QUERIES);
  });

test('a ledger that is cut while it is read is an error, not half an answer', { timeout: 20_000 }, async (t) => {
  for (const request of [{}, { reverse: true }, { after: 1 }]) {
    const paths = folderOf(
      t,
      lines(1_600, () => 2_500),
    );
    const place = { dir: paths.dir, configPath: undefined, env: {} };
    const { batches } = await query({ place, terms: [], nowMs: 0, ...request });
    const read = async (): Promise<void> => {
      for await (const batch of batches) {
        assert(batch.lines.length > 0);
        truncateSync(paths.ledger, 1_234_567);
      }
    };
    await assert.rejects(read(), { code: 'READ_FAILED' });
  }
});

test('bytes that are no UTF-8 come out as they stand', async (t) => {
  const paths = folderOf(t, lines(3));
  appendFileSync(paths.ledger, Buffer.from('{"agent":"a3","x":"\xff\xc3"}\n', 'latin1'));
  assert.deepEqual(await linesOf(paths.dir, { terms: ['x!='] }), ['{"agent":"a3","x":"\xff\xc3"}']);
});
