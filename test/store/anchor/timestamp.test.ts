/** Time stamps by a local authority: openssl signs them, and checks what is kept. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { readStampAnswer } from '../../../src/core/anchor/timestamp';
import { ANCHOR_LIMITS } from '../../../src/store/anchor/context';
import { anchorAt, judgeAt, outcomeOf, serve } from '../../support/anchors';
import { headedLedger } from '../../support/heads';

const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'no openssl here';

interface Authority {
  readonly folder: string;
  readonly ca: string;
  reply(query: Buffer): Buffer;
}

/** A certificate that may stamp, and the settings of `openssl ts`. */
function authority(t: TestContext): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'ledger-tsa-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('tsa.cnf'), `[req]\ndistinguished_name=name\nx509_extensions=stamps\nprompt=no\n[name]\nCN=Test authority\n[stamps]\nextendedKeyUsage=critical,timeStamping\nbasicConstraints=CA:TRUE\n[tsa]\ndefault_tsa=one\n[one]\nserial=${at('serial')}\ncrypto_device=builtin\nsigner_cert=${at('ca.pem')}\nsigner_key=${at('key.pem')}\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\naccuracy=secs:1\nordering=yes\n`); // prettier-ignore
  writeFileSync(at('serial'), '01\n');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-config', at('tsa.cnf'), '-keyout', at('key.pem'), '-out', at('ca.pem')], { stdio: 'ignore' }); // prettier-ignore
  const reply = (query: Buffer): Buffer => {
    writeFileSync(at('query.tsq'), query);
    execFileSync('openssl', ['ts', '-reply', '-config', at('tsa.cnf'), '-queryfile', at('query.tsq'), '-out', at('reply.tsr')], { stdio: 'ignore' }); // prettier-ignore
    return readFileSync(at('reply.tsr'));
  };
  return { folder, ca: at('ca.pem'), reply };
}

test('a head is stamped, the stamp is kept, and stock tools check it', { skip }, async (t) => {
  const tsa = authority(t);
  const ledger = headedLedger(t);
  const url = await serve(t, (request, body, response) => {
    assert.equal(request.headers['content-type'], 'application/timestamp-query');
    assert.equal(request.headers.authorization, `Basic ${Buffer.from('me:s3cret/').toString('base64')}`);
    response.setHeader('content-type', 'application/timestamp-reply');
    response.end(tsa.reply(body));
  });
  const target = `rfc3161:${url.replace('http://', 'http://me:s3cret%2F@')}/tsr?token=t0ken`;
  const head = ledger.checkpoint(12);
  const before = Math.floor(Date.now() / 1000) * 1000;
  const [result] = await anchorAt(ledger, head, [target]);
  assert.equal(outcomeOf(result), 'ok');
  const [row] = ledger.rows().filter(({ action }) => action === 'audit.anchor');
  const { time, file, to } = row?.payload as Record<string, string>;
  assert.ok(Date.parse(time ?? '') >= before && Date.parse(time ?? '') <= Date.now() + 1000);
  assert.ok(!/s3cret|t0ken/.test(JSON.stringify(ledger.rows())) && to === `rfc3161:${url}/tsr?…`);
  // An auditor: the head's text is what is above the blank line of the note.
  writeFileSync(join(tsa.folder, 'head.txt'), head.note.text);
  const args = ['ts', '-verify', '-in', join(ledger.located.paths.dir, file ?? ''), '-data', join(tsa.folder, 'head.txt'), '-CAfile', tsa.ca]; // prettier-ignore
  assert.equal(spawnSync('openssl', args).status, 0);
  const unchecked = await judgeAt(ledger, [head], [target]);
  assert.deepEqual([unchecked.anchors[0]?.state, unchecked.anchors[0]?.since, unchecked.anchored_until], ['not-checked', time, null]); // prettier-ignore
  const checked = await judgeAt(ledger, [head], [`${target}#ca=${tsa.ca}`]);
  assert.deepEqual([checked.anchors[0]?.state, checked.anchors[0]?.since, checked.anchored_until], ['held', time, 12]);
  assert.equal(checked.anchors[0]?.by, new URL(url).host);
  const other = authority(t);
  const mistrusted = await judgeAt(ledger, [head], [`${target}#ca=${other.ca}`]);
  assert.deepEqual([mistrusted.anchors[0]?.state, mistrusted.anchored_until], ['missing', null]);
  assert.match(mistrusted.anchors[0]?.why ?? '', /do not bear its stamp out/);
  const none = await judgeAt(ledger, [head], [`${target}#ca=${join(tsa.folder, 'none.pem')}`]);
  assert.match(none.anchors[0]?.why ?? '', /no such file/);
});

