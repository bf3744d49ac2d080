/** Secrets are told by kind and place, wherever they stand in a row, and never by what they say; what is none is let through. */
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import test from 'node:test';
import { parseConfig } from '../../src/core/config';
import { LedgerError } from '../../src/core/errors';
import { nextUlid, ULID_RANDOM_BYTES, ulidAt } from '../../src/core/ids';
import { storedJson, toJson } from '../../src/core/json';
import type { JsonObject } from '../../src/core/json';
import { secretsIn } from '../../src/core/secrets';
import { Catalogues } from '../../src/store/catalogue/catalogues';
import { detectSecrets } from '../../src/store/secrets/detectSecrets';
import { statePaths } from '../../src/store/paths';
import { Secrets } from '../../src/store/secrets/secrets';
import { EXAMPLES, filler, GITHUB_TOKEN, PRIVATE_KEYS } from '../support/secrets';

const rowOf = (members: object): JsonObject => toJson({ action: 'a.b', ...members }) as JsonObject;
const foundIn = (members: object): string[] =>
  secretsIn(rowOf(members), detectSecrets).map(
    ({ path, kind, inName }) => `${path}: ${kind}${inName ? ' in name' : ''}`,
  );
const cataloguesWith = (config: object): Catalogues =>
  new Catalogues({
    config: parseConfig(JSON.stringify(config), 'c'),
    configPath: undefined,
    paths: statePaths('.', {}),
  });

const nothing = (): void => assert.fail('warned');

function refusalOf(act: () => unknown): LedgerError {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof LedgerError);
    return error;
  }
  return assert.fail('not refused');
}

test('one of each kind, under any name and within a text', () => {
  for (const [kind, text] of EXAMPLES) {
    assert.equal(foundIn({ note: text })[0], `note: ${kind}`, text);
    assert.equal(foundIn({ payload: { log: `failed with ${text} (403)` } })[0], `payload.log: ${kind}`, text);
  }
});

test('where it stands, in the order in which it stands', () => {
  const row = {
    reason: `used ${GITHUB_TOKEN}`,
    payload: { 'a.b': [{ ok: 1 }, ['x', PRIVATE_KEYS[0]]], env: { aws_secret_access_key: filler(40) } },
  };
  assert.deepEqual(foundIn(row), [
    'reason: GitHub Token',
    'payload.a.b[1][1]: private key',
    'payload.env.aws_secret_access_key: AWS Secret Access Key',
  ]);
});

test('a name that is one is not said, nor is it in the path of what stands below it', () => {
  const row = { payload: { [GITHUB_TOKEN]: { deep: GITHUB_TOKEN } } };
  assert.deepEqual(foundIn(row), ['payload.…: GitHub Token in name', 'payload.….deep: GitHub Token']);
});

test('what is said of any of them holds no part of it', () => {
  for (const [kind, text] of EXAMPLES) {
    const { message, hint, place } = refusalOf(() => new Secrets('refuse').cleaned(rowOf({ x: text, [text]: text }), () => undefined, false));
    const said = JSON.stringify({ message, hint, place });
    for (let at = 0; at + 8 <= text.length; at += 4) {
      const part = text.slice(at, at + 8);
      if (/\d/.test(part)) assert.ok(!said.includes(part), `${kind}: ${part}`);
    }
  }
}); // prettier-ignore

test('a comment in a text switches nothing off', () => {
  assert.deepEqual(foundIn({ note: `secretlint-disable ${GITHUB_TOKEN}` }), ['note: GitHub Token']);
});

test('ids, digests, encoded bytes and addresses without a password are none', () => {
  let ulid = ulidAt(Date.UTC(2026, 5, 1), randomBytes(ULID_RANDOM_BYTES));
  for (let i = 0; i < 2_000; i++) {
    ulid = nextUlid(Date.UTC(2026, 5, 1) + i, randomBytes(ULID_RANDOM_BYTES), ulid);
    const digest = (how: string): Buffer => createHash(how).update(String(i)).digest();
    const row = {
      run_id: ulid,
      ref: randomUUID(),
      commit: digest('sha1').toString('hex'),
      payload: {
        sha256: digest('sha256').toString('hex'),
        integrity: `sha512-${digest('sha512').toString('base64')}`,
        body: randomBytes(600).toString('base64'),
        url: `https://acme.example:8443/${randomBytes(20).toString('base64url')}?by=ann@acme.example`,
        signature: digest('sha512').toString('base64url'),
        devops_pipeline_npm_install_step: 'npm_config_cache_max_age_in_seconds_is_set',
      },
    };
    assert.deepEqual(foundIn(row), [], JSON.stringify(row));
  }
});

