/** Signed rows with the shipped command: real keys, a real ssh-agent, replays, spills, and a verifier that believes nobody. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import type { TestContext } from 'node:test';
import { openLedger } from '../../src/index';
import { signForLater } from '../../src/services/sign';
import { ensureBuilt } from '../support/built';
import { chainOf, writeLedger } from '../support/ledgers';
import { holdLock } from '../support/locks';
import { rowsOf } from '../support/miniVerifier';
import { run, start, until } from '../support/process';
import type { Ended, RunOptions } from '../support/process';
import { atEnd, ledger, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

before(ensureBuilt);

const APPROVAL = '{"actor":"alice","role":"sre","intent":"approve","method":"ssh","signature_ref":"self"}';

/** A ledger whose approvals must be signed, and a key that may. */
async function signedLedger(t: TestContext): Promise<Sandbox> {
  const box = sandbox(t);
  box.env['XDG_CONFIG_HOME'] = join(box.root, 'home');
  delete box.env['SSH_AUTH_SOCK'];
  await done(box, ['init', '-q']);
  rmSync(config(box));
  await done(box, ['key', 'new', 'alice']);
  await done(box, ['key', 'trust', 'alice', '--actor', 'alice', '--role', 'sre']);
  require(box, ['approval.added']);
  return box;
}

const config = (box: Sandbox): string => join(box.root, 'ledger.config.json');
const settings = (box: Sandbox): Record<string, unknown> =>
  JSON.parse(readFileSync(config(box), 'utf8')) as Record<string, unknown>;
const require = (box: Sandbox, actions: readonly unknown[]): void =>
  writeFileSync(config(box), JSON.stringify({ ...settings(box), require_signature: actions }));

