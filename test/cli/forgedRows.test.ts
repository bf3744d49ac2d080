/**
 * A row whose hash is right and whose members are missing or odd: every command says what is there and what to do. None
 * stumbles over it, and what is wrong at the end of the file can be set aside.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { forgedRow } from '../support/forgedRows';
import type { ForgedMembers } from '../support/forgedRows';
import { call } from '../support/inProcess';
import { chainOf, writeLedger } from '../support/ledgers';
import { mapLimit } from '../support/process';

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Box {
  readonly ledger: string;
  readonly call: (...args: string[]) => Promise<Answer>;
}

/** Its commands run as on a terminal. */
function boxWith(t: TestContext, lines: readonly string[]): Box {
  const root = mkdtempSync(join(tmpdir(), 'ledger-forged-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const dir = join(root, 'state');
  mkdirSync(dir);
  const { ledger } = writeLedger(dir, lines);
  const env = { LEDGER_DIR: dir, XDG_STATE_HOME: join(root, 'home'), NO_COLOR: '1', TZ: 'UTC' };
  const answer = async (...args: string[]): Promise<Answer> => {
    const { status, stdout, stderr } = await call(args, { env, isTTY: true });
    return { status, text: stdout + stderr };
  };
  return { ledger, call: answer };
}

function soundLines(): readonly string[] {
  const chain = chainOf();
  chain.add({ action: 'a.b', run_id: 'r' });
  return chain.lines;
}

const SOUND = soundLines();
/** The text of an error that we did not foresee: V8's for a value that is not what the code took it for. */
const STUMBLED = /Cannot |is not a function|is not iterable|undefined|NaN|internal:|could not append|WRITE_FAILED/;

test('a last row without an id is evidence: not built on, kept by sweep, taken out by hand', async (t) => {
  const { call, ledger } = boxWith(t, [...SOUND, forgedRow(SOUND, { ts: undefined, id: undefined, by: undefined })]);
  const before = readFileSync(ledger);
  const appended = await call('append', '--action', 'b');
  assert.match(appended.text, /TAIL_TAMPERED/);
  assert.match(appended.text, /row 3 lacks a member "ts"/);
  const dry = await call('sweep', '--dry-run');
  assert.deepEqual([dry.status, /tampered-tail|tampered/.test(dry.text)], [1, true], dry.text);
  const swept = await call('sweep');
  assert.deepEqual([swept.status, /row 3 lacks a member "ts"/.test(swept.text)], [1, true], swept.text);
  assert.ok(readFileSync(ledger).equals(before), 'not a byte was changed');
  const shown = await call('show', '3');
  assert.equal(shown.status, 1);
  assert.match(shown.text, /hash +right/);
  assert.match(shown.text, /form +no row/);
  const aside = await call('sweep', '--set-aside', '3', '--reason', 'forged');
  assert.deepEqual([aside.status, /row 3 is a named gap/.test(aside.text)], [0, true], aside.text);
  assert.equal((await call('sweep')).status, 0, 'the spilled row is chained');
  assert.equal((await call('verify')).status, 3);
});

const LEDGERS_OWN = ['seq', 'ts', 'id', 'by', 'action', 'nonce', 'run_seq', 'run_prev_hash', 'content_hash'];
const CALLERS = ['run_id', 'payload', 'idempotency_key', 'spill_id', 'occurred_at', 'agent', 'outcome', 'provenance'];
const IN_STREAM = {
  run_id: '"r"',
  run_seq: '2',
  run_prev_hash: `"${(JSON.parse(SOUND[1] as string) as { hash: string }).hash}"`,
};
const OWN_ACTIONS = ['audit.heal-truncation', 'audit.set-aside', 'audit.rows-lost', 'audit.tombstone', 'audit.segment'];

const UNREADABLE = '{"toString":1,"length":24}';

function* oddRows(isEnd: boolean): Generator<ForgedMembers> {
  for (const name of LEDGERS_OWN) {
    for (const value of isEnd ? [undefined, '1e999', '"x"', UNREADABLE] : [UNREADABLE])
      yield { ...IN_STREAM, [name]: value };
  }
  for (const name of isEnd ? CALLERS : []) yield { ...IN_STREAM, [name]: UNREADABLE };
  for (const action of isEnd ? OWN_ACTIONS : [])
    yield { action: `"${action}"`, payload: UNREADABLE, heal_id: UNREADABLE, last_seq: UNREADABLE };
}

/** What people and cron jobs do to a ledger, in the order in which they would. */
const CALLS: readonly (readonly string[])[] = [
  ['append', '--action', 'b', '--run-id', 'r', '--idempotency-key', 'x'],
  ['verify', '--strict'],
  ['show', '3'],
  ['tail', '-n', '20'],
  ['doctor'],
  ['rollup', '--by', 'agent'],
  ['sweep', '--dry-run'],
  ['sweep'],
  ['sweep', '--set-aside', 'line:3', '--reason', 'forged'],
  ['append', '--action', 'c', '--run-id', 'r'],
];

for (const where of ['at the end', 'in the middle', 'torn lines before it'] as const) {
  test(`no command stumbles over an odd row ${where}`, async (t) => {
    t.after(() => ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => process.removeAllListeners(signal)));
    process.setMaxListeners(0);
    await mapLimit([...oddRows(where === 'at the end')], 24, async (odd) => {
      const torn = where === 'torn lines before it' ? ['{"seq":3,"ts":'] : [];
      const forged = forgedRow(SOUND, odd);
      const later = { seq: '4', id: '"01M9ZZZZZZZZZZZZZZZZZZZZZZ"', ts: '"2026-05-01T00:00:00.000Z"' };
      const behind = where === 'in the middle' ? [forgedRow([forged], later)] : [];
      const { call } = boxWith(t, [...SOUND, ...torn, forged, ...behind]);
      for (const args of CALLS) {
        const { text } = await call(...args);
        assert.doesNotMatch(text, STUMBLED, `${args.join(' ')}: ${forged}`);
      }
    });
  });
}
