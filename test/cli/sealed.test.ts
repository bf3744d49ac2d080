/** Sealed fields with the shipped command: no file but sealed.jsonl has the values, whatever way a row takes. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { openLedger } from '../../src/index';
import { ensureBuilt } from '../support/built';
import { holdLock } from '../support/locks';
import { rowsOf } from '../support/miniVerifier';
import { ledger, markedRow, markedRows, marks, receipts, sandbox } from '../support/sandbox';
import { done, filesWith, openings, settings, VALUE, warnings, withSignerAlice } from '../support/sealed';
import { GITHUB_TOKEN } from '../support/secrets';

before(ensureBuilt);

test('from flags, in a pipe, by the settings: the values lie in one file, and a repeated row adds none', async (t) => {
  const box = sandbox(t);
  const flags = ['append', 'note.added', '--reason', VALUE, '--payload', `{"email":"${VALUE}"}`, '--seal', 'reason', '--seal', 'payload.email', '--idempotency-key', 'k1']; // prettier-ignore
  await done(box, flags);
  assert.match((await done(box, flags)).stdout, /^duplicate seq=2/);
  assert.equal(openings(box), 2);
  const other = await ledger(
    box,
    flags.map((word) => word.replace('Kim', 'Tim')),
  );
  assert.equal(other.status, 2);
  assert.match(other.stdout, /IDEMPOTENCY_CONFLICT/);
  // Open or sealed, the content is the same.
  assert.match((await done(box, flags.filter((word, i) => word !== '--seal' && flags[i - 1] !== '--seal'))).stdout, /^duplicate/); // prettier-ignore
  settings(box, { seal: ['reason'] });
  const lines = Array.from({ length: 500 }, (_, i) => JSON.stringify({ action: 'a.b', reason: `${VALUE} ${i % 250}`, idempotency_key: `p${i % 250}`, ...(i % 2 === 0 ? { n: [i % 250] } : { x: 1 }) })); // prettier-ignore
  const piped = await done(box, ['append', '--json', '-'], { stdin: `${lines.join('\n')}\n` });
  const told = receipts(piped.stdout).map(({ status }) => status);
  assert.deepEqual(told, [...Array<string>(250).fill('landed'), ...Array<string>(250).fill('duplicate')]);
  await done(box, ['append', '--json', '-'], { stdin: `${lines.join('\n')}\n` });
  assert.equal(openings(box), 252);
  await done(box, ['sweep']);
  await done(box, ['sql', 'SELECT count(*) FROM rows']);
  assert.deepEqual(filesWith(box, VALUE), ['sealed.jsonl']);
  assert.deepEqual(await warnings(box), []);
  const shown = await Promise.all(
    [['query', '--raw'], ['export', '--format', 'jsonl'], ['export', '--format', 'csv'], ['show', '2'], ['tail', '--json']].map((args) => done(box, args)), // prettier-ignore
  );
  for (const { stdout } of shown) {
    assert.ok(!stdout.includes(VALUE));
    assert.match(stdout, /sealed/);
  }
});

test('a row that spills is sealed before, and opened after; where its opening finds no place it is handed back whole', async (t) => {
  const box = sandbox(t);
  await done(box, ['init', '-q']);
  const row = ['append', 'a.b', '--reason', VALUE, '--seal', 'reason', '--idempotency-key', 'k1'];
  const holder = await holdLock(box);
  const spilled = await Promise.all([ledger(box, row), ledger(box, row)]);
  await holder.release();
  for (const { status, stdout } of spilled) assert.ok(status === 0 && stdout.startsWith('spilled'), stdout);
  assert.ok(existsSync(join(box.dir, 'audit.spill.jsonl')));
  assert.deepEqual(filesWith(box, VALUE), ['sealed.jsonl']);
  await done(box, ['sweep']);
  const rows = rowsOf(box.ledger);
  assert.deepEqual(rows.map(({ action }) => action), ['audit.genesis', 'a.b', 'audit.spill-duplicate']); // prettier-ignore
  assert.equal((rows[2]?.payload as { row?: unknown }).row, undefined, 'the same content');
  assert.match((await done(box, ['disclose', '2', 'reason'])).stdout, new RegExp(`"value":"${VALUE}"`));
  assert.deepEqual(await warnings(box), []);

  rmSync(join(box.dir, 'sealed.jsonl'));
  mkdirSync(join(box.dir, 'sealed.jsonl'));
  const nowhere = await ledger(box, ['append', 'a.b', '--reason', 'another', '--seal', 'reason']);
  assert.equal(nowhere.status, 2);
  assert.match(nowhere.stdout + nowhere.stderr, /STORED_NOWHERE|UNSAFE_PATH/);
  assert.equal(rowsOf(box.ledger).length, 3);
  await done(box, ['append', 'a.b', '--reason', 'open']);
});

test('what looks sealed and was not sealed here is refused; so is what the ledger goes by', async (t) => {
  const box = sandbox(t);
  const forged = `{"sealed":"${'a'.repeat(64)}"}`;
  for (const row of [
    `{"action":"a.b","reason":${forged}}`,
    `{"action":"a.b","payload":{"l":[${forged}]}}`,
    `{"action":"a.b","own":${forged}}`,
  ]) {
    const ended = await ledger(box, ['append', row]);
    assert.equal(ended.status, 2, row);
    assert.match(ended.stdout, /MEMBER_RESERVED/);
  }
  for (const field of [
    'action',
    'cost_usd',
    'run_id',
    'agent',
    'idempotency_key',
    'occurred_at',
    'signature',
    'hash',
  ]) {
    const ended = await ledger(box, [
      'append',
      'a.b',
      '--agent',
      'x',
      '--run-id',
      'r',
      '--cost-usd',
      '1',
      '--seal',
      field,
    ]);
    assert.equal(ended.status, 2, field);
  }
  assert.match(
    (await ledger(box, ['append', 'a.b', '--reason', 'x', '--seal', 'raeson'])).stderr,
    /to seal, found none/,
  );
  settings(box, { caps: [{ usd: '1', per: 'day', customer_id: 'c' }] });
  const capped = await ledger(box, [
    'append',
    'a.b',
    '--customer-id',
    'c',
    '--cost-usd',
    '0.1',
    '--seal',
    'customer_id',
  ]);
  assert.match(capped.stdout + capped.stderr, /a cap is narrowed by it/);
  const gate = '{"action":"policy.gate","decision_id":"d","reason":"r","payload":{"gate_id":"g","result":"fail"}}';
  assert.match((await ledger(box, ['append', gate, '--seal', 'payload.result'])).stdout, /judged by it/);
  const mistyped = await ledger(box, ['append', gate.replace('"fail"', '7'), '--seal', 'reason']);
  assert.match(mistyped.stdout, /SCHEMA_MISMATCH/, 'held against its schema before it is sealed');
});

test('a signature is over what the row holds: sealed before, and appended as it is', async (t) => {
  const box = sandbox(t);
  await withSignerAlice(box);
  const row = ['append', 'note.added', '--reason', VALUE, '--sign', 'alice', '--seal', 'reason'];
  await done(box, row);
  const looked = await done(box, [...row, '--dry-run']);
  assert.ok(!looked.stdout.includes(VALUE));
  assert.match(looked.stderr, /nobody can append this row/);
  assert.equal(openings(box), 1, 'a dry run keeps nothing');
  assert.match((await ledger(box, ['append', looked.stdout.trimEnd()])).stdout, /MEMBER_RESERVED/);
  const log = openLedger({ dir: box.dir, config: join(box.root, 'ledger.config.json') });
  t.after(() => log.close());
  const key = join(box.root, 'home', 'ledger', 'keys', 'alice');
  const held = JSON.stringify(await log.sign({ action: 'note.added', reason: VALUE }, key, { seal: ['reason'] }));
  assert.match((await done(box, ['append', held])).stdout, /^landed seq=3/);
  assert.match((await done(box, ['append', held])).stdout, /^duplicate seq=3/);
  assert.equal(openings(box), 2);
  for (const seq of ['2', '3']) assert.ok((await done(box, ['disclose', seq, 'reason'])).stdout.includes(VALUE));
  const { signatures } = JSON.parse((await done(box, ['verify', '--json', '--strict'])).stdout) as {
    signatures: string;
  };
  assert.equal(signatures, 'valid');
  // A row that was signed open cannot be sealed any more: it would be another.
  const open = (await done(box, [...row.slice(0, -2), '--dry-run'])).stdout.trimEnd();
  const refused = await ledger(box, ['append', open, '--seal', 'reason']);
  assert.match(refused.stdout, /SIGNATURE_INVALID/);
});

test('by the settings a secret is sealed where it stands, and refused where it cannot be', async (t) => {
  const box = sandbox(t);
  settings(box, { secrets: 'seal' });
  await done(box, ['append', 'deploy.done', '--reason', `with ${GITHUB_TOKEN}`, '--payload', `{"h":["${GITHUB_TOKEN}",1],"o":{"${GITHUB_TOKEN}":1}}`]); // prettier-ignore
  assert.deepEqual(filesWith(box, GITHUB_TOKEN), ['sealed.jsonl']);
  const [, row] = rowsOf(box.ledger);
  const { h, o } = row?.payload as { h: unknown[]; o: Record<string, unknown> };
  assert.equal(h[1], 1);
  assert.deepEqual([Object.keys(h[0] as object), Object.keys(o)], [['sealed'], ['sealed']]);
  for (const where of [
    ['--run-id', GITHUB_TOKEN],
    ['--set', `${GITHUB_TOKEN}=1`],
    ['--agent', GITHUB_TOKEN],
  ]) {
    const ended = await ledger(box, ['append', 'a.b', ...where]);
    assert.equal(ended.status, 2);
    assert.match(ended.stdout, /code=SECRET/);
  }
  settings(box, { secrets: 'refuse' });
  await done(box, ['append', 'a.b', '--reason', GITHUB_TOKEN, '--seal', 'reason']);
  assert.deepEqual(filesWith(box, GITHUB_TOKEN), ['sealed.jsonl']);
});

test('whatever command writes what a caller says: gates, overrides, runs, imports', async (t) => {
  const box = sandbox(t);
  settings(box, { seal: ['reason', 'own', 'payload.email'], caps: [{ usd: '1', per: 'day' }] });
  await done(box, ['init', '-q']);
  const id = JSON.parse((await done(box, ['gate', '--est', '0.1', '--reason', VALUE, '--json'])).stdout).id as string; // eslint-disable-line
  await done(box, ['settle', id, '--cost-usd', '0.05', '--set', `own=${VALUE}`]);
  assert.match((await done(box, ['settle', id, '--cost-usd', '0.05', '--set', `own=${VALUE}`])).stdout, /duplicate/);
  await done(box, ['gate', '--est', '0.1', '--reason', VALUE, '--', 'true']);
  await done(box, ['override', '--cap', 'day', '--usd', '2', '--until', '+1h', '--reason', VALUE]);
  await done(box, ['run', '--reason', VALUE, '--', 'true']);
  const over = await ledger(box, ['append', 'a.b', '--cost-usd', '5', '--reason', VALUE, '--enforce']);
  assert.equal(over.status, 1, over.stdout + over.stderr);
  await done(box, ['import', '-'], { stdin: `{"ts":"2026-01-01T00:00:00Z","action":"x.y","reason":"${VALUE}","payload":{"email":"${VALUE}"}}\n` }); // prettier-ignore
  assert.deepEqual(filesWith(box, VALUE), ['sealed.jsonl']);
  assert.deepEqual(await warnings(box), []);
  for (const { seq, reason } of rowsOf(box.ledger))
    if (reason !== undefined && typeof reason !== 'string')
      assert.ok((await done(box, ['disclose', String(seq), 'reason'])).stdout.includes(VALUE), String(seq));
});

test('disclosed to those who may, checked by anybody, erased for good', async (t) => {
  const box = sandbox(t);
  await done(box, ['append', 'a.b', '--reason', VALUE, '--set', 'own=1', '--seal', 'reason']);
  const { stdout } = await done(box, ['disclose', '2', 'reason']);
  const opening = join(box.root, 'opening.json');
  writeFileSync(opening, stdout);
  writeFileSync(join(box.root, 'row.json'), (await done(box, ['show', '2', '--raw'])).stdout);
  await done(box, ['disclose', '--check', opening]);
  await done(box, ['disclose', '--check', opening, '--line', 'row.json', '--dir', '/nowhere']);
  await done(box, ['disclose', '--check', '-'], { stdin: stdout });
  for (const [from, to] of [
    [VALUE, 'other'],
    ['"seq":2', '"seq":1'],
    ['"name":"reason"', '"name":"own"'],
  ] as const) {
    const { id, ...rest } = JSON.parse(stdout.replace(from, to)) as Record<string, unknown>;
    const ended = await ledger(box, ['disclose', '--check', '-', '--json'], { stdin: JSON.stringify(rest) });
    assert.equal(ended.status, 1, `${String(id)} ${to}: ${ended.stderr}`);
    assert.equal((JSON.parse(ended.stdout) as { opens: boolean }).opens, false);
  }
  assert.equal((await ledger(box, ['disclose', '--check', '-'], { stdin: '{"digest":1}' })).status, 2);
  for (const words of [['2', 'own'], ['2', 'nope'], ['9', 'reason'], ['2'], ['x', 'reason']])
    assert.equal((await ledger(box, ['disclose', ...words])).status, 2, words.join(' '));

  settings(box, { access: { raw: 'break-glass' } });
  const kept = await ledger(box, ['disclose', '2', 'reason']);
  assert.equal(kept.status, 2);
  assert.ok(!kept.stdout.includes(VALUE));
  await done(box, ['disclose', '2', 'reason', '--reason', 'TICKET-1']);
  const [read] = rowsOf(box.ledger).slice(-1);
  assert.deepEqual([read?.action, read?.target, read?.reason], ['access.read', 'disclose 2 reason', 'TICKET-1']);
  settings(box, {});

  assert.equal((await ledger(box, ['erase', '2', 'reason'])).status, 2, 'without a reason');
  assert.match((await done(box, ['erase', '2', 'reason', '--reason', 'request 17', '--actor', 'dpo'])).stdout, /row 4 says so/); // prettier-ignore
  assert.deepEqual(filesWith(box, VALUE), []);
  assert.match((await done(box, ['erase', '2', 'reason', '--reason', 'again'])).stdout, /erased before, by row 4/);
  const gone = await ledger(box, ['disclose', '2', 'reason', '--json']);
  assert.equal(gone.status, 1);
  assert.match(gone.stderr, /OPENING_ERASED/);
  const erasure = rowsOf(box.ledger).at(-1);
  assert.deepEqual([erasure?.action, erasure?.actor, erasure?.reason], ['audit.erasure', 'dpo', 'request 17']);
  assert.deepEqual(Object.keys(erasure?.payload ?? {}), ['row_seq', 'row_id', 'field', 'digest']);
  assert.deepEqual(await warnings(box), []);
  // Whoever kept it can still show that the row said so.
  await done(box, ['disclose', '--check', opening]);
});

test('verify says which openings are gone without a word, and which erasures are not done', async (t) => {
  const box = sandbox(t);
  const file = join(box.dir, 'sealed.jsonl');
  await done(box, ['append', 'a.b', '--reason', VALUE, '--seal', 'reason', '--idempotency-key', 'k']);
  const bytes = readFileSync(file, 'utf8');
  rmSync(file);
  assert.match((await warnings(box)).join(), /a sealed field has no opening that fits.* row 2 /);
  assert.match((await ledger(box, ['disclose', '2', 'reason'])).stderr, /no row that says it was erased/);
  writeFileSync(file, bytes.replace('Kim', 'Tim'));
  assert.match((await warnings(box)).join(), /row 2 /);
  assert.equal((await ledger(box, ['disclose', '2', 'reason'])).status, 1);
  writeFileSync(file, bytes);
  await done(box, ['erase', '2', 'reason', '--reason', 'r']);
  writeFileSync(file, bytes);
  assert.match((await warnings(box)).join(), /row 3 says that an opening was erased, and it is there still/);
  assert.match((await done(box, ['erase', '2', 'reason', '--reason', 'r'])).stdout, /finished what row 3 had begun/);
  assert.deepEqual(await warnings(box), []);
  const again = await ledger(box, ['append', 'a.b', '--reason', VALUE, '--seal', 'reason', '--idempotency-key', 'k']);
  assert.match(again.stdout, /IDEMPOTENCY_CONFLICT/, 'what nobody can compare any more is not said to be the same');
});

test('erased while others append: none of their openings is lost', async (t) => {
  const box = sandbox(t);
  await done(box, ['append', '--json', '-', '--seal', 'reason'], {
    stdin: markedRows(marks('old', 6), { reason: VALUE }),
  });
  const writers = ['a', 'b'].map(async (name) => {
    for (const mark of marks(name, 6))
      await done(box, ['append', markedRow(mark, { reason: VALUE }), '--seal', 'reason']);
  });
  const erasers = ['2', '3', '4'].map((seq) => done(box, ['erase', seq, 'reason', '--reason', 'r']));
  await Promise.all([...writers, ...erasers]);
  assert.equal(openings(box), 6 - 3 + 12);
  assert.deepEqual(await warnings(box), []);
});

test('from a program: fields to seal, typed, and refused where no row has them', async (t) => {
  const box = sandbox(t);
  const log = openLedger({ dir: box.dir });
  t.after(() => log.close());
  const rows = [{ action: 'a.b', reason: VALUE, idempotency_key: 'k' }, { action: 'a.c' }];
  const [first] = await log.append(rows, { seal: ['reason'] });
  const [again] = await log.append(rows.slice(0, 1), { seal: ['reason'] });
  assert.deepEqual([first?.status, again?.status], ['landed', 'duplicate']);
  await assert.rejects(log.append([{ action: 'a.b' }], { seal: ['reason'] }), { code: 'USAGE' });
  await assert.rejects(log.append([{ action: 'a.b' }], { seals: [] } as object), { code: 'USAGE' });
  await assert.rejects(log.append(rows, { seal: ['action'] }), { code: 'MEMBER_RESERVED' });
  assert.deepEqual(filesWith(box, VALUE), ['sealed.jsonl']);
  assert.equal((await log.verify({ strict: true })).verdict, 'intact');
});
