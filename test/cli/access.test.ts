/** Who may read what: summaries, reads for a reason, exports; and the row of each, on the disk before anything is shown. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { LedgerError, openLedger } from '../../src/index';
import type { Row } from '../../src/index';
import { personHere } from '../../src/store/machine/person';
import { chainOf, writeLedger } from '../support/ledgers';
import { missingTools, run, start } from '../support/process';
import type { Ended } from '../support/process';
import { ledger, ledgerCommand, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

const CONTENT = /S3CRET/;
const BREAK_GLASS = { access: { raw: 'break-glass' } };

function configure(box: Sandbox, config: object): void {
  writeFileSync(join(box.root, 'ledger.config.json'), JSON.stringify(config));
}

/** A ledger whose rows 2 to 4 hold content in their payload, in members of their own, in a decision, in an order. */
function secrets(t: TestContext, config: object | undefined): Sandbox {
  const box = sandbox(t);
  const chain = chainOf();
  chain.add({ action: 'a.b', agent: 'coder', run_id: 'r1', order_id: 'o1', payload: { iban: 'S3CRET-1', n: 1 }, note: 'S3CRET-2' });
  chain.add({ action: 'decision.created', decision_id: 'd1', payload: { action: 'deploy', context: 'S3CRET-3', policy_version: '1' } });
  chain.add({ action: 'proof.webhook', order_id: 'o1', payload: { source: 'S3CRET-4', event_id: 'e', kind: 'k' } });
  writeLedger(box.dir, chain.lines);
  if (config !== undefined) configure(box, config);
  return box;
} // prettier-ignore

const rowsOf = (box: Sandbox): Row[] =>
  readFileSync(box.ledger, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);

const accessRows = (box: Sandbox): Row[] => rowsOf(box).filter((row) => row.run_id === 'access');

const SUMMARIES: readonly (readonly string[])[] = [
  ['show', '2'],
  ['show', '2', '--json'],
  ['query'],
  ['query', '--json'],
  ['query', 'agent=coder', '-A', '1'],
  ['query', '--fields', 'seq,agent,action'],
  ['query', '--where', 'agent == "coder"', '--count'],
  ['query', '--group-by', 'agent,action'],
  ['tail'],
  ['tail', '--json'],
  ['sample', '--seed', 'x'],
  ['sample', '--seed', 'x', '--json'],
  ['sql', 'SELECT * FROM rows'],
  ['sql', 'SELECT * FROM rows', '--format', 'json'],
  ['runs'],
  ['decisions'],
  ['rollup', '--since', '2026-01-01', '--by', 'agent'],
  ['report', 'daily', '--day', '2026-04-25'],
  ['metrics'],
  ['proof', '--by', 'order'],
];

test('with break-glass a read without --raw shows summaries, and leaves no row', async (t) => {
  const box = secrets(t, BREAK_GLASS);
  const before = readFileSync(box.ledger);
  for (const args of SUMMARIES) {
    const { status, stdout, stderr } = await ledger(box, args);
    assert.ok(status === 0 || status === 1, `${args.join(' ')}: ${stderr}`);
    assert.doesNotMatch(stdout + stderr, CONTENT, args.join(' '));
  }
  assert.ok(readFileSync(box.ledger).equals(before));
  const [shown] = (await ledger(box, ['show', '2'])).stdout.split('\n');
  const { summary, seq, agent, content_hash: hash } = JSON.parse(shown ?? '') as Row & { summary: boolean };
  assert.deepEqual([summary, seq, agent, hash], [true, 2, 'coder', rowsOf(box)[1]?.content_hash]);
});