async function done(box: Sandbox, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const ended = await ledger(box, args, { timeoutMs: 20_000, ...options });
  assert.equal(ended.status, 0, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
  return ended;
}

const approve = (box: Sandbox, args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  ledger(box, ['append', 'approval.added', '--decision-id', 'd1', '--payload', APPROVAL, ...args], { timeoutMs: 20_000, ...options }); // prettier-ignore

/** The text of a signed row that is not appended. */
async function heldBack(box: Sandbox, args: readonly string[] = []): Promise<string> {
  const ended = await approve(box, ['--sign', 'alice', '--dry-run', ...args]);
  assert.equal(ended.status, 0, ended.stderr);
  return ended.stdout.trimEnd();
}

interface Verified {
  readonly verdict: string;
  readonly signatures: string;
  readonly signed_rows: number;
  readonly findings: readonly { readonly code: string; readonly seq: number }[];
}

async function verified(box: Sandbox, args: readonly string[] = []): Promise<Verified> {
  return JSON.parse((await ledger(box, ['verify', '--json', ...args])).stdout) as Verified;
}

const codes = ({ findings }: Verified): string[] => findings.map(({ code, seq }) => `${code} ${seq}`);
const refusal = async (ended: Promise<Ended>): Promise<string> => {
  const { status, stdout, stderr } = await ended;
  assert.equal(status, 2, stdout + stderr);
  return /code=([A-Z_]+)/.exec(stdout)?.[1] ?? /"code":"([A-Z_]+)"/.exec(stderr)?.[1] ?? stderr;
};

test('a key is made once, for its owner alone, and SSH reads it as its own', async (t) => {
  const box = await signedLedger(t);
  const path = join(box.root, 'home/ledger/keys/alice');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const line = readFileSync(`${path}.pub`, 'utf8');
  const { stdout } = await ledger(box, ['key', 'list', '--json']);
  const { keys } = JSON.parse(stdout) as { readonly keys: readonly Record<string, unknown>[] };
  assert.deepEqual(keys.map(({ actor, roles, sign_with: ways }) => ({ actor, roles, ways })), [{ actor: 'alice', roles: ['sre'], ways: [path] }]); // prettier-ignore
  assert.match(await refusal(ledger(box, ['key', 'new', 'alice', '--json'])), /KEY_UNUSABLE/);
  assert.equal(readFileSync(`${path}.pub`, 'utf8'), line);
  const keygen = await run(['ssh-keygen', '-yf', path]).catch(() => undefined);
  if (keygen === undefined) return t.diagnostic('no ssh-keygen here');
  assert.equal(keygen.stdout.trim(), line.trim());
  const listed = await run(['ssh-keygen', '-lf', `${path}.pub`]);
  assert.ok(listed.stdout.includes(String(keys[0]?.['fingerprint'])), listed.stdout);
});

test('rows that must be signed come in by no way without a signature', async (t) => {
  const box = await signedLedger(t);
  const row = `{"action":"approval.added","decision_id":"d1","payload":${APPROVAL}}`;
  assert.equal(await refusal(approve(box, [])), 'SIGNATURE_MISSING');
  assert.equal(await refusal(ledger(box, ['append', '-'], { stdin: row })), 'SIGNATURE_MISSING');
  require(box, ['approval.added', 'plain.row', 'run_started']);
  assert.equal(await refusal(ledger(box, ['append', '-'], { stdin: '{"action":"plain.row"}' })), 'SIGNATURE_MISSING');
  assert.equal((await ledger(box, ['run', '--', 'true'])).status, 125);
  const library = openLedger({ dir: box.dir });
  t.after(() => library.close());
  await assert.rejects(library.append([{ action: 'plain.row' }]), { code: 'SIGNATURE_MISSING' });
  const imported = await ledger(box, ['import', '--json', '-'], { stdin: `${row}\n{"action":"other"}\n` });
  const { quarantined, broken } = JSON.parse(imported.stdout) as { quarantined: number; broken: object };
  assert.deepEqual([quarantined, broken], [1, { SIGNATURE_MISSING: 1 }]);
  assert.deepEqual(rowsOf(box.ledger).filter(({ action }) => /^(?:approval|plain|run)/.test(String(action))), []); // prettier-ignore
});

test('a signed row lands and holds, for the strict check too; nobody else can sign it, and not as another', async (t) => {
  const box = await signedLedger(t);
  await approve(box, ['--sign', 'alice', '--confirm', '--cost-usd', '0.0000001', '--set', 'Ключ=\u0085']);
  const [, row] = rowsOf(box.ledger);
  assert.deepEqual(Object.keys(row ?? {}).slice(-7), ['signature', 'decision_seq', 'decision_prev_hash', 'content_hash', 'nonce', 'prev_hash', 'hash']); // prettier-ignore
  assert.equal(row?.['actor'], undefined, 'the payload says who');
  assert.deepEqual(codes(await verified(box, ['--strict'])), []);
  assert.equal((await verified(box)).signatures, 'valid');
  assert.equal(await refusal(approve(box, ['--sign', 'alice', '--actor', 'bob'])), 'UNTRUSTED_KEY');
  assert.equal(await refusal(approve(box, ['--sign', 'alice', '--role', 'cfo'])), 'UNTRUSTED_KEY');
  await done(box, ['key', 'new', 'mallory']);
  assert.match((await approve(box, ['--sign', 'mallory'])).stderr, /expected a key that is trusted here/);
  assert.match((await approve(box, ['--sign', 'nobody'])).stderr, /expected to read a key in nobody, found ENOENT/);
  assert.match((await ledger(box, ['append', '-', '--sign', 'alice'])).stderr, /expected one row with --sign/);
  chmodSync(join(box.root, 'home/ledger/keys/alice'), 0o640);
  assert.match((await approve(box, ['--sign', 'alice'])).stderr, /readable by its owner alone, found mode 640/);
});

test('a signed row of somebody else is appended as it is, once; in another ledger, decision or time it is refused', async (t) => {
  const box = await signedLedger(t);
  const text = await heldBack(box);
  const replays = {
    decision: text.replace('"d1"', '"d2"'),
    time: text.replace(/"occurred_at":"[^"]+"/, '"occurred_at":"2026-11-22T00:00:00.000Z"'),
    key: text.replace(/"signed:[0-9A-Z]+"/, '"signed:2"'),
    intent: text.replace('"approve"', '"reject"'),
    more: text.replace('"action"', '"reason":"added","action"'),
  };
  for (const [what, replay] of Object.entries(replays)) {
    assert.notEqual(replay, text);
    assert.equal(await refusal(ledger(box, ['append', replay])), 'SIGNATURE_INVALID', what);
  }
  assert.equal(await refusal(ledger(box, ['append', text, '--agent', 'x'])), 'MEMBER_VALUE');
  // What this environment says of every row is not said of a row that is signed already.
  const landed = await done(box, ['append', '-'], { stdin: text, env: { ...box.env, LEDGER_AGENT: 'coder' } });
  assert.match(landed.stdout, /^landed seq=2/);
  assert.match((await done(box, ['append', text])).stdout, /^duplicate seq=2/);
  const unsigned = JSON.stringify({ ...(JSON.parse(text) as object), signature: undefined });
  require(box, []);
  assert.equal(await refusal(ledger(box, ['append', unsigned])), 'IDEMPOTENCY_CONFLICT', 'a signature is content');
  renameSync(box.dir, join(box.root, 'old'));
  rmSync(box.stateHome, { recursive: true, force: true });
  await done(box, ['init', '-q']);
  assert.equal(await refusal(ledger(box, ['append', text])), 'SIGNATURE_INVALID', 'another ledger');
  const late = await approve(box, ['--sign', 'alice', '--occurred-at', new Date(Date.now() - 25 * 3_600_000).toISOString()]); // prettier-ignore
  assert.match(late.stderr, /expected a signature of the last 24 hours/);
});

test('a signed row that has to wait is chained later as it was signed', async (t) => {
  const box = await signedLedger(t);
  await approve(box, ['--sign', 'alice']);
  const holder = await holdLock(box);
  const waiting = await approve(box, ['--sign', 'alice']);
  assert.match(waiting.stdout, /^spilled/, waiting.stderr);
  await holder.release();
  await done(box, ['append', 'plain.row']);
  const rows = rowsOf(box.ledger);
  assert.equal(rows.filter(({ spill_id: id }) => id !== undefined).length, 1);
  assert.deepEqual(codes(await verified(box, ['--strict'])), []);
  assert.equal((await verified(box)).signed_rows, 2);
});

test('a ledger that was put in the place of another gets no row that was signed for that one', async (t) => {
  const box = await signedLedger(t);
  const library = openLedger({ dir: box.dir });
  t.after(() => library.close());
  await library.append([{ action: 'plain.row' }]);
  process.env['XDG_CONFIG_HOME'] = box.env['XDG_CONFIG_HOME'];
  const row = await library.sign({ action: 'approval.added', decision_id: 'd1', payload: JSON.parse(APPROVAL) as Record<string, unknown> }, 'alice'); // prettier-ignore
  const other = chainOf({ identity: { ledgerId: '01JTESTTESTTESTTESTTESTTE2', origin: 'x', lock: 'kernel' } });
  writeFileSync(box.ledger, `${other.lines.join('\n')}\n`);
  await assert.rejects(library.append([row]), { code: 'SIGNATURE_INVALID' });
  assert.equal(rowsOf(box.ledger).filter(({ action }) => action === 'approval.added').length, 0);
});

test('verify finds what whoever can write the file wrote in: forged, unsigned, by a key that nobody trusts', async (t) => {
  const box = await signedLedger(t);
  const chain = chainOf();
  writeLedger(box.dir, chain.lines);
  const good = JSON.parse(await heldBack(box)) as Record<string, unknown>;
  await done(box, ['key', 'new', 'mallory']);
  await done(box, ['key', 'trust', 'mallory', '--actor', 'mallory', '--role', 'sre']);
  const forged = { ...good, decision_id: 'd2', idempotency_key: 'k2' };
  const byMallory = await ledger(box, ['append', 'approval.added', '--decision-id', 'd3', '--payload', APPROVAL.replace('alice', 'mallory'), '--sign', 'mallory', '--dry-run']); // prettier-ignore
  const keys = (settings(box)['keys'] as object[]).slice(0, 1);
  writeFileSync(config(box), JSON.stringify({ ...settings(box), keys }));
  for (const row of [good, forged, { ...good, signature: undefined }, JSON.parse(byMallory.stdout) as typeof good])
    chain.add(row, { tsMs: Date.now() });
  writeLedger(box.dir, chain.lines);
  const expected = ['SIGNATURE_INVALID 3', 'SIGNATURE_MISSING 4', 'UNKNOWN_KEY 5'];
  assert.deepEqual(codes(await verified(box)), expected);
  // The same where lines are read one by one, since one of them is odd.
  chain.lines.push('{"torn');
  writeLedger(box.dir, chain.lines);
  assert.deepEqual(codes(await verified(box)), [...expected, 'TORN 6']);
  // Whoever trusts nobody is told that nothing of it was checked.
  writeFileSync(join(box.root, 'none.json'), '{}');
  const { signatures, signed_rows: signed } = await verified(box, ['--config', join(box.root, 'none.json')]);
  assert.deepEqual([signatures, signed], ['not-checked', 3]);
});

test('an approval whose signature does not hold is none, for governance and for a stranger', async (t) => {
  const box = await signedLedger(t);
  require(box, []);
  const say = (action: string, payload: object): Promise<Ended> =>
    done(box, ['append', action, '-q', '--decision-id', 'd1', '--payload', JSON.stringify(payload)]);
  await say('decision.created', { action: 'deploy_code', context: {}, policy_version: '3' });
  await say('authority.required', { required_roles: ['sre'], min_signatures: 1 });
  await say('approval.added', JSON.parse(APPROVAL) as object);
  await say('enforcement.result', { result: 'allow', allow_if: [], unmet_conditions: [] });
  const judged = async (): Promise<string[]> => {
    const { stdout } = await ledger(box, ['verify', '--governance', '--json']);
    const { governance } = JSON.parse(stdout) as { governance: { findings: { code: string }[] } };
    return governance.findings.map(({ code }) => code);
  };
  assert.deepEqual(await judged(), []);
  require(box, ['approval.added']);
  assert.deepEqual(await judged(), ['TOO_FEW_APPROVERS', 'ROLE_MISSING']);
  const story = (await ledger(box, ['reconstruct', 'd1'])).stdout;
  assert.match(story, /Missing[^]*Approval added, row 4: its signature does not hold/);
  assert.doesNotMatch(story, /alice \(sre\) agreed/);
  assert.match((await ledger(box, ['decisions'])).stdout, /TOO_FEW_APPROVERS/);
  await approve(box, ['--sign', 'alice']);
  assert.match((await ledger(box, ['reconstruct', 'd1'])).stdout, /alice \(sre\) agreed · signed with the key SHA256:/);
});

test('trusting a key leaves every other byte of the config as it was', async (t) => {
  const box = await signedLedger(t);
  const before =
    '{\n  // ours\n  "caps": [ { "usd": "5.00", "per": "day" } ], // five\n  /* last */ "timezone": "UTC"\n}\n';
  writeFileSync(config(box), before, { mode: 0o644 });
  chmodSync(config(box), 0o644);
  await done(box, ['key', 'trust', 'alice', '--actor', 'alice']);
  const after = readFileSync(config(box), 'utf8');
  assert.ok(after.startsWith(before.slice(0, before.lastIndexOf('"UTC"') + 5)), after);
  assert.equal(statSync(config(box)).mode & 0o777, 0o644);
  assert.match((await done(box, ['key', 'trust', 'alice', '--actor', 'alice'])).stdout, /was trusted so already/);
  assert.equal(readFileSync(config(box), 'utf8'), after);
  const changed = await done(box, ['key', 'trust', 'alice', '--actor', 'alice', '--role', 'sre', '--role', 'lead', '--until', '2027-01-01T00:00:00Z']); // prettier-ignore
  assert.match(changed.stdout, /is trusted otherwise now/);
  const { stdout } = await done(box, ['key', 'list', '--json']);
  const [{ roles, until: end } = {}] = (JSON.parse(stdout) as { keys: { roles?: string[]; until?: string }[] }).keys;
  assert.deepEqual([roles, end], [['sre', 'lead'], '2027-01-01T00:00:00.000Z']);
  writeFileSync(config(box), '{"caps": 5}');
  assert.equal((await ledger(box, ['key', 'trust', 'alice', '--actor', 'alice'])).status, 2);
  assert.equal(readFileSync(config(box), 'utf8'), '{"caps": 5}', 'a config that says nonsense stays as it is');
});

test('ssh-agent signs with a key that it holds, and a key behind a passphrase asks for it', async (t) => {
  const box = await signedLedger(t);
  const has = await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', 'secret', '-C', 'bob', '-f', join(box.root, 'bob')]).catch(() => undefined); // prettier-ignore
  if (has?.status !== 0) return t.skip('no ssh-keygen here');
  const key = join(box.root, 'bob');
  await done(box, ['key', 'trust', `${key}.pub`, '--actor', 'bob', '--role', 'sre']);
  const as = (name: string, env = box.env): Promise<Ended> =>
    ledger(box, ['append', 'approval.added', '--decision-id', 'd1', '--payload', APPROVAL.replace('alice', 'bob'), '--sign', name], { env }); // prettier-ignore
  assert.match((await as(key)).stderr, /without a passphrase, or in ssh-agent; found no ssh-agent/);
  const socket = join(box.root, 'agent');
  const agent = start(['ssh-agent', '-D', '-a', socket]);
  atEnd(t, () => agent.child.kill());
  await until('the agent listens', () => statSync(socket, { throwIfNoEntry: false }) !== undefined);
  const env = { ...box.env, SSH_AUTH_SOCK: socket };
  assert.match((await as(key, env)).stderr, /found none in ssh-agent/);
  const ask = join(box.root, 'ask');
  writeFileSync(ask, '#!/bin/sh\necho secret\n', { mode: 0o700 });
  execFileSync('ssh-add', ['-q', key], { env: { ...env, SSH_ASKPASS: ask, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':0' }, stdio: 'ignore' }); // prettier-ignore
  const { stdout } = await ledger(box, ['key', 'list', '--json'], { env });
  const { keys } = JSON.parse(stdout) as { keys: { actor: string; fingerprint: string; sign_with: string[] }[] };
  const bob = keys.find(({ actor }) => actor === 'bob');
  assert.deepEqual(bob?.sign_with, ['ssh-agent']);
  for (const name of [key, `${key}.pub`, bob?.fingerprint ?? '']) assert.equal((await as(name, env)).status, 0, name);
  assert.equal((await verified(box)).signed_rows, 3);
  assert.deepEqual(codes(await verified(box)), []);
  mkdirSync(join(box.root, 'dead'));
  assert.match(
    (await as(key, { ...env, SSH_AUTH_SOCK: join(box.root, 'dead') })).stderr,
    /expected an answer of ssh-agent/,
  );
});

test('a row is refused before anybody is asked to sign it', async (t) => {
  const box = await signedLedger(t);
  const place = { dir: box.dir, configPath: config(box), env: { ...box.env, SSH_AUTH_SOCK: undefined } };
  const sign = (row: Map<string, never>): Promise<string> =>
    signForLater({ place, row, flags: new Map(), defaults: new Map(), key: 'alice', events: {} });
  await assert.rejects(sign(new Map([['action', 'approval.added' as never]])), { code: 'SCHEMA_MISMATCH' });
  await assert.rejects(sign(new Map([['signature', 'x' as never]])), { code: 'USAGE' });
});

test('what was signed counts once, in its place and its time, however it got into the file', async (t) => {
  const box = await signedLedger(t);
  const chain = chainOf();
  writeLedger(box.dir, chain.lines);
  const row = JSON.parse(await heldBack(box)) as Record<string, unknown>;
  const now = Date.parse(String(row['occurred_at']));
  chain.add(row, { tsMs: now });
  chain.add(row, { tsMs: now + 1 });
  const held = JSON.parse(await heldBack(box)) as Record<string, unknown>;
  chain.add(held, { tsMs: now + 25 * 3_600_000 });
  writeLedger(box.dir, chain.lines);
  assert.deepEqual(codes(await verified(box)), ['REPLAY 3', 'SIGNATURE_INVALID 4']);
  // Spelled so that another reader reads another row: the last of two members is the one that was signed.
  const twice = chainOf();
  const line = twice.add(row, { tsMs: now });
  const doubled = line.replace('"action"', '"outcome":"yes","outcome":"no","action"');
  const text = doubled.replace(/,"hash":"[0-9a-f]{64}"\}$/, '}');
  const hash = execFileSync('sha256sum', { input: text }).toString().slice(0, 64);
  writeLedger(box.dir, [twice.lines[0] as string, `${text.slice(0, -1)},"hash":"${hash}"}`]);
  assert.ok(codes(await verified(box)).includes('SIGNATURE_INVALID 2'));
});

test('a time that a spill record makes up ends no duty to sign, and brings back no key', async (t) => {
  const box = await signedLedger(t);
  require(box, [{ action: 'approval.added', since: '2026-06-01T00:00:00Z' }]);
  const chain = chainOf();
  const made = '01J00000000000000000000000';
  chain.add({ action: 'approval.added', decision_id: 'd1', payload: JSON.parse(APPROVAL) as object }, { tsMs: Date.now(), spillId: made }); // prettier-ignore
  writeLedger(box.dir, chain.lines);
  assert.deepEqual(codes(await verified(box)), ['SIGNATURE_MISSING 2']);
});

test('gates and settlements write no row that a person must sign', async (t) => {
  const box = await signedLedger(t);
  writeFileSync(config(box), JSON.stringify({ ...settings(box), caps: [{ usd: '5.00', per: 'day' }] }));
  const asked = ['gate', '--est', '0', '--action', 'approval.added', '--decision-id', 'd1', '--actor', 'alice'];
  assert.match((await ledger(box, asked)).stderr, /to be signed, found no signature/);
  assert.equal((await ledger(box, [...asked, '--', 'true'])).status, 125);
  const id = (await done(box, ['gate', '--est', '0.1', '--action', 'tool.used', '-q'])).stdout.trim();
  assert.equal(await refusal(ledger(box, ['settle', id, '--cost-usd', '0', '--action', 'approval.added', '--json'])), 'SIGNATURE_MISSING'); // prettier-ignore
  const over = await approve(box, ['--cost-usd', '9', '--sign', 'alice', '--enforce']);
  assert.match(over.stdout, /code=OVER_CAP/, over.stderr);
  assert.equal(over.status, 1);
});

test('an approval of a trail that nobody signed approves nothing', async (t) => {
  const box = await signedLedger(t);
  require(box, []);
  const say = (action: string, payload: object): Promise<Ended> =>
    done(box, ['append', action, '-q', '--run-id', 'r1', '--payload', JSON.stringify(payload)]);
  await say('draft.production', {
    draft_id: 'd',
    version: 1,
    output_shape: '1 page',
    flags: [],
    presented_to: 'alice',
  });
  await say('approval', { draft_id: 'd', version: 1, approver: 'alice', destination: 'x', model_provider: 'p', model_id: 'm' }); // prettier-ignore
  await say('surface.delivery', { target: 'x', outcome: 'delivered' });
  assert.equal((await ledger(box, ['verify', '--governance'])).status, 0);
  require(box, ['approval']);
  const { stdout } = await ledger(box, ['verify', '--governance']);
  assert.match(stdout, /DELIVERED_WITHOUT_APPROVAL run r1, row 4/);
  assert.match((await ledger(box, ['runs'])).stdout, /DELIVERED_WITHOUT_APPROVAL/);
});

test('what is no key is an error at once: a pipe, a folder, a device; several keys in a file are none', async (t) => {
  const box = await signedLedger(t);
  const pipe = join(box.root, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const path of [pipe, box.root, '/dev/zero']) {
    assert.match((await approve(box, ['--sign', path])).stderr, /expected a private Ed25519 key/, path);
    assert.equal((await ledger(box, ['key', 'trust', path, '--actor', 'x'])).status, 2, path);
  }
  const line = readFileSync(join(box.root, 'home/ledger/keys/alice.pub'), 'utf8');
  writeFileSync(join(box.root, 'two.pub'), line + line);
  assert.equal((await ledger(box, ['key', 'trust', join(box.root, 'two.pub'), '--actor', 'x'])).status, 2);
  assert.equal((await ledger(box, ['key', 'trust', line.trim(), '--actor', 'alice', '--role', 'sre'])).status, 0);
});

test('who ends a key says its roles no second time; several who trust at once write over nobody', async (t) => {
  const box = await signedLedger(t);
  const ended = await done(box, ['key', 'trust', 'alice', '--actor', 'alice', '--until', '2036-01-01T00:00:00Z']);
  assert.match(ended.stdout, /in the role sre, until 2036-01-01T00:00:00\.000Z/);
  const more = await done(box, [
    'key',
    'trust',
    'alice',
    '--actor',
    'alice',
    '--role',
    'sre',
    '--role',
    'cfo',
    '--json',
  ]);
  assert.equal((JSON.parse(more.stdout) as { until: string }).until, '2036-01-01T00:00:00.000Z');
  await done(box, ['key', 'trust', 'alice', '--actor', 'alice', '--until', 'never']);
  const names = ['k1', 'k2', 'k3', 'k4'];
  for (const name of names) await done(box, ['key', 'new', name]);
  await Promise.all(names.map((name) => done(box, ['key', 'trust', name, '--actor', name])));
  assert.equal((settings(box)['keys'] as unknown[]).length, 5);
});

test('after init the settings that are comments can be taken in one by one, behind the key too', async (t) => {
  const box = sandbox(t);
  box.env['XDG_CONFIG_HOME'] = join(box.root, 'home');
  await done(box, ['init', '-q']);
  await done(box, ['key', 'new', 'alice']);
  await done(box, ['key', 'trust', 'alice', '--actor', 'alice']);
  const text = readFileSync(config(box), 'utf8');
  writeFileSync(config(box), text.replace('// "require_signature"', '"require_signature"'));
  const { stdout } = await done(box, ['key', 'list', '--json']);
  assert.deepEqual((JSON.parse(stdout) as { require_signature: string[] }).require_signature, ['approval.added', 'override.added']); // prettier-ignore
});
