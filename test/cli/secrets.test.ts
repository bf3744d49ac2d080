/** No way into a ledger lets a secret through, and what is refused keeps nothing else from landing. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { openLedger } from '../../src/index';
import { ensureBuilt } from '../support/built';
import { rowsOf } from '../support/miniVerifier';
import { ledger, receipts, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { filler, GITHUB_TOKEN } from '../support/secrets';

before(ensureBuilt);

const BODY = GITHUB_TOKEN.slice(4);

function settings(box: Sandbox, config: object): void {
  writeFileSync(join(box.root, 'ledger.config.json'), JSON.stringify(config));
}

/** Every file below the state folder and the second spill place. */
function assertNowhere(box: Sandbox, secret: string): void {
  for (const folder of [box.dir, box.stateHome].filter((one) => existsSync(one)))
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name);
      if (statSync(path).isFile()) assert.ok(!readFileSync(path, 'latin1').includes(secret), path);
    }
}

test('in a pipe, hits between rows that are plain and rows that are not: each line its receipt, in order', async (t) => {
  const box = sandbox(t);
  const lines = Array.from({ length: 3_000 }, (_, i) => {
    const text = i % 97 === 50 ? `with ${GITHUB_TOKEN}` : 'all keys ok';
    const row = i % 3 === 0 ? { action: 'a.b', reason: text, n: [i] } : { action: 'a.b', reason: text };
    return JSON.stringify(i % 5 === 0 ? { ...row, payload: { log: [text] } } : row);
  });
  const ended = await ledger(box, ['append', '--json', '-'], { stdin: `${lines.join('\n')}\n`, timeoutMs: 60_000 });
  assert.equal(ended.status, 2);
  const told = ended.stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as { line: number; status: string; seq?: number }); // prettier-ignore
  assert.deepEqual(
    told.map(({ line, status }) => [line, status]),
    lines.map((line, i) => [i + 1, line.includes('with') ? 'refused' : 'landed']),
  );
  const seqs = told.flatMap(({ seq }) => (typeof seq === 'number' ? [seq] : []));
  assert.deepEqual(seqs, seqs.map((_, i) => i + 2)); // prettier-ignore
  assert.ok(!`${ended.stdout}${ended.stderr}`.includes(BODY));
  assertNowhere(box, BODY);
});

test('however it is spelled, and from wherever it comes', async (t) => {
  const box = sandbox(t);
  const escaped = `gh\\u0070_${BODY.slice(0, 5)}\\u${BODY.charCodeAt(5).toString(16).padStart(4, '0')}${BODY.slice(6)}`;
  const ways: readonly (readonly [args: readonly string[], env: NodeJS.ProcessEnv, stdin?: string])[] = [
    [['append', `{"action":"a.b","reason":"${escaped}"}`], {}],
    [['append', '-'], {}, `{"action":"a.b","reason":"${escaped}"}\n`],
    [['append', '-'], { LEDGER_TARGET: GITHUB_TOKEN }, '{"action":"a.b"}\n'],
    [['append', 'a.b', '--set', `${GITHUB_TOKEN}=1`], {}],
    [['append', 'a.b', '--idempotency-key', GITHUB_TOKEN], {}],
    [['append', GITHUB_TOKEN], {}],
    [['append', 'a.b', '--provenance', GITHUB_TOKEN], {}],
    [['run', '--reason', GITHUB_TOKEN, '--', 'touch', join(box.root, 'started')], {}],
  ];
  for (const [args, env, stdin] of ways) {
    const how = args.join(' ');
    const ended = await ledger(box, args, { env: { ...box.env, ...env }, ...(stdin === undefined ? {} : { stdin }) });
    assert.notEqual(ended.status, 0, how);
    assert.match(ended.stderr, /expected no secrets/, how);
    assert.ok(!`${ended.stdout}${ended.stderr}`.includes(BODY), how);
  }
  assert.ok(!existsSync(join(box.root, 'started')));
  assertNowhere(box, BODY);
});

test('a gate does not allow, and no cap is raised, with one among its words', async (t) => {
  const box = sandbox(t);
  settings(box, { caps: [{ usd: '1', per: 'day' }] });
  assert.equal((await ledger(box, ['append', 'a.b', '-q'])).status, 0);
  for (const args of [
    ['gate', '--est', '0.1', '--reason', GITHUB_TOKEN],
    ['override', '--cap', 'day', '--usd', '2', '--until', '+2h', '--reason', `see ${GITHUB_TOKEN}`],
  ]) {
    const ended = await ledger(box, args);
    assert.equal(ended.status, 2, ended.stderr);
    assert.match(ended.stderr, /found reason: GitHub Token/);
  }
  assertNowhere(box, BODY);
});

test('from a program: nothing of the call is stored', async (t) => {
  const box = sandbox(t);
  const own = openLedger({ dir: box.dir });
  await assert.rejects(own.append([{ action: 'a.b' }, { action: 'a.b', payload: { token: GITHUB_TOKEN } }]), {
    code: 'SECRET',
    message: 'row 2: expected no secrets, which a ledger would keep for ever, found payload.token: GitHub Token',
  });
  await own.append([{ action: 'a.b' }]);
  await own.close();
  assert.equal(rowsOf(box.ledger).length, 2);
});