const REFUSED: readonly (readonly string[])[] = [
  ['query', 'payload.iban=S3CRET-1'],
  ['query', 'note~^S'],
  ['query', '--risk-band', 'high'],
  ['query', '--where', 'row["payload"].n == 1', '--count'],
  ['query', '--where', 'contains(lower(note), "s")'],
  ['query', '--fields', 'seq,payload'],
  ['query', '--group-by', 'payload.iban'],
  ['query', '--sum', 'payload.n'],
  ['query', 'note=x', '-f'],
  ['sample', '--seed', 'x', 'payload.n=1'],
  ['sql', 'SELECT payload FROM rows'],
  ['sql', 'SELECT count(*) FROM rows WHERE other IS NOT NULL'],
  ['sql', 'SELECT * FROM stored_rows'],
  ['sql', 'SELECT seq FROM "temp"."NEWER_ROWS"'],
  ['rollup', '--by', 'note'],
  ['rollup', '--by', 'payload'],
  ['export'],
  ['export', '--format', 'csv'],
  ['export', '--format', 'decision', '--no-header'],
  ['reconstruct', 'r1'],
  ['reconstruct', '--decision', 'd1', '--json'],
  ['proof', 'o1'],
  ['show', '2', '--raw'],
  ['show', '2', '--raw', '--reason', ''],
  ['show', '2', '--raw', '--reason', '  '],
  ['show', '2', '--reason', 'why'],
  ['tail', '--raw'],
  ['sql', 'SELECT 1', '--raw'],
];

test('with break-glass content is not shown, summed up, searched for or taken away without a reason', async (t) => {
  const box = secrets(t, BREAK_GLASS);
  const before = readFileSync(box.ledger);
  for (const args of REFUSED) {
    const { status, stdout, stderr } = await ledger(box, args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /hint\b.*(--raw|--reason)/, args.join(' '));
    assert.doesNotMatch(stderr, /S3CRET-[2-4]/, args.join(' '));
  }
  assert.ok(readFileSync(box.ledger).equals(before));
});

const ALLOWED: readonly (readonly [args: readonly string[], target: string])[] = [
  [['show', '2', '--raw'], 'show 2'],
  [['query', 'payload.n=1', 'agent=coder', '--raw'], 'query payload=… agent=coder'],
  [['query', 'agent=coder', '--raw', '--group-by', 'payload.iban'], 'query agent=coder'],
  [['tail', '-n', '9', '--raw'], 'tail'],
  [['sample', '--seed', 'x', '--raw', 'seq<5'], 'sample seq<5'],
  [['sql', 'SELECT payload FROM rows', '--raw'], 'sql'],
  [['reconstruct', 'r1'], 'reconstruct r1'],
  [['proof', 'o1'], 'proof o1'],
  [['export', 'agent=coder'], 'export agent=coder'],
  [['export', '--format', 'csv'], 'export'],
  [['export', '--format', 'decision', 'decision_id=d1'], 'export decision_id=d1'],
];

test('for a reason all is shown, and each time a row says who, what and why; none of these rows can go missing', async (t) => {
  const box = secrets(t, BREAK_GLASS);
  for (const [i, [args, target]] of ALLOWED.entries()) {
    const { status, stdout, stderr } = await ledger(box, [...args, '--reason', `T-${i}`, '--reader', 'ann']);
    assert.ok(status === 0 || status === 3, `${args.join(' ')}: ${stderr}`);
    assert.match(stdout, CONTENT, args.join(' '));
    const rows = accessRows(box);
    const [action, outcome] = [args[0] === 'export' ? 'access.export' : 'access.read', 'allowed'];
    const { actor, action: done, target: what, outcome: how, reason, run_seq: place } = rows.at(-1) as Row;
    assert.deepEqual([actor, done, what, how, reason, place], ['ann', action, target, outcome, `T-${i}`, i + 1]);
    assert.equal(rows.length, i + 1);
  }
  const verified = await ledger(box, ['verify', '--run', 'access']);
  assert.match(verified.stdout, new RegExp(`^run +access: ${ALLOWED.length} rows, open, complete`, 'm'));
  assert.doesNotMatch((await ledger(box, ['runs'])).stdout, /access/);
  assert.match((await ledger(box, ['verify', '--governance'])).stdout, /1 decision, 1 run\b/);
  const spent = await ledger(box, ['rollup', '--json', '--missing', 'fail']);
  assert.match(spent.stdout, new RegExp(`"rows":${ALLOWED.length},"rows_with_cost":0,"rows_without_cost":0`), 'a read costs nothing'); // prettier-ignore
  assert.equal(spent.status, 0);
  const schemas = await ledger(box, ['lint']);
  assert.doesNotMatch(schemas.stdout, /access\./);

  const lines = readFileSync(box.ledger, 'utf8').split('\n');
  const at = lines.findIndex((line) => line.includes('"reason":"T-2"'));
  writeFileSync(box.ledger, lines.toSpliced(at, 1).join('\n'));
  assert.equal((await ledger(box, ['verify', '--run', 'access'])).status, 1);
});

