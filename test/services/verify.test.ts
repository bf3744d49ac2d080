/** Every code that verify can give today, provoked; and what it must not report. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { sha256Hex } from '../../src/core/digest';
import type { FindingCode, VerifyResult } from '../../src/core/verdict';
import { exitCodeOf } from '../../src/core/verdict';
import { verifyLedger } from '../../src/services/verify';
import type { VerifyOptions } from '../../src/services/verify';
import { rebuildIndex } from '../../src/store/index/indexBuild';
import { INDEX_VERSION } from '../../src/store/index/indexSchema';
import { openIndexCheck } from '../../src/store/index/indexCheck';
import {
  chainOf,
  makeLedger,
  sampleRows,
  setLineAside,
  TEST_LEDGER_ID,
  testPaths,
  writeLedger,
} from '../support/ledgers';
import type { Chain } from '../support/ledgers';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'ledger-verify-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

function verify(dir: string, more: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
  return verifyLedger({ paths: testPaths(dir), tailWaitMs: 0, ...more });
}

function assertFindings(
  result: VerifyResult,
  expected: readonly [FindingCode, seq: number | null, line: number | null][],
): void {
  assert.deepEqual(
    result.findings.map(({ code, seq, place }) => [code, seq, place?.line ?? null]),
    expected,
    JSON.stringify(result.findings, null, 1),
  );
}

/** Writes a line again with another text in it and the hash that then is right: what only someone who can compute does. */
function rehashed(line: string, change: (text: string) => string): string {
  const open = change(line.replace(/,"hash":"[0-9a-f]{64}"\}$/, '}'));
  return `${open.slice(0, -1)},"hash":"${sha256Hex(open)}"}`;
}

function chainWith(rows: number): Chain {
  const chain = chainOf();
  for (const row of sampleRows(rows - 1)) chain.add(row);
  return chain;
}

test('a healthy ledger is intact, every field says what was looked at', async (t) => {
  const dir = folder(t);
  const chain = chainWith(12);
  writeLedger(dir, chain.lines);
  const result = await verify(dir);
  assert.equal(exitCodeOf(result.verdict), 0);
  assertFindings(result, []);
  const {
    rows,
    first_seq,
    last_seq,
    head,
    ledger_id,
    chain: linked,
    streams,
    content,
    tail,
    time,
    open_streams,
  } = result;
  assert.deepEqual(
    { rows, first_seq, last_seq, head, ledger_id, linked, streams, content, tail, time, open_streams },
    {
      rows: 12,
      first_seq: 1,
      last_seq: 12,
      head: chain.head().hash,
      ledger_id: chain.identity.ledgerId,
      linked: 'intact',
      streams: 'intact',
      content: 'intact',
      tail: 'whole',
      time: 'plausible',
      open_streams: 3,
    },
  );
});

test('--strict takes what the writer wrote', async (t) => {
  const dir = folder(t);
  makeLedger(dir, sampleRows(20));
  assert.equal((await verify(dir, { strict: true })).verdict, 'intact');
});

test('--strict refuses another order of members; without it the row is a row', async (t) => {
  const dir = folder(t);
  const chain = chainWith(4);
  const last = chain.lines.pop() as string;
  chain.lines.push(rehashed(last, (text) => text.replace(/("agent":"[^"]*"),("action":"[^"]*")/, '$2,$1')));
  writeLedger(dir, chain.lines);
  assert.equal((await verify(dir)).verdict, 'intact');
  assertFindings(await verify(dir, { strict: true }), [['MALFORMED', 4, 4]]);
});

test('an empty, a missing and an emptied ledger are never green: NOT_VERIFIABLE, exit 2', async (t) => {
  const dir = folder(t);
  const missing = await verify(dir);
  writeLedger(dir, []);
  for (const result of [missing, await verify(dir)]) {
    assert.equal(exitCodeOf(result.verdict), 2);
    assertFindings(result, [['NOT_VERIFIABLE', null, null]]);
  }
});

