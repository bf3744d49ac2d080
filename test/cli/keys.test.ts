/** Keys with the shipped command: commands that sign, passphrases, forms that other tools read, rotations, and keys that are broken. */
import assert from 'node:assert/strict';
import { createHmac, sign } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import type { TestContext } from 'node:test';
import { newPrivateKey, publicKeyLine, readPublicPem } from '../../src/core/signing/keys';
import { rotationBytes, rotationPayload } from '../../src/core/signing/rotation';
import { openLedger, openSigner } from '../../src/index';
import type { Signer } from '../../src/index';
import { commandSigner } from '../../src/store/signing/commandSigner';
import { findSigner } from '../../src/store/signing/signer';
import { ensureBuilt } from '../support/built';
import { chainOf, writeLedger } from '../support/ledgers';
import { rowsOf } from '../support/miniVerifier';
import { LEDGER, missingTools, run } from '../support/process';
import type { Ended, RunOptions } from '../support/process';
import { ledger, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';

before(ensureBuilt);

const PASSPHRASE = 'correct horse';

/** A ledger with a key "ops" that is trusted to sign checkpoints. */
async function keyedLedger(t: TestContext): Promise<Sandbox> {
  const box = sandbox(t);
  box.env['XDG_CONFIG_HOME'] = join(box.root, 'home');
  delete box.env['SSH_AUTH_SOCK'];
  await done(box, ['init', '-q']);
  await done(box, ['key', 'new', 'ops', '-q']);
  writeFileSync(config(box), '{\n  // who signs\n  "signer": "ops"\n}\n');
  await done(box, ['key', 'trust', 'ops', '--actor', 'ops', '--role', 'checkpoint']);
  return box;
}

const config = (box: Sandbox): string => join(box.root, 'ledger.config.json');
const keyFile = (box: Sandbox, name: string): string => join(box.root, 'home/ledger/keys', name);

async function done(box: Sandbox, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const ended = await ledger(box, args, { timeoutMs: 20_000, ...options });
  assert.equal(ended.status, 0, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
  return ended;
}

async function refused(box: Sandbox, args: readonly string[], why: RegExp, options: RunOptions = {}): Promise<void> {
  const ended = await ledger(box, args, { timeoutMs: 20_000, ...options });
  assert.equal(ended.status, 2, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
  assert.match(ended.stderr, why);
}

const codesIn = async (box: Sandbox, args: readonly string[] = []): Promise<string[]> => {
  const { stdout } = await ledger(box, ['verify', '--json', ...args]);
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly { code: string; seq: number }[] };
  return findings.map(({ code, seq }) => `${code} ${seq}`);
};

/** A script that signs with a PEM key, as somebody would write one around a token. */
function signingScript(box: Sandbox, signature: string): string {
  const { key, publicKey } = newPrivateKey('token');
  writeFileSync(join(box.root, 'token.pem'), key.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(join(box.root, 'token.pub'), `${publicKeyLine(publicKey)}\n`);
  const path = join(box.root, 'token.sh');
  const made = `openssl pkeyutl -sign -inkey '${box.root}/token.pem' -rawin -in "$T"`;
  writeFileSync(
    path,
    `#!/bin/sh\nif [ "$LEDGER_SIGN" = public-key ]; then cat '${box.root}/token.pub'; exit; fi\n` +
      `T=$(mktemp); trap 'rm -f "$T"' EXIT; cat > "$T"\n${signature.replace('SIGN', made)}\n`,
    { mode: 0o755 },
  );
  return `cmd:${path}`;
}

test('a command signs, as base64 or as bytes', { skip: missingTools('openssl') }, async (t) => {
  const box = await keyedLedger(t);
  for (const form of ['SIGN | base64 -w 0', 'SIGN']) {
    const word = signingScript(box, form);
    await done(box, ['key', 'trust', join(box.root, 'token.pub'), '--actor', 'tom']);
    await done(box, ['append', 'a.b', '--sign', word]);
    assert.deepEqual(await codesIn(box, ['--strict']), []);
    assert.equal((await done(box, ['key', 'export', word])).stdout.trim(), readFileSync(join(box.root, 'token.pub'), 'utf8').trim().replace(' token', '')); // prettier-ignore
  }
  assert.equal(rowsOf(box.ledger).length, 3);
});

test('what a command answers is checked, and it is not waited for without end', async (t) => {
  const box = sandbox(t);
  const { key, publicKey } = newPrivateKey('x');
  const line = publicKeyLine(publicKey);
  const other = sign(null, Buffer.from('other'), key).toString('base64');
  const asked = (then: string, first = `echo '${line}'`): string => `cmd:if [ $LEDGER_SIGN = public-key ]; then ${first}; else ${then}; fi`; // prettier-ignore
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['cmd:', /expected a program, found none/],
    ['cmd:exit 3', /found exit status 3/],
    ['cmd:/nowhere/at/all', /found exit status 127/],
    ['cmd:echo ssh-rsa AAAA', /expected the line of an Ed25519 key/],
    [asked('exit 1'), /found exit status 1/],
    [asked('kill -9 $$'), /found its end by SIGKILL/],
    [asked('echo short'), /found 6 bytes of something else/],
    [asked(`echo ${other}`), /found one that is not of this key/],
    [asked('head -c 64 /dev/zero'), /found one that is not of this key/],
    [asked('head -c 100000 /dev/zero'), /found one that is too long/],
  ];
  for (const [word, why] of wrong) {
    const signing = findSigner(word, box.env).then((signer) => signer.sign(Buffer.from('bytes')));
    await assert.rejects(signing, (error: Error & { code?: string }) => error.code === 'KEY_UNUSABLE' && why.test(error.message), word); // prettier-ignore
  }
  const slow = commandSigner('cmd:sleep 20', box.env, { waitMs: 300 });
  await assert.rejects(slow, /found none in 0.3 s/);
});

test(
  'a key behind a passphrase: from a file or a descriptor, and never without',
  { skip: missingTools('openssl') },
  async (t) => {
    const box = await keyedLedger(t);
    const file = join(box.root, 'passphrase');
    writeFileSync(file, `not this one\n${PASSPHRASE}\n`, { mode: 0o600 });
    writeFileSync(`${file}.1`, `${PASSPHRASE}\n`, { mode: 0o600 });
    const withFile = (path: string): RunOptions => ({ env: { LEDGER_KEY_PASSPHRASE_FILE: path } });
    await done(box, ['key', 'new', 'locked', '--passphrase'], withFile(`${file}.1`));
    assert.equal(statSync(keyFile(box, 'locked')).mode & 0o777, 0o600);
    const opened = await run([
      'openssl',
      'pkey',
      '-in',
      keyFile(box, 'locked'),
      '-passin',
      `file:${file}.1`,
      '-pubout',
    ]);
    assert.equal((await done(box, ['key', 'export', 'locked', '--format', 'pem'])).stdout, opened.stdout);
    await done(box, ['key', 'trust', 'locked', '--actor', 'lea']);
    await done(box, ['append', 'a.b', '--sign', 'locked'], withFile(file));
    await refused(box, ['append', 'a.b', '--sign', 'locked'], /found nobody to ask for it/);
    writeFileSync(`${file}.2`, 'another one', { mode: 0o600 });
    await refused(box, ['append', 'a.b', '--sign', 'locked'], /found one that opens no Ed25519 key/, withFile(`${file}.2`)); // prettier-ignore
    chmodSync(file, 0o640);
    await refused(box, ['append', 'a.b', '--sign', 'locked'], /found mode 640/, withFile(file));
    // OpenSSL's own form, and a descriptor.
    const pem = join(box.root, 'pbkdf2.pem');
    await run(['openssl', 'genpkey', '-algorithm', 'ed25519', '-aes256', '-pass', `pass:${PASSPHRASE}`, '-out', pem]);
    const script = `printf '%s' '${PASSPHRASE}' | LEDGER_KEY_PASSPHRASE_FILE=/dev/fd/0 "$0" '${LEDGER}' append a.c --sign '${pem}'`;
    writeFileSync(`${pem}.pub`, `${await publicLine(pem)}\n`);
    await done(box, ['key', 'trust', pem, '--actor', 'pia']);
    const landed = await run(['sh', '-c', script, process.execPath], { env: box.env, cwd: box.root });
    assert.equal(landed.status, 0, landed.stderr);
    assert.deepEqual(await codesIn(box), []);
    writeFileSync(`${file}.3`, 'short', { mode: 0o600 });
    await refused(box, ['key', 'new', 'open', '--passphrase'], /8 characters or more/, withFile(`${file}.3`));
  },
);

/** Types at a terminal of its own, once something is asked: what is shown there, and how the command ended. */
const AT_TERMINAL = `
import os, pty, sys
typed, command = sys.argv[1].encode().split(b'|'), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0: os.execvp(command[0], command)
shown = b''
while True:
    try: part = os.read(terminal, 4096)
    except OSError: break
    if not part: break
    shown += part
    if (b'passphrase ' in part or b'again' in part) and typed: os.write(terminal, typed.pop(0) + b'\\r')
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

test('a passphrase is asked for at a terminal, and not shown', { skip: missingTools('python3') }, async (t) => {
  const box = await keyedLedger(t);
  const typing = (typed: string, ...args: string[]): Promise<Ended> =>
    run(['python3', '-c', AT_TERMINAL, typed, process.execPath, LEDGER, ...args], { env: box.env, cwd: box.root, timeoutMs: 20_000 }); // prettier-ignore
  const twice = await typing(`${PASSPHRASE}|${PASSPHRASE}`, 'key', 'new', 'locked', '--passphrase');
  assert.deepEqual([twice.status, twice.stdout.includes(PASSPHRASE)], [0, false], twice.stdout);
  await done(box, ['key', 'trust', 'locked', '--actor', 'lea']);
  const landed = await typing(`x\x7f${PASSPHRASE}`, 'append', 'a.b', '--sign', 'locked');
  assert.deepEqual([landed.status, landed.stdout.includes(PASSPHRASE)], [0, false], landed.stdout);
  const wrong: readonly (readonly [string, string[], RegExp])[] = [
    [`${PASSPHRASE}|${PASSPHRASE}.`, ['key', 'new', 'other', '--passphrase'], /expected the same passphrase twice/],
    ['short', ['key', 'new', 'other', '--passphrase'], /8 characters or more/],
    ['abc\x03', ['key', 'new', 'other', '--passphrase'], /found an interrupt/],
    ['not this one', ['append', 'a.b', '--sign', 'locked'], /opens no Ed25519 key/],
  ];
  for (const [typed, args, why] of wrong) {
    const ended = await typing(typed, ...args);
    assert.equal(ended.status, 2, ended.stdout);
    assert.match(ended.stdout, why);
  }
  assert.equal(statSync(keyFile(box, 'other'), { throwIfNoEntry: false }), undefined);
});

/** Of OpenSSL's PEM, the line that SSH has for it. */
async function publicLine(pem: string): Promise<string> {
  const { stdout } = await run(['openssl', 'pkey', '-in', pem, '-passin', `pass:${PASSPHRASE}`, '-pubout']);
  return publicKeyLine(readPublicPem(stdout) ?? assert.fail(stdout));
}

test('the public half in forms that other tools read', { skip: missingTools('openssl', 'ssh-keygen') }, async (t) => {
  const box = await keyedLedger(t);
  const shown = async (...args: string[]): Promise<string> =>
    (await done(box, ['key', 'export', 'ops', ...args])).stdout;
  const line = readFileSync(`${keyFile(box, 'ops')}.pub`, 'utf8');
  assert.equal(await shown(), `${line.split(' ').slice(0, 2).join(' ')}\n`);
  // PEM: openssl checks a signature with it.
  const message = join(box.root, 'message');
  writeFileSync(message, 'what is signed');
  writeFileSync(join(box.root, 'ops.pem'), await shown('--format', 'pem'));
  const signer = await findSigner('ops', box.env);
  writeFileSync(join(box.root, 'signature'), await signer.sign(readFileSync(message)));
  const checked = await run(['openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', join(box.root, 'ops.pem'), '-rawin', '-in', message, '-sigfile', join(box.root, 'signature')]); // prettier-ignore
  assert.match(checked.stdout, /Signature Verified Successfully/);
  // A line of allowed signers: ssh-keygen checks a file that the key signed.
  writeFileSync(join(box.root, 'allowed'), await shown('--format', 'allowed-signers'));
  await run(['ssh-keygen', '-q', '-Y', 'sign', '-n', 'file', '-f', keyFile(box, 'ops'), message]);
  const verified = await run(['ssh-keygen', '-Y', 'verify', '-f', join(box.root, 'allowed'), '-I', 'ops', '-n', 'file', '-s', `${message}.sig`], { stdin: readFileSync(message) }); // prettier-ignore
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  const origin = /"origin":"([^"]+)"/.exec(readFileSync(box.ledger, 'utf8'))?.[1] ?? '';
  assert.match(await shown('--format', 'note'), /^local\/[0-9A-Z]{26}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}\n$/);
  assert.ok((await shown('--format', 'note')).startsWith(`${origin}+`));
  assert.match(await shown('--format', 'note', '--name', 'example.org/log'), /^example\.org\/log\+/);
  assert.deepEqual(Object.keys(JSON.parse(await shown('--format', 'jwk')) as object).sort(), ['crv', 'kty', 'x']);
  const everything = (await Promise.all(['ssh', 'pem', 'jwk', 'note', 'allowed-signers'].map((format) => shown('--format', format, '--json')))).join(''); // prettier-ignore
  assert.ok(!everything.includes('PRIVATE') && !/"d"/.test(everything), 'never the private half');
  await refused(box, ['key', 'export', 'ops', '--format', 'note', '--name', 'two words'], /expected --name to be one word/); // prettier-ignore
  await refused(box, ['key', 'export', 'hmac:/etc/passwd'], /a shared secret/);
  await refused(box, ['key', 'list', '--format', 'pem'], /expected --format with "export" alone/);
});

test('a rotation: trusted and signing here at once, followed by whoever trusts the old key, said once', async (t) => {
  const box = await keyedLedger(t);
  writeFileSync(join(box.root, 'auditor.json'), readFileSync(config(box)));
  await done(box, ['key', 'new', 'ops2', '-q']);
  const { stdout } = await done(box, ['key', 'rotate', 'ops2', '--reason', 'a stolen laptop', '--actor', 'olga', '--json']); // prettier-ignore
  const answer = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual([answer['status'], answer['seq'], answer['roles'], answer['config_changed']], ['rotated', 2, ['bundle', 'checkpoint'], true]); // prettier-ignore
  const [, row] = rowsOf(box.ledger);
  assert.deepEqual([row?.['action'], row?.['actor'], row?.['reason']], ['audit.key-rotation', 'olga', 'a stolen laptop']); // prettier-ignore
  for (const args of [[], ['--strict'], ['--config', join(box.root, 'auditor.json')]]) assert.deepEqual(await codesIn(box, args), []); // prettier-ignore
  const settings = readFileSync(config(box), 'utf8');
  assert.match(settings, /\/\/ who signs\n {2}"signer": "ops2"/);
  const listed = JSON.parse((await done(box, ['key', 'list', '--json'])).stdout) as Record<string, { [name: string]: unknown }[]>; // prettier-ignore
  assert.deepEqual(listed['keys']?.map(({ roles, until }) => [roles, until !== null]), [[['checkpoint'], true], [['bundle', 'checkpoint'], false]]); // prettier-ignore
  assert.deepEqual(listed['signs']?.map(({ what, key }) => `${String(what)} ${String(key)}`), ['checkpoints ops2', 'bundles ops2']); // prettier-ignore
  const again = JSON.parse(
    (await done(box, ['key', 'rotate', 'ops2', '--old', 'ops', '--json'])).stdout,
  ) as typeof answer;
  assert.deepEqual([again['status'], again['seq'], again['config_changed']], ['finished', 2, false]);
  assert.equal(readFileSync(config(box), 'utf8'), settings);
  await done(box, ['key', 'new', 'mallory', '-q']);
  await refused(box, ['key', 'rotate', 'ops', '--old', 'mallory'], /trusted to sign checkpoints or bundles/);
  await refused(box, ['key', 'rotate', 'mallory', '--old', 'ops'], /trusted to sign checkpoints or bundles/);
  await refused(box, ['key', 'rotate', 'ops2', '--old', 'ops2'], /expected two keys/);
  assert.equal(rowsOf(box.ledger).length, 2);
  const back = await done(box, ['key', 'rotate', 'ops']);
  assert.match(back.stdout, /signs from now on/);
  assert.deepEqual(await codesIn(box), []);
});

test('of two rotations at once one is too late: a key is handed on once', async (t) => {
  const box = await keyedLedger(t);
  for (const name of ['b', 'c']) await done(box, ['key', 'new', name, '-q']);
  const ended = await Promise.all(['b', 'c', 'b', 'c'].map((next) => ledger(box, ['key', 'rotate', next, '--old', 'ops'], { timeoutMs: 30_000 }))); // prettier-ignore
  assert.ok(ended.some(({ status }) => status === 0) && ended.some(({ status }) => status === 2));
  assert.equal(rowsOf(box.ledger).length, 2);
  assert.deepEqual(await codesIn(box), []);
});

test(
  'a rotation stands behind the row that came while a key was asked',
  { skip: missingTools('openssl') },
  async (t) => {
    const box = await keyedLedger(t);
    const word = signingScript(box, 'sleep 1; SIGN');
    const rotating = ledger(box, ['key', 'rotate', word], { timeoutMs: 30_000 });
    for (let i = 0; i < 8; i++) await done(box, ['append', 'a.b', '-q']);
    const { status, stderr } = await rotating;
    assert.equal(status, 0, stderr);
    assert.equal(rowsOf(box.ledger).length, 10);
    assert.deepEqual(await codesIn(box), []);
  },
);

test('a ledger in which no key is trusted has its keys rotated, and is told what is missing', async (t) => {
  const box = await keyedLedger(t);
  writeFileSync(config(box), '{}');
  await refused(box, ['key', 'rotate', 'ops'], /expected --old, the key that signed until now/);
  await done(box, ['key', 'new', 'ops2', '-q']);
  const { stderr } = await done(box, ['key', 'rotate', 'ops2', '--old', 'ops']);
  assert.match(stderr, /no key is trusted here/);
  assert.equal(readFileSync(config(box), 'utf8'), '{}');
  assert.deepEqual(await codesIn(box), []);
});

test('settings that cannot be written leave the row, and the same call finishes it', async (t) => {
  const box = await keyedLedger(t);
  await done(box, ['key', 'new', 'ops2', '-q']);
  chmodSync(config(box), 0o400);
  await refused(box, ['key', 'rotate', 'ops2'], /row 2 holds the rotation, and the settings were not changed/);
  chmodSync(config(box), 0o600);
  const { stdout } = await done(box, ['key', 'rotate', 'ops2', '--json']);
  assert.match(stdout, /"status":"finished".*"config_changed":true/);
  assert.equal(rowsOf(box.ledger).length, 2);
});

test('verify names rotations that somebody wrote in', async (t) => {
  const box = await keyedLedger(t);
  const [old, next] = [newPrivateKey('old'), newPrivateKey('next')];
  writeFileSync(config(box), JSON.stringify({ keys: [{ actor: 'ops', roles: ['checkpoint'], key: publicKeyLine(old.publicKey) }] })); // prettier-ignore
  const chain = chainOf();
  const add = (by: typeof old, ledgerId = chain.identity.ledgerId): void => {
    const { seq, hash } = chain.head();
    const rotation = { old: by.publicKey, new: next.publicKey, roles: ['checkpoint'] as const, after: { seq, hash } };
    const bytes = rotationBytes(ledgerId, rotation);
    const oldSignature = sign(null, bytes, by.key);
    chain.addOwn('audit.key-rotation', rotationPayload({ ...rotation, oldSignature, newSignature: sign(null, bytes, next.key) })); // prettier-ignore
  };
  add(newPrivateKey('mallory'));
  add(old, '01JOTHEROTHEROTHEROTHEROTH');
  chain.addOwn('audit.key-rotation', { old: 'x' });
  add(old);
  add(old);
  writeLedger(box.dir, chain.lines);
  // The last one hands on what the old key no longer has, to a key that has it: nothing new.
  assert.deepEqual(await codesIn(box), ['UNKNOWN_KEY 2', 'SIGNATURE_INVALID 3', 'SIGNATURE_INVALID 4']);
  writeFileSync(config(box), '{}');
  assert.deepEqual(await codesIn(box), ['SIGNATURE_INVALID 3', 'SIGNATURE_INVALID 4']);
});

test('a corrupt key signs nothing and is never written over', async (t) => {
  const box = await keyedLedger(t);
  await done(box, ['key', 'new', 'ops2', '-q']);
  const whole = readFileSync(keyFile(box, 'ops'), 'utf8');
  const corrupt = [
    whole.slice(0, 200),
    whole.replace(/.{20}\n-----END/, 'A\n-----END'),
    'garbage',
    '',
    '\0'.repeat(400),
  ];
  for (const text of corrupt) {
    writeFileSync(keyFile(box, 'ops'), text);
    for (const args of [['append', 'a.b', '--sign', 'ops'], ['key', 'rotate', 'ops2'], ['key', 'new', 'ops']])
      await refused(box, args, args[1] === 'new' ? /expected no file at/ : /expected a private Ed25519 key in .*ops, found/); // prettier-ignore
    assert.equal(readFileSync(keyFile(box, 'ops'), 'utf8'), text);
    const { stdout } = await ledger(box, ['doctor', '-q']);
    assert.match(stdout, /^bad +signing key expected a private Ed25519 key in/m);
  }
  assert.equal(rowsOf(box.ledger).length, 1);
});

test('doctor looks at the key that signs: readable, its owner’s alone, trusted, outside the state folder', async (t) => {
  const box = await keyedLedger(t);
  const line = async (signer?: string): Promise<string> => {
    if (signer !== undefined) writeFileSync(config(box), readFileSync(config(box), 'utf8').replace(/"signer": "[^"]*"/, `"signer": "${signer}"`)); // prettier-ignore
    return (await ledger(box, ['doctor'])).stdout.split('\n').find((one) => one.includes('signing key')) ?? '';
  };
  assert.match(await line(), /^ok +signing key SHA256:\S+, trusted as ops \(checkpoint\)$/);
  chmodSync(keyFile(box, 'ops'), 0o644);
  assert.match(await line(), /^bad +signing key .*found mode 644/);
  chmodSync(keyFile(box, 'ops'), 0o600);
  await done(box, ['key', 'new', 'ops2', '-q']);
  assert.match(await line('ops2'), /^warn +signing key .*not trusted here to sign checkpoints/);
  const inside = join(box.dir, 'ops');
  writeFileSync(inside, readFileSync(keyFile(box, 'ops')), { mode: 0o600 });
  assert.match(await line(inside), /^warn +signing key .*lies in the state folder/);
  const mark = join(box.root, 'was-run');
  assert.match(await line(`cmd:touch ${mark}`), /^ok +signing key a command, which is not run here/);
  assert.equal(statSync(mark, { throwIfNoEntry: false }), undefined);
  assert.match(await line('nowhere'), /^bad +signing key expected to read a key in nowhere, found ENOENT/);
});

test('no key is made in the state folder, by no way', async (t) => {
  const box = await keyedLedger(t);
  mkdirSync(join(box.dir, 'sub'));
  symlinkSync(box.dir, join(box.root, 'link'));
  for (const path of [`${box.dir}/k`, './state/sub/k', './link/k', './state/../state/k'])
    await refused(box, ['key', 'new', path], /expected a place outside the state folder/);
  await done(box, ['key', 'new', './k', '-q']);
});

test('the library signs by a word, by a secret, and by whatever a program hands in', async (t) => {
  const box = await keyedLedger(t);
  const path = join(box.root, 'secret');
  const options = { dir: box.dir };
  writeFileSync(path, '00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210\n', { mode: 0o600 });
  const shared = await openSigner(`hmac:${path}`, options);
  assert.match(shared.keyId, /^hmac:[0-9a-f]{16}$/);
  const mac = createHmac('sha256', Buffer.from(readFileSync(path, 'utf8').trim(), 'hex'))
    .update('x')
    .digest();
  assert.deepEqual(await shared.sign(Buffer.from('x')), mac);
  const inside = join(box.dir, 'secret');
  writeFileSync(inside, readFileSync(path), { mode: 0o600 });
  await assert.rejects(openSigner(`hmac:${inside}`, options), /to lie outside the state folder/);
  chmodSync(path, 0o644);
  await assert.rejects(openSigner(`hmac:${path}`, options), /found mode 644/);
  writeFileSync(`${path}2`, 'too short', { mode: 0o600 });
  await assert.rejects(openSigner(`hmac:${path}2`, options), (error: Error) => !error.message.includes('too short'));
  await assert.rejects(openSigner('ops', { dri: '' } as object), { code: 'USAGE' });

  const { key, publicKey } = newPrivateKey('own');
  appendFileSync(join(box.root, 'own.pub'), publicKeyLine(publicKey));
  await done(box, ['key', 'trust', join(box.root, 'own.pub'), '--actor', 'own']);
  const own: Signer = {
    alg: 'ed25519',
    keyId: '',
    publicKey,
    sign: (bytes) => Promise.resolve(sign(null, bytes, key)),
  };
  const library = openLedger(options);
  t.after(() => library.close());
  await library.append([await library.sign({ action: 'a.b' }, own)]);
  assert.deepEqual(await codesIn(box), []);
  const liar: Signer = { ...own, sign: () => Promise.resolve(Buffer.alloc(64)) };
  await assert.rejects(library.sign({ action: 'a.b' }, liar), { code: 'KEY_UNUSABLE' });
  await assert.rejects(library.sign({ action: 'a.b' }, shared), { code: 'KEY_UNUSABLE' });
});
