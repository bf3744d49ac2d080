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
import { CATALOGUE_NAMES } from '../../src/core/catalogue';
import { ZERO_HASH } from '../../src/core/digest';
import { CALLER_MEMBER_NAMES, LEDGER_MEMBERS } from '../../src/core/members';
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
const STUMBLED =
  /Cannot |is not a function|is not iterable|call stack|Invalid time|undefined|NaN|\[object|internal:|could not append|WRITE_FAILED/;

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
/** The engine reads what is nested so deep, and cannot write it. */
const DEEP = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;

function* oddRows(isEnd: boolean): Generator<ForgedMembers> {
  for (const name of LEDGERS_OWN) {
    for (const value of isEnd ? [undefined, '1e999', '"x"', UNREADABLE] : [UNREADABLE])
      yield { ...IN_STREAM, [name]: value };
  }
  for (const name of isEnd ? CALLERS : []) yield { ...IN_STREAM, [name]: UNREADABLE };
  for (const name of ['seq', 'by', 'action', 'run_seq', 'payload', 'agent', 'mine'])
    yield { ...IN_STREAM, [name]: DEEP };
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

/** What people ask of a ledger. */
const QUESTIONS: readonly (readonly string[])[] = [
  ['verify', '--governance'],
  ['runs'],
  ['decisions'],
  ['metrics'],
  ['reconstruct', 'r'],
  ['reconstruct', 'r', '--format', 'md'],
  ['reconstruct', '--decision', 'd', '--format', 'html'],
  ['proof', 'o'],
];
const SEARCHES: readonly (readonly string[])[] = [
  ['show', '3', '--json'],
  ['query', 'seq>0', '--fields', 'seq,by,payload'],
  ['sql', 'SELECT * FROM rows'],
  ['export', '--format', 'csv'],
  ['lint'],
];
const STREAMS = {
  ...IN_STREAM,
  order_id: '"o"',
  decision_id: '"d"',
  decision_seq: '1',
  decision_prev_hash: `"${ZERO_HASH}"`,
};

/** Every type that comes with the ledger, and every field of it. */
const TYPES = CATALOGUE_NAMES.flatMap((name) => {
  const { $defs = {} } = JSON.parse(readFileSync(`schemas/${name}.json`, 'utf8')) as { readonly $defs?: Readonly<Record<string, Typed>> }; // prettier-ignore
  return Object.entries($defs).map(([action, { properties }]) => [action, Object.keys(properties?.payload?.properties ?? {})] as const); // prettier-ignore
});

interface Typed {
  readonly properties?: { readonly payload?: { readonly properties?: Readonly<Record<string, unknown>> } };
}

const ODD = [undefined, '1e999', UNREADABLE, `[${UNREADABLE}]`, '7', 'null', '"x"', `{"sealed":"${ZERO_HASH}"}`];

/** Rows of one ledger, each odd in its own way, and what is asked about them. */
function* oddTyped(): Generator<readonly [readonly ForgedMembers[], readonly (readonly string[])[]]> {
  for (const name of [...CALLER_MEMBER_NAMES, ...LEDGER_MEMBERS])
    yield [ODD.map((value) => ({ ...STREAMS, [name]: value })), QUESTIONS];
  for (const [action, fields] of TYPES) {
    const payloadOf = (value: string): string => `{${fields.map((field) => `${JSON.stringify(field)}:${value}`).join(',')}}`; // prettier-ignore
    const rows = ODD.flatMap((value) => (value === undefined ? [] : [{ ...STREAMS, action: JSON.stringify(action), payload: payloadOf(value) }])); // prettier-ignore
    yield [rows, QUESTIONS];
  }
  for (const name of ['seq', 'ts', 'by', 'action', 'run_id', 'agent', 'payload', 'mine'])
    yield [[UNREADABLE, DEEP].map((value) => ({ ...STREAMS, [name]: value })), [...QUESTIONS, ...SEARCHES]];
}

test('no question stumbles over rows whose members or fields are not what their type has', async (t) => {
  process.setMaxListeners(0);
  // Each waits a moment for the writer of an odd end: so all at once.
  await mapLimit([...oddTyped()], 200, async ([rows, questions]) => {
    // Each stands behind the sound rows: what is odd in one keeps nobody from the next.
    const forged = rows.map((odd, i) => forgedRow(SOUND, { seq: String(SOUND.length + 1 + i), ...odd }));
    const { call } = boxWith(t, [...SOUND, ...forged]);
    for (const args of questions) {
      const { text } = await call(...args);
      assert.doesNotMatch(text, STUMBLED, `${args.join(' ')}: ${forged.map((line) => line.slice(0, 1000)).join('\n')}`);
    }
  });
});