test('CONTENT_ALTERED: a payload that is not the one of its content_hash, though the row hash is right', async (t) => {
  const dir = folder(t);
  const chain = chainOf();
  chain.add({ action: 'a', payload: { b: 1, a: 2 } });
  const line = chain.lines.pop() as string;
  chain.lines.push(rehashed(line, (text) => text.replace('{"b":1,', '{"b":2,')));
  writeLedger(dir, chain.lines);
  const result = await verify(dir);
  assertFindings(result, [['CONTENT_ALTERED', 2, 2]]);
  assert.equal(result.content, 'broken');
});

test('LINK_BROKEN: a row rewritten with a right hash is named at the row after it', async (t) => {
  const dir = folder(t);
  const chain = chainOf();
  for (let i = 0; i < 5; i++) chain.add({ action: 'a', i });
  chain.lines[2] = rehashed(chain.lines[2] as string, (text) => text.replace('"i":1', '"i":9'));
  writeLedger(dir, chain.lines);
  assertFindings(await verify(dir), [['LINK_BROKEN', 4, 4]]);
});

test('STREAM_BROKEN: a row that claims another place in its stream', async (t) => {
  const dir = folder(t);
  const chain = chainOf();
  chain.add({ action: 'a', run_id: 'r' });
  chain.add({ action: 'a', run_id: 'r' });
  const last = chain.lines.pop() as string;
  chain.lines.push(rehashed(last, (text) => text.replace('"run_seq":2', '"run_seq":3')));
  writeLedger(dir, chain.lines);
  const result = await verify(dir);
  assertFindings(result, [['STREAM_BROKEN', 3, 3]]);
  assert.deepEqual([result.streams, result.chain], ['broken', 'intact']);
});

test('GENESIS_MISSING: row 1 is no audit.genesis', async (t) => {
  const dir = folder(t);
  makeLedger(dir, [{ action: 'a' }], { bare: true });
  assertFindings(await verify(dir), [['GENESIS_MISSING', 1, 1]]);
});

test('FOREIGN: the first row of another ledger in the middle', async (t) => {
  const dir = folder(t);
  const chain = chainWith(3);
  chain.addOwn('audit.genesis', { format: 'ledger/1', ledger_id: 'X', origin: 'x', lock: 'kernel' });
  writeLedger(dir, chain.lines);
  assertFindings(await verify(dir), [['FOREIGN', 4, 4]]);
});

test('MALFORMED: an id that does not grow, a row in invalid UTF-8, a seq twice in one row', async (t) => {
  const dir = folder(t);
  const chain = chainWith(3);
  chain.add({ action: 'a' }, { id: '01ARZ3NDEKTSV4RRFFQ69G5FAV' });
  writeLedger(dir, chain.lines);
  assertFindings(await verify(dir), [['MALFORMED', 4, 4]]);
  const twice = chainWith(2);
  twice.lines[1] = rehashed(twice.lines[1] as string, (text) => text.replace('{"seq":2', '{"seq":1,"seq":2'));
  writeLedger(dir, twice.lines);
  assertFindings(await verify(dir), [['MALFORMED', 2, 2]]);
  const bytes = Buffer.from(chainWith(2).lines[1] as string);
  bytes[bytes.indexOf('status')] = 0xff;
  const open = Buffer.concat([bytes.subarray(0, -75), Buffer.from('}')]);
  const line = Buffer.concat([open.subarray(0, -1), Buffer.from(`,"hash":"${sha256Hex(open)}"}\n`)]);
  writeFileSync(testPaths(dir).ledger, Buffer.concat([Buffer.from(`${chainWith(1).lines[0]}\n`), line]));
  assertFindings(await verify(dir), [['MALFORMED', 2, 2]]);
});