test('the row has who it is by the flag, else by LEDGER_ACTOR, else by the login; nothing else of the environment', async (t) => {
  const box = secrets(t, BREAK_GLASS);
  const show = (...args: string[]) => ['show', '2', '--raw', '--reason', 'r', ...args];
  const env = { LEDGER_ACTOR: 'ben', LEDGER_AGENT: 'x', LEDGER_RUN_ID: 'r1', SUDO_USER: 'mallory', LOGNAME: 'mallory', USER: 'mallory' }; // prettier-ignore
  await ledger(box, show('--reader', 'ann'), { env });
  await ledger(box, show(), { env });
  await ledger(box, show(), { env: { ...env, LEDGER_ACTOR: '' } });
  const { user } = personHere();
  const said = accessRows(box).map(({ actor, agent, payload }) => [actor, agent, payload?.['account']]);
  assert.deepEqual(said, [['ann', undefined, user], ['ben', undefined, user], [user, undefined, user]]); // prettier-ignore
});

/** Two more lines than a pipe holds. */
function many(t: TestContext): Sandbox {
  const box = sandbox(t);
  const chain = chainOf();
  for (let i = 0; i < 3_000; i++) chain.add({ action: 'a.b', payload: { text: 'S3CRET'.repeat(40), i } });
  writeLedger(box.dir, chain.lines);
  configure(box, BREAK_GLASS);
  return box;
}

test('the row is on the disk before the first byte is shown: a reader that is killed, or goes away, has left it', async (t) => {
  for (const [i, args] of [['query'], ['tail', '-n', '3000'], ['sql', 'SELECT * FROM rows'], ['export']].entries()) {
    const box = many(t);
    const raw = args[0] === 'export' ? [] : ['--raw'];
    const running = start(ledgerCommand(...args, ...raw, '--reason', `T-${i}`), { cwd: box.root, env: box.env, stdin: '' });
    const seen = await new Promise<number>((done) => {
      running.child.stdout?.once('data', () => {
        done(accessRows(box).length);
        running.child.kill('SIGKILL');
      });
    });
    assert.equal(seen, 1, args.join(' '));
    await running.ended;
    assert.equal((await ledger(box, ['verify', '-q'])).status, 0);

    const leaving = start(ledgerCommand(...args, ...raw, '--reason', 'gone'), { cwd: box.root, env: box.env, stdin: '' });
    leaving.child.stdout?.destroy();
    await leaving.ended;
    assert.deepEqual(accessRows(box).map(({ reason }) => reason), [`T-${i}`, 'gone'], args.join(' '));
  }
}); // prettier-ignore

const RAW: readonly (readonly string[])[] = [
  ['show', '2', '--raw', '--reason', 'r'],
  ['query', '--raw', '--reason', 'r'],
  ['query', '--raw', '--reason', 'r', '--group-by', 'note'],
  ['tail', '--raw', '--reason', 'r'],
  ['sample', '--seed', 'x', '--raw', '--reason', 'r'],
  ['sql', 'SELECT payload FROM rows', '--raw', '--reason', 'r'],
  ['reconstruct', 'r1', '--reason', 'r'],
  ['proof', 'o1', '--reason', 'r'],
  ['export', '--reason', 'r'],
];