test('the modes', () => {
  const row = rowOf({ reason: `see ${GITHUB_TOKEN}`, payload: { [GITHUB_TOKEN]: 1, b: 'x' } });
  const refusal = refusalOf(() => new Secrets('refuse').cleaned(row, nothing, false));
  assert.equal(refusal.code, 'SECRET');
  assert.equal(refusal.place?.member, 'reason');
  assert.match(refusal.message, /found reason: GitHub Token; payload\.…: GitHub Token in its name$/);

  const hashed = new Secrets('hash').cleaned(row, nothing, false);
  const sha256 = createHash('sha256').update(JSON.stringify(row.get('reason'))).digest('hex');
  assert.equal(hashed.get('reason'), `secret omitted, sha256 ${sha256}`);
  assert.ok(!storedJson(hashed).includes(GITHUB_TOKEN));
  assert.equal((hashed.get('payload') as JsonObject).get('b'), 'x');
  assert.equal(new Secrets('hash').cleaned(hashed, nothing, false), hashed);

  const heard: string[] = [];
  const warned = new Secrets('warn').cleaned(row, (secrets) => heard.push(...secrets.map(({ path }) => path)), false);
  assert.equal(warned, row);
  assert.deepEqual(heard, ['reason', 'payload.…']);
  assert.equal(new Secrets('off').cleaned(row, nothing, false), row);
}); // prettier-ignore

test('a row that tells of what cannot be undone has a hash where another is refused', () => {
  const kept = new Secrets('refuse').cleaned(rowOf({ reason: GITHUB_TOKEN }), nothing, true);
  assert.match(kept.get('reason') as string, /^secret omitted, sha256 [0-9a-f]{64}$/);
});

test('refused by default, and before anything is said that quotes the row', () => {
  const nowMs = Date.UTC(2026, 5, 1);
  const wrong = [
    { action: GITHUB_TOKEN },
    { action: 'a.b', provenance: GITHUB_TOKEN },
    { action: 'policy.gate', decision_id: 'd', payload: { gate_id: 'g', result: GITHUB_TOKEN, reason: 'r' } },
    { action: 'tool.call', run_id: 'r', payload: { reasoning: GITHUB_TOKEN } },
  ];
  for (const row of wrong) {
    const { code, message } = refusalOf(() => cataloguesWith({}).checked(toJson(row), { nowMs }));
    assert.equal(code, 'SECRET');
    assert.ok(!message.includes(GITHUB_TOKEN));
    const hashed = refusalOf(() => cataloguesWith({ secrets: 'hash' }).checked(toJson(row), { nowMs }));
    assert.ok(!hashed.message.includes(GITHUB_TOKEN), hashed.message);
  }
});

test('the setting is one of five', () => {
  for (const mode of ['refuse', 'seal', 'hash', 'warn', 'off']) assert.equal(parseConfig(`{"secrets":"${mode}"}`, 'c').secrets, mode);
  assert.match(refusalOf(() => parseConfig('{"secrets":"hide"}', 'c')).message, /secrets to be one of refuse, seal, hash, warn, off/);
  assert.match(refusalOf(() => parseConfig('{"secrets":true}', 'c')).message, /secrets to be one of/);
}); // prettier-ignore

test('behind a colour, a written line end and in JSON within a text', () => {
  const escape = String.fromCharCode(27);
  for (const before of [
    `${escape}[31m`,
    `${escape}[1;32m`,
    '\\u001b[0m',
    '\\n',
    '\\\\n',
    '\\t',
    '%0A',
    '%0d',
    'x\\r\\n',
  ])
    for (const kind of [
      'GitHub Token',
      'npm access token',
      'Hugging Face User Access Token',
      'Databricks personal access token',
    ]) {
      const [, text = ''] = EXAMPLES.find(([name]) => name === kind) ?? [];
      assert.deepEqual(foundIn({ note: `log${before}${text}` }), [`note: ${kind}`], before);
    }
  const inner = JSON.stringify({ a: 'first\n' + GITHUB_TOKEN, secretAccessKey: filler(40) });
  for (const note of [inner, JSON.stringify(inner), JSON.stringify(JSON.stringify(inner))])
    assert.deepEqual(foundIn({ note }).sort(), ['note: AWS Secret Access Key', 'note: GitHub Token']);
});