test('TIME_SUSPECT: a clock that went back is a warning, the ledger is intact', async (t) => {
  const dir = folder(t);
  const chain = chainWith(3);
  chain.add({ action: 'a' }, { tsMs: Date.UTC(2020, 0, 1) });
  writeLedger(dir, chain.lines);
  const result = await verify(dir);
  assert.deepEqual([result.verdict, result.time], ['intact', 'suspect']);
  assertFindings(result, [['TIME_SUSPECT', 4, 4]]);
});

test('a row after run_completed is a warning here', async (t) => {
  const dir = folder(t);
  makeLedger(dir, [
    { action: 'run_completed', run_id: 'r' },
    { action: 'late', run_id: 'r' },
  ]);
  const result = await verify(dir, { run: 'r' });
  assert.equal(result.verdict, 'intact');
  assert.match(result.warnings.join(), /ROW_AFTER_CLOSE/);
  assert.deepEqual(result.stream, { kind: 'run', id: 'r', rows: 2, open: false, complete: true });
});

test('--run of a run that nobody wrote is no green answer', async (t) => {
  const dir = folder(t);
  makeLedger(dir, sampleRows(3));
  assert.equal((await verify(dir, { run: 'run-1' })).stream?.rows, 1);
  assert.equal(exitCodeOf((await verify(dir, { run: 'nobody' })).verdict), 2);
});

test('HEAD_MISMATCH and TOO_FEW_ROWS: what the caller knows from elsewhere', async (t) => {
  const dir = folder(t);
  const chain = chainWith(6);
  writeLedger(dir, chain.lines);
  assert.equal((await verify(dir, { expectHead: chain.head().hash, minRows: 6 })).verdict, 'intact');
  writeLedger(dir, chain.lines.slice(0, 5));
  const result = await verify(dir, { expectHead: chain.head().hash, minRows: 6 });
  assertFindings(result, [
    ['HEAD_MISMATCH', null, null],
    ['TOO_FEW_ROWS', null, null],
  ]);
  assert.equal(exitCodeOf(result.verdict), 1);
});

test('GAP: a tombstone that a heal row and the quarantine back is a named gap, exit 3, never intact', async (t) => {
  for (const index of [1, 4, 9]) {
    const dir = folder(t);
    const { healId } = setLineAside(dir, chainWith(10), index);
    const result = await verify(dir);
    assertFindings(result, [['GAP', index + 1, index + 1]]);
    assert.equal(exitCodeOf(result.verdict), 3);
    const { kind, from_seq, to_seq, heal_id, named_by_seq } = result.gaps[0] as VerifyResult['gaps'][0];
    assert.deepEqual([kind, from_seq, to_seq, heal_id, named_by_seq], ['tombstone', index + 1, index + 1, healId, 11]);
  }
});

test('a row set aside by hand is a named gap, also where its hash is right', async (t) => {
  const dir = folder(t);
  const chain = chainWith(8);
  setLineAside(dir, chain, 3, { action: 'audit.set-aside', bytes: Buffer.from(`${chain.lines[3]}\n`) });
  const result = await verify(dir);
  assertFindings(result, [['GAP', 4, 4]]);
  assert.equal(result.gaps[0]?.kind, 'set-aside');
});

test('GAP_UNJUSTIFIED: a tombstone over a good row', async (t) => {
  const dir = folder(t);
  const chain = chainWith(8);
  setLineAside(dir, chain, 3, { bytes: Buffer.from(`${chain.lines[3]}\n`) });
  const result = await verify(dir);
  assertFindings(result, [['GAP_UNJUSTIFIED', 4, 4]]);
  assert.equal(exitCodeOf(result.verdict), 1);
});

