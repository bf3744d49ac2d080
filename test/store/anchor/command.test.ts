/** A head handed to a command: its status says whether it took it, and nothing it says harms the ledger or a terminal. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'node:test';
import { ANCHOR_LIMITS } from '../../../src/store/anchor/context';
import { anchorAt, judgeAt, outcomeOf } from '../../support/anchors';
import { headedLedger } from '../../support/heads';
import type { HeadedLedger } from '../../support/heads';

const told = (ledger: HeadedLedger): Record<string, unknown>[] =>
  ledger.rows().filter(({ action }) => action === 'audit.anchor').map(({ payload }) => payload ?? {}); // prettier-ignore

test('the command gets the note on stdin, where the relative paths begin; its first line is kept', async (t) => {
  const ledger = headedLedger(t);
  const head = ledger.checkpoint(12);
  const texts = ['cmd:cat > got.txt && printf "mail 17\\nmore\\n"'];
  assert.equal(outcomeOf((await anchorAt(ledger, head, texts))[0]), 'ok');
  assert.deepEqual(readFileSync(join(ledger.root, 'got.txt')), head.bytes);
  assert.equal(told(ledger)[0]?.['said'], 'mail 17');
  assert.match(String(told(ledger)[0]?.['to']), /^cmd:cat#[0-9a-f]{8}$/);
  const { anchors, anchored_until: until } = await judgeAt(ledger, [head], texts);
  assert.deepEqual([anchors[0]?.state, anchors[0]?.size, until], ['not-checked', 12, null]);
  assert.match(anchors[0]?.why ?? '', /cannot be seen from here/);
});

test('a command that says no, is none, or reads nothing', async (t) => {
  const ledger = headedLedger(t);
  const head = ledger.checkpoint(12);
  const outcome = async (command: string): Promise<string> =>
    outcomeOf((await anchorAt(ledger, head, [`cmd:${command}`]))[0]);
  assert.match(
    await outcome('printf "\\033]0;x\\007 no space\\n" >&2; exit 3'),
    /found status 3: \\u001b\]0;x\\u0007 no space$/,
  );
  assert.match(await outcome('no-such-program-here'), /found status 127: .*not found/);
  assert.match(await outcome('kill -9 $$'), /found SIGKILL/);
  assert.equal(await outcome('exit 0'), 'ok');
  assert.equal(await outcome('exec 0<&-; exit 0'), 'ok');
});

test('what it says is bounded, made safe, and holds no token', async (t) => {
  const ledger = headedLedger(t);
  const head = ledger.checkpoint(12);
  const token = `ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}`;
  await anchorAt(ledger, head, [
    `cmd:yes long | tr -d '\\n' | head -c 3000000`,
    `cmd:printf '\\033[2J\\303 \\342\\200\\256x'`,
    `cmd:echo token ${token}`,
  ]);
  const said = told(ledger).map((payload) => String(payload['said']));
  assert.equal(said[0]?.length, 1024);
  assert.equal(said[1], '\\u001b[2J\ufffd \\u202ex');
  assert.ok(!JSON.stringify(ledger.rows()).includes(token));
});

test('a command that hangs is ended with all that it has started', async (t) => {
  const ledger = headedLedger(t);
  const limits = { ...ANCHOR_LIMITS, commandMs: 300 };
  const command = '(sleep 2; touch late.txt) & sleep 60';
  const started = Date.now();
  const [result] = await anchorAt(ledger, ledger.checkpoint(12), [`cmd:${command}`], { run: { limits } });
  assert.match(outcomeOf(result), /no end within 0.3 s/);
  assert.ok(Date.now() - started < 2_000);
  await sleep(2_200);
  assert.equal(existsSync(join(ledger.root, 'late.txt')), false);
});

test('a command that leaves something behind is not waited for', async (t) => {
  const ledger = headedLedger(t);
  const started = Date.now();
  const [result] = await anchorAt(ledger, ledger.checkpoint(12), ['cmd:sleep 5 & echo done']);
  assert.equal(outcomeOf(result), 'ok');
  assert.ok(Date.now() - started < 3_000);
});

test('what is done here is done in the order in which it is named', async (t) => {
  const ledger = headedLedger(t);
  const texts = [
    'cmd:sleep 0.3; echo one >> order.txt',
    'file:head.txt',
    'cmd:test -f head.txt && echo two >> order.txt',
  ];
  const results = await anchorAt(ledger, ledger.checkpoint(12), texts);
  assert.deepEqual(results.map(outcomeOf), ['ok', 'ok', 'ok']);
  assert.equal(readFileSync(join(ledger.root, 'order.txt'), 'utf8'), 'one\ntwo\n');
});