test('an answer that is none, or to another question, is no stamp', { skip }, async (t) => {
  const tsa = authority(t);
  const ledger = headedLedger(t);
  const head = ledger.checkpoint(12);
  let first: Buffer | undefined;
  const refusal = Buffer.from('3013301102010230060c046e6f70650304000000ff', 'hex');
  const answers: readonly [string, (query: Buffer) => Buffer, RegExp][] = [
    ['nothing', () => Buffer.alloc(0), /no time stamp/],
    ['a page', () => Buffer.from('<html>'), /no time stamp/],
    ['a refusal', () => Buffer.from('30053003020102', 'hex'), /a refusal, status 2/],
    ['garbage', () => refusal, /no time stamp|a refusal/],
    ['cut short', (query) => tsa.reply(query).subarray(0, 200), /no time stamp/],
    ['for another head', (query) => tsa.reply(altered(query, 30)), /a stamp of something else/],
    ['for another question', (query) => tsa.reply(altered(query, query.length - 8)), /another question/],
    ['an older answer', (query) => (first ??= tsa.reply(altered(query, query.length - 8))), /another question/],
    ['too much', () => Buffer.alloc(300_000), /too long/],
  ];
  for (const [what, answer, message] of answers) {
    const url = await serve(t, (_, body, response) => void response.end(answer(body)));
    const [result] = await anchorAt(ledger, head, [`rfc3161:${url}/${what.replaceAll(' ', '-')}`]);
    assert.match(outcomeOf(result), message, what);
  }
  assert.deepEqual(readdirSync(ledger.located.paths.checkpoints), ['12.txt']);
});

function altered(query: Buffer, at: number): Buffer {
  const copy = Buffer.from(query);
  copy[at] = (copy[at] as number) ^ 0x01;
  return copy;
}

test('a stamp that the named certificates do not bear out is not kept', { skip }, async (t) => {
  const [tsa, other] = [authority(t), authority(t)];
  const ledger = headedLedger(t);
  const url = await serve(t, (_, body, response) => void response.end(tsa.reply(body)));
  const head = ledger.checkpoint(12);
  const outcome = async (ca: string): Promise<string> => outcomeOf((await anchorAt(ledger, head, [`rfc3161:${url}#ca=${ca}`]))[0]); // prettier-ignore
  assert.match(await outcome(other.ca), /do not bear out/);
  assert.deepEqual(readdirSync(ledger.located.paths.checkpoints), ['12.txt']);
  assert.equal(await outcome(tsa.ca), 'ok');
});

test('who does not answer, or sends elsewhere, has failed', async (t) => {
  const ledger = headedLedger(t);
  const head = ledger.checkpoint(12);
  const limits = { ...ANCHOR_LIMITS, httpMs: 200 };
  let followed = 0;
  const hanging = await serve(t, () => undefined);
  const dripping = await serve(t, (_, __, response) => void response.write('3'));
  const elsewhere = await serve(t, () => void followed++);
  const moved = await serve(t, (_, __, response) => void response.writeHead(302, { location: elsewhere }).end());
  const down = await serve(t, (_, __, response) => void response.writeHead(503).end());
  const texts = [hanging, dripping, moved, down, 'http://127.0.0.1:1'].map((url) => `rfc3161:${url}/`);
  const outcomes = (await anchorAt(ledger, head, texts, { run: { limits } })).map(outcomeOf);
  const wanted = [
    /no answer within 0.2 s/,
    /no answer within 0.2 s/,
    /HTTP status 302/,
    /HTTP status 503/,
    /ECONNREFUSED|no answer/,
  ];
  for (const [i, message] of wanted.entries()) assert.match(outcomes[i] ?? '', message);
  assert.equal(followed, 0);
});

test('no bytes make the reader of answers throw', () => {
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(
      Array.from({ length: i % 40 }, (_, k) => (i * 2654435761 + k * 40503 + ((i * k) >> 3)) & 0xff),
    );
    if (i % 2 === 0 && bytes.length > 2) bytes.set([0x30, bytes.length - 2]);
    readStampAnswer(bytes);
  }
});