test('GAP_UNBACKED: without heal row, without quarantine file, with other bytes there, with another digest', async (t) => {
  const spoil: ((dir: string, chain: Chain, file: string) => void)[] = [
    (dir, { lines }) => writeLedger(dir, lines.slice(0, -1)),
    (_, __, file) => unlinkSync(file),
    (_, __, file) => appendFileSync(file, 'x'),
    (dir, { lines }) =>
      writeLedger(
        dir,
        lines.map((line) => line.replace(/"bytes_sha256":"[0-9a-f]{4}/, '"bytes_sha256":"ffff')),
      ),
    (dir, { lines }) =>
      writeLedger(
        dir,
        lines.map((line) => line.replace(/"heal_id":"..../, '"heal_id":"../.')),
      ),
  ];
  for (const change of spoil) {
    const dir = folder(t);
    const chain = chainWith(8);
    const { healId } = setLineAside(dir, chain, 3);
    change(dir, chain, join(testPaths(dir).quarantine, `${healId}.bin`));
    const result = await verify(dir);
    assertFindings(result, [['GAP_UNBACKED', 4, 4]]);
    assert.equal(exitCodeOf(result.verdict), 1);
  }
});

test('a tombstone whose links or seq were changed is named itself, not the good row after it', async (t) => {
  for (const [from, to] of [
    [/"prev_hash":"[0-9a-f]{4}/, '"prev_hash":"ffff'],
    [/"hash":"[0-9a-f]{4}([0-9a-f]{60})"}$/, '"hash":"ffff$1"}'],
    [/"seq":4/, '"seq":3'],
    [/"seq":4/, '"seq":4,"last_seq":5'],
  ] as const) {
    const dir = folder(t);
    const chain = chainWith(8);
    setLineAside(dir, chain, 3);
    chain.lines[3] = (chain.lines[3] as string).replace(from, to);
    writeLedger(dir, chain.lines);
    const result = await verify(dir);
    assert.equal(result.verdict, 'broken', String(from));
    assert.deepEqual(
      [result.findings[0]?.seq, result.findings[0]?.place?.line],
      [4, 4],
      JSON.stringify(result.findings),
    );
  }
});

test('rows that were lost from the end and named by the next writer are a gap', async (t) => {
  const dir = folder(t);
  const chain = chainWith(5);
  chain.addOwn('audit.rows-lost', { from_seq: 6, to_seq: 9, head: 'f'.repeat(64) });
  chain.add({ action: 'a' });
  writeLedger(dir, chain.lines);
  const result = await verify(dir);
  assertFindings(result, [['GAP', 6, 6]]);
  assert.deepEqual([result.gaps[0]?.from_seq, result.gaps[0]?.to_seq], [6, 9]);
  assert.equal(exitCodeOf(result.verdict), 3);
});

test('a stream gap is excused only by as many missing rows as are named', async (t) => {
  const dir = folder(t);
  const chain = chainOf();
  for (let i = 0; i < 6; i++) chain.add({ action: 'a', run_id: 'r' });
  setLineAside(dir, chain, 3);
  const result = await verify(dir, { run: 'r' });
  assert.deepEqual([result.verdict, result.streams, result.stream?.complete], ['gaps', 'gaps', false]);
  assert.equal(result.stream?.rows, 5);
});

test('what waits in the spill files, and a heal under way, are warnings', async (t) => {
  const dir = folder(t);
  const { spill, secondSpill, healPlan } = testPaths(dir);
  makeLedger(dir, sampleRows(3));
  mkdirSync(join(secondSpill, '..'), { recursive: true });
  writeFileSync(spill, '\n{"spill":1,"id":"a"}\n\n{"spill":1,"id":"b"}\n');
  writeFileSync(secondSpill, '\n{"spill":1,"id":"c"}\n');
  writeFileSync(healPlan, '{}');
  const result = await verify(dir);
  assert.deepEqual(
    [result.verdict, result.spilled, result.warnings.length],
    ['intact', 3, 3],
    'none of them is a record',
  );
});

test('TORN: a last line without its newline is reported only after it was read again for the whole wait', async (t) => {
  const dir = folder(t);
  const lines = makeLedger(dir, sampleRows(5));
  const { ledger } = testPaths(dir);
  writeFileSync(ledger, `${lines.slice(0, 5).join('\n')}\n${lines[5]?.slice(0, 200)}`);
  const started = performance.now();
  const result = await verify(dir, { tailWaitMs: 300 });
  assert.ok(performance.now() - started >= 300);
  assertFindings(result, [['TORN', 6, 6]]);
  assert.equal(result.tail, 'torn');
});

test('a row in flight is no damage: it is whole when the tail is read again', async (t) => {
  const dir = folder(t);
  const lines = makeLedger(dir, sampleRows(5));
  const { ledger } = testPaths(dir);
  const whole = lines.map((line) => `${line}\n`).join('');
  for (const cut of [1, 80, 300]) {
    writeFileSync(ledger, whole.slice(0, -cut));
    const rest = setTimeout(() => appendFileSync(ledger, whole.slice(-cut)), 120);
    const result = await verify(dir, { tailWaitMs: 5000 });
    clearTimeout(rest);
    assert.deepEqual([result.verdict, result.rows], ['intact', 6]);
  }
});

test('a ledger that a heal replaces or cuts while its tail is read is read anew', async (t) => {
  const dir = folder(t);
  const lines = makeLedger(dir, sampleRows(5));
  const { ledger } = testPaths(dir);
  writeFileSync(ledger, `${lines.join('\n')}\n{"seq":7,"ts":`);
  setTimeout(() => writeLedger(dir, lines), 100);
  const result = await verify(dir, { tailWaitMs: 5000 });
  assert.deepEqual([result.verdict, result.rows], ['intact', 6]);
});

test('closed segments, compressed or plain, are walked before the live one; a missing front or segment is named', async (t) => {
  const dir = folder(t);
  const chain = chainWith(10);
  const identity = {
    format: 'ledger/1',
    ledger_id: chain.identity.ledgerId,
    origin: chain.identity.origin,
    lock: 'kernel',
  };
  const cuts: number[] = [chain.lines.length];
  for (let i = 0; i < 2; i++) {
    const { seq, hash } = chain.head();
    chain.addOwn('audit.segment', { ...identity, previous: { segment: 'x', last_seq: seq, head: hash } });
    for (const row of sampleRows(4)) chain.add({ ...row, run_id: `later-${i}`, decision_id: `later-${i}` });
    cuts.push(chain.lines.length);
  }
  const { segments } = testPaths(dir);
  const textOf = (from: number, to: number): string =>
    chain.lines
      .slice(from, to)
      .map((line) => `${line}\n`)
      .join('');
  mkdirSync(segments);
  const first = join(segments, 'audit.1-10.jsonl.gz');
  const second = join(segments, 'audit.11-15.jsonl');
  writeFileSync(first, gzipSync(textOf(0, 10)));
  writeFileSync(second, textOf(10, 15));
  writeLedger(dir, chain.lines.slice(15));
  const whole = await verify(dir);
  assertFindings(whole, []);
  assert.deepEqual([whole.verdict, whole.rows, whole.head], ['intact', 20, chain.head().hash]);
  unlinkSync(second);
  const [gap] = (await verify(dir)).findings;
  assert.deepEqual([gap?.code, gap?.seq, gap?.place?.segment], ['SEQ_GAP', 16, 'audit.jsonl']);
  unlinkSync(first);
  const [front] = (await verify(dir)).findings;
  assert.deepEqual([front?.code, front?.seq], ['FRONT_TRUNCATED', 16]);
});

test('many findings are counted, the first ones kept', async (t) => {
  const dir = folder(t);
  const { lines } = chainWith(1);
  writeLedger(dir, [...lines, ...Array.from({ length: 500 }, (_, i) => `{"foreign":${i}}`)]);
  const result = await verify(dir);
  assert.deepEqual([result.findings_total, result.findings.length], [500, 100]);
  assert.equal(result.findings[0]?.place?.line, 2);
});

test('verify writes nothing', async (t) => {
  const dir = folder(t);
  makeLedger(dir, sampleRows(3));
  const before = statSync(testPaths(dir).ledger);
  await verify(dir);
  const after = statSync(testPaths(dir).ledger);
  assert.deepEqual([after.size, after.mtimeMs, after.ino], [before.size, before.mtimeMs, before.ino]);
});

test('a lock file that names another ledger is a warning: the one that was here may have been replaced', async (t) => {
  const dir = folder(t);
  makeLedger(dir, sampleRows(3));
  const note = (id: string): string =>
    `${JSON.stringify({ ledger_id: id, origin: 'local', lock: 'kernel', pid: 7 })}\n`;
  writeFileSync(testPaths(dir).lock, note(TEST_LEDGER_ID));
  assert.deepEqual((await verify(dir)).warnings, []);
  writeFileSync(testPaths(dir).lock, note('01JOTHERLEDGERLEDGERLEDGER'));
  const { verdict, warnings } = await verify(dir);
  assert.equal(verdict, 'intact');
  assert.match(warnings.join(), /last writer here wrote to ledger 01JOTHERLEDGERLEDGERLEDGER/);
});

test('an index that another release made is not held against the ledger', async (t) => {
  const dir = folder(t);
  makeLedger(dir, sampleRows(3));
  const paths = testPaths(dir);
  await rebuildIndex(paths);
  const bytes = readFileSync(paths.index);
  bytes.writeUInt32BE(bytes.readUInt32BE(68) - 1, 68);
  writeFileSync(paths.index, bytes);
  const { verdict, index, warnings } = await verify(dir, { openIndexCheck });
  assert.deepEqual([verdict, index], ['intact', 'not-checked']);
  assert.match(warnings.join(), new RegExp(`found one of layout ${INDEX_VERSION - 1}`));
  bytes.writeUInt32BE(7, 68);
  writeFileSync(paths.index, bytes);
  assertFindings(await verify(dir, { openIndexCheck }), [['INDEX_DISAGREES', null, null]]);
});

test('--run counts the rows that are there, also where the run is broken', async (t) => {
  const dir = folder(t);
  const chain = chainOf();
  for (let i = 0; i < 5; i++) chain.add({ action: 'a', run_id: 'r' });
  const [last, before] = [chain.lines.pop() as string, chain.lines.pop() as string];
  writeLedger(dir, [...chain.lines, before, last]);
  assert.deepEqual((await verify(dir, { run: 'r' })).stream?.rows, 5);
  const jump = rehashed(before, (text) => text.replace('"run_seq":4', '"run_seq":5'));
  writeLedger(dir, [...chain.lines, jump]);
  const { verdict, stream } = await verify(dir, { run: 'r' });
  assert.deepEqual([verdict, stream], ['broken', { kind: 'run', id: 'r', rows: 4, open: true, complete: false }]);
  const back = rehashed(before, (text) => text.replace('"run_seq":4', '"run_seq":1'));
  writeLedger(dir, [...chain.lines, back]);
  assert.equal((await verify(dir, { run: 'r' })).stream?.rows, 4);
});

test('--run of a run that nobody wrote does not unsay what was checked', async (t) => {
  const dir = folder(t);
  makeLedger(dir, sampleRows(3));
  const { verdict, chain, content, stream, not_proved: notProved } = await verify(dir, { run: 'nobody' });
  assert.deepEqual([verdict, chain, content], ['not-verifiable', 'intact', 'intact']);
  assert.deepEqual(stream, { kind: 'run', id: 'nobody', rows: 0, open: false, complete: false });
  assert.equal(notProved[0], 'anything about run nobody: no row of it is here');
  assert.doesNotMatch(notProved.join('\n'), /nothing to check/);
  assert.match(notProved.join('\n'), /cut off the end/);
});
