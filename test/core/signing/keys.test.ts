/** Keys from elsewhere: other people's vectors, keys that prove nothing, and what lies behind a passphrase. */
import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes, sign, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { hmacKeyId, hmacKeyIn } from '../../../src/core/signing/hmacKey';
import { blobOf, isSoundKey, keyInBlob, newPrivateKey, privateKeyOf, readPublicKey, readPublicPem, verifierOf } from '../../../src/core/signing/keys'; // prettier-ignore
import { decryptedKey, encryptedPem, SEALING_BYTES } from '../../../src/core/signing/pkcs8';

const VECTORS = resolve(__dirname, '../../../../shared/vectors/noble-ed25519/test/vectors');
const skip = existsSync(VECTORS) ? false : 'the shared vectors are not here';

interface Vector {
  readonly priv: string;
  readonly pub: string;
  readonly msg: string;
  readonly sig: string;
}

test('RFC 8032: the same public keys and signatures, and none that was touched', { skip }, () => {
  const vectors = JSON.parse(readFileSync(join(VECTORS, 'rfc8032-ed25519.json'), 'utf8')) as readonly Vector[];
  assert.ok(vectors.length >= 4, 'there are vectors');
  for (const { priv, pub, msg, sig } of vectors) {
    const [message, signature] = [Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex')];
    const d = Buffer.from(priv, 'hex').toString('base64url');
    const x = Buffer.from(pub, 'hex').toString('base64url');
    const key = privateKeyOf(createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' }), '');
    assert.ok(key, pub);
    assert.equal(key.publicKey.bytes.toString('hex'), pub);
    assert.equal(sign(null, message, key.key).toString('hex'), sig);
    const verifier = verifierOf(key.publicKey.bytes);
    assert.ok(verify(null, message, verifier, signature));
    signature[40] = (signature[40] as number) ^ 1;
    assert.ok(!verify(null, message, verifier, signature));
    assert.ok(!verify(null, Buffer.concat([message, Buffer.of(0)]), verifier, Buffer.from(sig, 'hex')));
  }
});

interface EdgeCase {
  readonly message: string;
  readonly pub_key: string;
  readonly signature: string;
}

/** The order in which their makers list them: the first two are of a point of small order. */
test('of the edge cases that readers of Ed25519 disagree about, keys of small order are none', { skip }, () => {
  const cases = JSON.parse(readFileSync(join(VECTORS, 'ed25519/edge-cases.json'), 'utf8')) as readonly EdgeCase[];
  assert.ok(cases.length >= 10, 'there are cases');
  for (const { pub_key: hex } of cases.slice(0, 2)) assert.ok(!isSoundKey(Buffer.from(hex, 'hex')), hex);
});

const P = 2n ** 255n - 19n;
const littleEndian = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();

test('a key of small order, or in a second spelling, comes in nowhere', () => {
  const small = ['26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'].map((hex) => Buffer.from(hex, 'hex')); // prettier-ignore
  const notReduced = Array.from({ length: 19 }, (_, i) => littleEndian(P + BigInt(i)));
  const all = [...small, littleEndian(0n), littleEndian(1n), littleEndian(P - 1n), ...notReduced];
  for (const bytes of all.flatMap((one) => [one, withSign(one)])) {
    const hex = bytes.toString('hex');
    assert.ok(!isSoundKey(bytes), hex);
    assert.equal(keyInBlob(blobOf(bytes)), undefined, hex);
    assert.equal(readPublicKey(`ssh-ed25519 ${blobOf(bytes).toString('base64')} x`), undefined, hex);
    const pem = verifierOf(bytes).export({ type: 'spki', format: 'pem' }) as string;
    assert.equal(readPublicPem(pem), undefined, hex);
  }
  for (const bytes of [littleEndian(P - 2n), littleEndian(2n)]) assert.ok(isSoundKey(bytes));
  assert.ok(!isSoundKey(Buffer.alloc(31, 7)) && !isSoundKey(Buffer.alloc(33, 7)));
});

function withSign(bytes: Buffer): Buffer {
  const signed = Buffer.from(bytes);
  signed[31] = (signed[31] as number) | 0x80;
  return signed;
}

test('a key in PEM is read, one of another kind is not', () => {
  const { publicKey } = newPrivateKey('x');
  const pem = verifierOf(publicKey.bytes).export({ type: 'spki', format: 'pem' }) as string;
  assert.ok(readPublicPem(pem)?.bytes.equals(publicKey.bytes));
  assert.equal(readPublicPem(pem.replace('MCow', 'MCox')), undefined);
  assert.equal(readPublicPem(''), undefined);
});

test('what lies behind a passphrase comes back with it, and with no other', () => {
  const made = newPrivateKey('x');
  const pem = encryptedPem(made.key, 'réally secret', randomBytes(SEALING_BYTES));
  assert.ok(decryptedKey(pem, 'réally secret')?.equals(made.key));
  assert.equal(decryptedKey(pem, 'really secret'), undefined);
  assert.equal(decryptedKey(pem.replace(/\n[A-Z]/, '\n#'), 'réally secret'), undefined);
  assert.ok(!pem.includes(made.key.export({ type: 'pkcs8', format: 'der' }).toString('base64').slice(-20)));
});

test('a shared secret is hex, base64 or raw, 32 bytes or more, and drawn at random', () => {
  const key = randomBytes(32);
  key[0] = 0xff; // raw bytes that are no text
  const forms = [key, Buffer.from(`${key.toString('hex')}\n`), Buffer.from(key.toString('base64')), Buffer.from(`${key.toString('base64url')}\r\n`)]; // prettier-ignore
  for (const form of forms) assert.ok(hmacKeyIn(form)?.equals(key), form.toString('latin1'));
  const bad = [Buffer.alloc(0), Buffer.alloc(64), key.subarray(0, 31), Buffer.from(key.toString('hex').slice(2)), Buffer.from('0'.repeat(64)), Buffer.from('password')]; // prettier-ignore
  for (const form of bad) assert.equal(hmacKeyIn(form), undefined, form.toString('latin1'));
  assert.match(hmacKeyId(key), /^hmac:[0-9a-f]{16}$/);
  assert.notEqual(hmacKeyId(key), hmacKeyId(randomBytes(32)));
});