test('with hashes: the same row under the same key is the same row', async (t) => {
  const box = sandbox(t);
  settings(box, { secrets: 'hash' });
  const row = ['append', 'a.b', '--json', '--idempotency-key', 'k', '--payload', `{"log":"${GITHUB_TOKEN}"}`];
  const [first, second] = [await ledger(box, row), await ledger(box, row)];
  assert.deepEqual([first, second].map((one) => receipts(one.stdout)[0]?.status), ['landed', 'duplicate']); // prettier-ignore
  assertNowhere(box, BODY);
});

test('hostile rows are looked into in time', async (t) => {
  const box = sandbox(t);
  const dashes = '-'.repeat(5);
  const texts = [
    `xoxb-${'a-'.repeat(200_000)}`,
    `${dashes}BEGIN PRIVATE KEY${dashes} `.repeat(15_000),
    `${dashes}BEGIN RSA PRIVATE KEY${dashes}${'A '.repeat(200_000)}`,
    `SG.${'a'.repeat(200_000)}.${'b'.repeat(200_000)}`,
    `https://${'a'.repeat(250)}:`.repeat(1_500) + '@',
    `postgres://${'a'.repeat(90)}:${'b'.repeat(190)}@`.repeat(1_000),
    `ghs_1_${'a'.repeat(900)}.`.repeat(400),
    `aws_secret_access_key${' '.repeat(200_000)}=${filler(39)}`,
  ];
  for (const text of texts) {
    const stdin = `${JSON.stringify({ action: 'a.b', text })}\n`;
    const { elapsedMs } = await ledger(box, ['append', '-', '-q'], { stdin, timeoutMs: 30_000 });
    assert.ok(elapsedMs < 8_000, `${text.slice(0, 30)}: ${elapsedMs} ms`);
  }
});

/** What the ledger itself says: a line that was set aside stays word for word in quarantine. */
function assertNotInRows(box: Sandbox, secret: string): void {
  assert.ok(!readFileSync(box.ledger, 'latin1').includes(secret));
}

test('the row that names a line which an import sets aside', async (t) => {
  const box = sandbox(t);
  const file = join(box.root, `${GITHUB_TOKEN}.jsonl`);
  const row = { id: 'x', agent: GITHUB_TOKEN, run_id: `run ${GITHUB_TOKEN}`, decision_id: GITHUB_TOKEN, action: 'a.b', seq: 4 };
  writeFileSync(file, `${JSON.stringify(row)}\n${JSON.stringify(row).slice(0, -4)}\n`);
  for (const expected of [2, 0]) {
    const ended = await ledger(box, ['import', file, '--json']);
    assert.equal((JSON.parse(ended.stdout) as { quarantined: number }).quarantined, expected, ended.stderr);
  }
  assertNotInRows(box, BODY);
  const payloads = rowsOf(box.ledger).filter(({ action }) => action === 'audit.heal-truncation').map(({ payload }) => payload as { file: string; why: string; original: object }); // prettier-ignore
  assert.deepEqual(payloads.map(({ why }) => why), ['SECRET', 'JSON_SYNTAX']); // prettier-ignore
  for (const { file: name, original } of payloads) {
    assert.match(name, /^secret omitted, sha256 /);
    for (const member of ['agent', 'run_id', 'decision_id']) assert.ok(!(member in original), member);
  }
}); // prettier-ignore

test('a torn end that holds one is healed without it', async (t) => {
  const box = sandbox(t);
  assert.equal((await ledger(box, ['append', 'a.b', '-q'])).status, 0);
  writeFileSync(box.ledger, `{"seq":3,"agent":"${GITHUB_TOKEN}","action":"a.b","pay`, { flag: 'a' });
  assert.equal((await ledger(box, ['append', 'a.b', '-q'])).status, 0);
  assertNotInRows(box, BODY);
});

test('who sets a line aside, and what a ledger is called', async (t) => {
  const box = sandbox(t);
  const asked = await ledger(box, ['init', '--origin', `acme/${GITHUB_TOKEN}`]);
  assert.equal(asked.status, 2);
  assert.match(asked.stderr, /found origin: GitHub Token/);
  assert.ok(!existsSync(box.ledger));
  assert.equal((await ledger(box, ['append', 'a.b', '-q'])).status, 0);
  const ended = await ledger(box, ['sweep', '--set-aside', '2', '--reason', 'wrong', '--actor', GITHUB_TOKEN]);
  assert.equal(ended.status, 2);
  assert.match(ended.stderr, /found actor: GitHub Token/);
  assert.ok(!`${asked.stderr}${ended.stderr}`.includes(BODY));
  assertNowhere(box, BODY);
});

test('with hashes, an override tells what was stored', async (t) => {
  const box = sandbox(t);
  settings(box, { secrets: 'hash', caps: [{ usd: '1', per: 'day' }] });
  assert.equal((await ledger(box, ['append', 'a.b', '-q'])).status, 0);
  const words = ['--reason', `see ${GITHUB_TOKEN}`, '--actor', GITHUB_TOKEN, '--json'];
  const ended = await ledger(box, ['override', '--cap', 'day', '--usd', '2', '--until', '+2h', ...words]);
  assert.equal(ended.status, 0, ended.stderr);
  const told = JSON.parse(ended.stdout) as { reason: string; actor: string };
  assert.match(told.reason, /^secret omitted, sha256 /);
  assert.match(told.actor, /^secret omitted, sha256 /);
  assertNowhere(box, BODY);
});