test('a row that could only wait in a spill file is none: nothing is shown', async (t) => {
  const box = secrets(t, BREAK_GLASS);
  const text = readFileSync(box.ledger, 'utf8');
  // The last row is not what its writer wrote: nothing is built on it.
  writeFileSync(box.ledger, text.replace('S3CRET-4', 'S3CRET-5'));
  for (const args of RAW) {
    const { status, stdout, stderr } = await ledger(box, args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /nothing is shown; .*the last row/, args.join(' '));
    assert.match(stderr, /^ledger: hint: .*ledger verify/m);
  }
  assert.deepEqual(accessRows(box), []);
  assert.ok(!existsSync(join(box.dir, 'audit.spill.jsonl')));
});

const isRoot = process.getuid?.() === 0;
const asNobody = (...args: string[]): string[] => ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...ledgerCommand(...args)]; // prettier-ignore

function giveAway(path: string): void {
  chownSync(path, 65534, 65534);
  for (const name of readdirSync(path)) chownSync(join(path, name), 65534, 65534);
}

async function expectSummariesOnly(box: Sandbox, command: (...args: string[]) => string[]): Promise<void> {
  const ask = (args: readonly string[]): Promise<Ended> => run(command(...args), { env: box.env, cwd: box.root });
  for (const args of RAW) {
    const { status, stdout, stderr } = await ask(args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.doesNotMatch(stderr, CONTENT);
    assert.match(stderr, /nothing is shown; .*\nledger: hint: /, args.join(' '));
  }
  const summary = await ask(['show', '2']);
  assert.deepEqual([summary.status, summary.stdout.slice(0, 24)], [0, '{"summary":true,"seq":2,'], summary.stderr);
}

test(
  'who cannot write the row is shown summaries: another account, and the owner of what may not be written',
  { skip: isRoot ? missingTools('setpriv') : 'needs root' },
  async (t) => {
    const box = secrets(t, BREAK_GLASS);
    for (const path of [box.root, box.dir]) chmodSync(path, 0o755);
    chmodSync(box.ledger, 0o644);
    await expectSummariesOnly(box, asNobody);
    giveAway(box.dir);
    await expectSummariesOnly(box, (...args) => ledgerCommand(...args));
    chmodSync(box.ledger, 0o400);
    chmodSync(box.dir, 0o500);
    await expectSummariesOnly(box, asNobody);
    assert.deepEqual(accessRows(box), []);
  },
);

test('with readers, those who have one of these roles; who has none is kept out, and that is a row', async (t) => {
  const { user, groups } = personHere();
  const withRoles = (roles: object) => ({ access: { raw: 'break-glass', readers: ['second', 'auditor'] }, roles });
  const nobody = { users: ['no-such-user'], groups: ['no-such-group'] };
  const box = secrets(t, withRoles({ auditor: nobody, second: nobody, other: { users: [user] } }));
  for (const args of RAW) {
    const { status, stdout, stderr } = await ledger(box, args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, new RegExp(`expected one of the roles second, auditor, found ${user} in none`));
  }
  const denied = accessRows(box);
  assert.deepEqual(denied.map(({ outcome }) => outcome), RAW.map(() => 'denied')); // prettier-ignore
  assert.deepEqual(denied.map(({ action }) => action === 'access.export'), RAW.map(([command]) => command === 'export')); // prettier-ignore
  assert.equal((await ledger(box, ['show', '2'])).status, 0);

  const [group = ''] = groups();
  for (const [role, members] of [
    ['auditor', { users: [user] }],
    ['second', { groups: [group] }],
  ] as const) {
    configure(box, withRoles({ auditor: nobody, second: nobody, [role]: members }));
    const { status, stderr } = await ledger(box, ['show', '2', '--raw', '--reason', 'r']);
    assert.equal(status, 0, stderr);
    assert.deepEqual([accessRows(box).at(-1)?.role, accessRows(box).at(-1)?.outcome], [role, 'allowed']);
  }
  assert.doesNotMatch((await ledger(box, ['lint'])).stdout, /access\./);
});

test('settings that a reader names do not take the place of those beside the ledger', async (t) => {
  const box = secrets(t, BREAK_GLASS);
  const mine = join(box.root, 'mine.json');
  writeFileSync(mine, '{"access":{"raw":"open"}}');
  assert.doesNotMatch((await ledger(box, ['show', '2', '--config', mine])).stdout, CONTENT);
  assert.equal((await ledger(box, ['export', '--config', mine])).status, 2);
});

test('wherever the settings say anything of access an export leaves a row: its conditions, its rows, its digest', async (t) => {
  const box = secrets(t, { access: { raw: 'open' } });
  const [line = '', ...rest] = (await ledger(box, ['export', 'agent=coder'])).stdout.split('\n');
  const header = JSON.parse(line) as Record<string, unknown>;
  assert.match(rest.join('\n'), CONTENT);
  const [row, ...more] = accessRows(box);
  assert.deepEqual([row?.action, row?.target, row?.reason, more], ['access.export', 'export agent=coder', undefined, []]); // prettier-ignore
  const { command, format, conditions, rows, first_seq: first, last_seq: last, sha256 } = row?.payload ?? {};
  assert.deepEqual([command, format, conditions, rows, first, last], ['export', 'jsonl', ['agent=coder'], 1, 2, 2]);
  assert.equal(sha256, header['sha256']);
  assert.equal((header['head'] as { seq: number }).seq, (row?.seq ?? 0) - 1, 'it is of the ledger as it was before');
  assert.match((await ledger(box, ['query', 'agent=coder'])).stdout, CONTENT);
  assert.equal(accessRows(box).length, 1, 'a read is none');
});

test('without the setting nothing is written by whoever reads', async (t) => {
  const box = secrets(t, undefined);
  const before = readFileSync(box.ledger);
  for (const args of [['show', '2'], ['show', '2', '--raw', '--reason', 'r'], ['query'], ['tail', '-n', '9'], ['export'], ['reconstruct', 'r1']])
    assert.match((await ledger(box, args)).stdout, CONTENT, args.join(' ')); // prettier-ignore
  assert.ok(readFileSync(box.ledger).equals(before));
});

test(
  'on a terminal a listing says how much there is of a payload, and --raw shows it',
  { skip: missingTools('script') },
  async (t) => {
    const box = secrets(t, undefined);
    const onTerminal = async (...args: string[]): Promise<string> => {
      const words = ledgerCommand(...args).map((word) => `'${word}'`);
      const ended = await run(['script', '-qec', words.join(' '), '/dev/null'], { cwd: box.root, env: box.env });
      return ended.stdout.replaceAll('\r\n', '\n');
    };
    const listed = await onTerminal('show', '2');
    assert.match(listed, /^payload +2 members, 25 bytes; --raw shows it$/m);
    assert.match(listed, /^note +S3CRET-2$/m);
    assert.doesNotMatch(listed, /S3CRET-1/);
    assert.match(await onTerminal('show', '2', '--raw'), /S3CRET-1/);
    assert.match(await onTerminal('show', '2', '--json'), /S3CRET-1/);

    configure(box, BREAK_GLASS);
    const summary = await onTerminal('show', '2');
    assert.match(summary, /^payload +2 members, 25 bytes; --raw --reason "…" shows it$/m);
    assert.match(summary, /^others +1 not shown; --raw --reason "…" shows them$/m);
    assert.match(summary, /right: it is the hash of these bytes/);
    for (const args of [['show', '2'], ['query'], ['tail']]) assert.doesNotMatch(await onTerminal(...args), CONTENT);
  },
);

async function gathered<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

test('a program is shown what the command is shown', async (t) => {
  const box = secrets(t, BREAK_GLASS);
  const books = openLedger({ dir: box.dir });
  t.after(() => books.close());
  const [row] = await gathered(books.query({ conditions: ['agent=coder'] }));
  assert.deepEqual([row?.['summary'], row?.seq, row?.payload], [true, 2, undefined]);
  const isUsage = (error: unknown): boolean => error instanceof LedgerError && error.code === 'USAGE';
  await assert.rejects(gathered(books.query({ conditions: ['payload.n=1'] })), isUsage);
  await assert.rejects(gathered(books.query({ raw: true })), isUsage);
  await assert.rejects(async () => { for await (const one of books.follow({ where: { note: 'x' } })) assert.ok(one); }, isUsage); // prettier-ignore
  const asked = { raw: true, reason: 'T-1', actor: 'ann' };
  const [whole] = await gathered(books.query({ conditions: ['payload.n=1'], ...asked }));
  assert.equal(whole?.payload?.['iban'], 'S3CRET-1');
  for (const [more, summary] of [[{}, true], [asked, undefined]] as const) {
    for await (const one of books.follow({ afterSeq: 1, ...more })) {
      assert.deepEqual([one.seq, one['summary'], one.payload === undefined], [2, summary, summary === true]);
      break;
    }
  } // prettier-ignore
  assert.deepEqual(accessRows(box).map(({ target, actor }) => [target, actor]), [['query payload=…', 'ann'], ['follow', 'ann']]); // prettier-ignore
});

test('nobody else tells who read what, and nobody else stands in that stream', async (t) => {
  const box = secrets(t, BREAK_GLASS);
  const forged =
    '{"action":"access.read","run_id":"access","actor":"mallory","target":"show 2","outcome":"allowed","payload":{}}';
  const ways: (readonly [readonly string[], string])[] = [
    [['append', forged], ''],
    [['append', '-'], forged],
    [['append', 'a.b', '--run-id', 'access'], ''],
    [['append', '-'], '{"action":"a.b","run_id":"access"}'],
    [['run', '--run-id', 'access', '--', 'true'], ''],
  ];
  for (const [args, stdin] of ways) {
    const { status, stderr } = await ledger(box, args, { stdin });
    assert.match(stderr, /which tells who was shown what/, args.join(' '));
    assert.ok(status === 2 || status === 125, args.join(' '));
  }
  const imported = await ledger(box, ['import', '-', '--json'], { stdin: `${forged}\n` });
  assert.equal(imported.status, 1, imported.stderr);
  assert.deepEqual(accessRows(box), []);
});

test('a catalogue in which everything is wrong shows nothing of what is there', async (t) => {
  const box = secrets(t, BREAK_GLASS);
  const all = { $schema: 'https://json-schema.org/draft/2020-12/schema', $defs: { 'a.b': { properties: { payload: { type: 'string' }, note: { pattern: '^ZZ' } } } } }; // prettier-ignore
  writeFileSync(join(box.root, 'all.json'), JSON.stringify(all));
  writeFileSync(join(box.root, 'evil.json'), '{"catalogues":["all.json"]}');
  const evil = ['--config', join(box.root, 'evil.json')];
  for (const args of [['lint'], ['lint', '--json'], ['schema', 'check', box.ledger]]) {
    const { stdout, stderr } = await ledger(box, [...args, ...evil]);
    assert.match(stdout, /SCHEMA_MISMATCH/);
    assert.doesNotMatch(stdout + stderr, CONTENT, args.join(' '));
  }
});

test('the key that is made of a payload is not shown without it', async (t) => {
  const box = secrets(t, BREAK_GLASS);
  const event = '{"action":"proof.webhook","order_id":"o2","payload":{"source":"S3CRET-7","event_id":"e","kind":"k"}}';
  assert.equal((await ledger(box, ['append', event])).status, 0);
  for (const args of [['query'], ['tail'], ['sql', 'SELECT * FROM rows']])
    assert.doesNotMatch((await ledger(box, args)).stdout, CONTENT, args.join(' '));
});