test('what stands for a secret, and what only has the shape of one, is none', () => {
  const body = (length: number): string => 'x'.repeat(length);
  const texts = [
    'postgres://app:REDACTED@db.acme.org:5432/app',
    'mysql://app:<redacted>@db.acme.org/app',
    'mongodb+srv://app:***@cluster0.acme.org/app',
    'https://deploy:XXXXXXXX@git.acme.org/x',
    'https://REDACTED:x-oauth-basic@github.com/acme/x',
    `ghp_${body(36)}`,
    `glpat-${body(20)}`,
    `sk-ant-api03-${body(93)}AA`,
    `sk-${body(20)}T3BlbkFJ${body(20)}`,
    `AWS_SECRET_ACCESS_KEY=${body(40)}`,
    `https://hooks.slack.com/services/T00000000/B00000000/${body(24)}`,
    'xoxb-REDACTED-REDACTED',
    'xapp-gateway-production-blue-ingress',
    'npm_package_scripts_build_production_ser',
  ];
  for (const text of texts) assert.deepEqual(foundIn({ note: `see ${text} there` }), [], text);
  assert.deepEqual(foundIn({ payload: { secretAccessKey: body(40) } }), []);
});

test('a secret next to what stands for one is found', () => {
  const real = filler(16);
  assert.deepEqual(foundIn({ note: `postgres://REDACTED:${real}@db.acme.org/app` }), ['note: PostgreSQL connection string']);
  assert.deepEqual(foundIn({ note: `ghp_${'x'.repeat(36)} and ${GITHUB_TOKEN}` }), ['note: GitHub Token']);
  assert.deepEqual(foundIn({ note: `xoxb-xxxxxxxxxxxx-${filler(13)}-${filler(24)}` }), ['note: slack token']);
  assert.deepEqual(foundIn({ note: `ghp_${'x'.repeat(20)}${real}` }), ['note: GitHub Token']);
}); // prettier-ignore

test('the header of a key with a sentence behind it is no key', () => {
  const header = `${'-'.repeat(5)}BEGIN PRIVATE KEY${'-'.repeat(5)}`;
  const commit = createHash('sha1').update('x').digest('hex');
  for (const between of [' in commit ', '\nfound in commit ', '\\nremoved by ', ': '])
    assert.deepEqual(foundIn({ note: `${header}${between}${commit}` }), [], between);
  const body = filler(64);
  for (const between of ['\n', '\\n', '\\\\n', '%0A', '\n  ', '\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB01\n\n', '\\nComment: of ann\\n\\n', '\n> ', '\\n" +\n "'])
    assert.deepEqual(foundIn({ note: `${header}${between}${body}` }), ['note: private key'], between);
}); // prettier-ignore

test('hostile headers and backslashes are looked at in time', () => {
  const header = `${'-'.repeat(5)}BEGIN PRIVATE KEY${'-'.repeat(5)}`;
  const texts = [
    `${header}${'Aa: "Bb: '.repeat(10_000)}`,
    `${header}${'Aa: b  '.repeat(10_000)}`.repeat(5),
    `${header}${'\\'.repeat(100_000)}`,
    `${header}\n`.repeat(5_000),
    '\\'.repeat(200_000),
    '\\u001b['.repeat(30_000),
    `\\u001b[${'1;'.repeat(100_000)}`,
  ];
  const start = performance.now();
  for (const text of texts) detectSecrets(text);
  assert.ok(performance.now() - start < 4_000, `${performance.now() - start} ms`);
});

test('no part of a signature or of a key of a webhook is said', () => {
  const nowMs = Date.UTC(2026, 5, 1);
  const webhook = { action: 'proof.webhook', idempotency_key: GITHUB_TOKEN, payload: { source: 's', event_id: 'e' } };
  const rows = [{ action: 'a.b', signature: GITHUB_TOKEN }, { action: 'a.b', signature: { [GITHUB_TOKEN]: 1, keyid: GITHUB_TOKEN } }, webhook];
  for (const row of rows) {
    assert.equal(refusalOf(() => cataloguesWith({}).checked(toJson(row), { nowMs })).code, 'SECRET');
    const { message, hint } = refusalOf(() => cataloguesWith({ secrets: 'hash' }).checked(toJson(row), { nowMs }));
    assert.ok(!`${message}${hint ?? ''}`.includes(GITHUB_TOKEN), message);
  }
}); // prettier-ignore
