/** `hmac:FILE`: a secret in a file, for bundles that two parties check who both have it. */
import { realpathSync } from 'node:fs';
import { LedgerError } from '../../core/errors';
import { hmacKeyId, hmacKeyIn, hmacOf, HMAC_KEY_BYTES } from '../../core/signing/hmacKey';
import type { Signer } from '../../core/signing/signer';
import { readKeyBytes } from './keyBytes';
import { isWithin } from '../paths';

/**
 * @param stateDir the state folder of the ledger, in which no secret may lie: it is copied and shown
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE; never with anything of the key
 */
export function hmacSigner(path: string, stateDir?: string): Signer {
  const key = hmacSecret(path, stateDir);
  return { alg: 'hmac-sha256', keyId: hmacKeyId(key), sign: (bytes) => Promise.resolve(hmacOf(key, bytes)) };
}

/** The secret itself, to check by. Errors as above. */
export function hmacSecret(path: string, stateDir?: string): Buffer {
  const file = readKeyBytes(path, true);
  if (stateDir !== undefined && isWithin(realpathSync(path), stateDir))
    throw new LedgerError('KEY_UNUSABLE', `expected ${path} to lie outside the state folder, found it in ${stateDir}`, {
      place: { segment: path },
      hint: 'who reads the ledger reads the key there: make a new one elsewhere',
    });
  const key = hmacKeyIn(file);
  if (key === undefined)
    throw new LedgerError('KEY_UNUSABLE', `expected ${HMAC_KEY_BYTES} random bytes or more in ${path}, found none`, {
      place: { segment: path },
      hint: 'make some, as hex: (umask 077; openssl rand -hex 32 > FILE); base64 and raw bytes are read, too',
    });
  return key;
}
