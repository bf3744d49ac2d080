/**
 * Who signed. A key that came with the page proves nothing: whoever changed the one could have changed the other. What
 * holds by such a key stays open until the reader has compared it, or given a key.
 */
import type { Bundle } from './bundle';
import { areEqual, fromHex, utf8 } from './bytes';
import type { Part } from './content';
import type { Finding } from './finding';
import { isSignature, noteKeyHash } from './keys';
import type { Key } from './keys';
import type { TreeHead } from './tree';

export interface Keys {
  readonly keys: readonly Key[];
  /** Whether the reader gave them; else they came with the page. */
  readonly areGiven: boolean;
}

export interface Signed {
  readonly part: Part;
  readonly finding?: Finding;
}

const ELSEWHERE = 'check it with "ledger bundle verify"';

export async function checkBundleSignature({ signature, contentHash }: Bundle, known: Keys): Promise<Signed> {
  const name = 'signature';
  const { alg, keyId, value } = signature;
  if (alg !== 'ed25519' && !known.areGiven)
    return unsure(name, `not checked: it is by a shared secret (${keyId}), which no page may ask for; ${ELSEWHERE}`);
  const key = known.keys.find(({ fingerprint }) => alg === 'ed25519' && fingerprint === keyId);
  const given = known.keys.map(({ fingerprint }) => fingerprint).join(', ');
  if (key === undefined && known.areGiven)
    return bad(name, 'UNKNOWN_KEY', `a signature by ${given}, the key that you gave`, `one by ${keyId} (${alg})`);
  if (key === undefined) return unsure(name, `not checked: it is said to be by ${keyId}; paste that key below`);
  const holds = await isSignature(key, utf8(`ledger-bundle/1\n${contentHash}`), fromHex(value));
  if (holds === false)
    return bad(name, 'SIGNATURE_INVALID', `a signature of this content by ${keyId}`, 'one that is not');
  return told(name, key, holds, known);
}

export async function checkHeadSignature({ text, origin, signatures }: TreeHead, known: Keys): Promise<Signed> {
  const name = 'tree head signature';
  for (const key of known.keys) {
    const id = noteKeyHash(origin, key);
    const own = signatures.filter((one) => one.name === origin && areEqual(one.bytes.slice(0, 4), id));
    let signed: Signed | undefined;
    for (const { bytes } of own) {
      const holds = await isSignature(key, utf8(text), bytes.slice(4));
      if (holds === false)
        return bad(
          name,
          'CHECKPOINT_INVALID',
          `a signature of this tree head by ${key.fingerprint}`,
          'one that is not',
        );
      signed = told(name, key, holds, known);
    }
    if (signed !== undefined) return signed;
  }
  if (known.keys.length === 0) return unsure(name, `not checked: there is no key for it here; ${ELSEWHERE}`);
  return unsure(name, 'not checked: it is by another key, so only who signed the bundle vouches for the tree head');
}

function told(name: string, { fingerprint }: Key, holds: true | undefined, { areGiven }: Keys): Signed {
  if (holds === undefined) return unsure(name, `not checked: this browser has no Ed25519; ${ELSEWHERE}`);
  if (areGiven) return { part: { name, state: 'good', text: `by the key that you gave, ${fingerprint}` } };
  return unsure(
    name,
    `holds by ${fingerprint}, a key that came with this page: compare it with the one you were given`,
  );
}

const unsure = (name: string, text: string): Signed => ({ part: { name, state: 'unsure', text } });

function bad(name: string, code: string, want: string, got: string): Signed {
  return { part: { name, state: 'bad', text: 'does not hold: see below' }, finding: { code, seq: null, want, got } };
}
