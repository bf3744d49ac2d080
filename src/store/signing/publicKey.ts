/** The public half of whatever a person names: nothing is unlocked for it. */
import { LedgerError } from '../../core/errors';
import { fingerprintOf, readPublicKey } from '../../core/signing/keys';
import type { PublicKey } from '../../core/signing/keys';
import type { TrustedKeys } from '../../core/signing/signature';
import { COMMAND } from './commandSigner';
import { keysInFolder, readPublicFile } from './keyFiles';
import { findSigner, HMAC, keyPath } from './signer';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * @param word the line of a key, or as `findSigner` takes it; a fingerprint may be that of a trusted key
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE
 */
export async function findPublicKey(word: string, env: Env, trusted: TrustedKeys): Promise<PublicKey> {
  const bytes = trusted.get(word)?.publicKey;
  if (bytes !== undefined) return { bytes, comment: '' };
  return publicKeyAtHand(word, env) ?? (await findSigner(word, env)).publicKey;
}

/**
 * The same, where no agent and no command need be asked.
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE
 */
export function publicKeyAtHand(word: string, env: Env): PublicKey | undefined {
  const line = readPublicKey(word);
  if (line !== undefined || word.startsWith(COMMAND)) return line;
  if (word.startsWith('SHA256:')) return keysInFolder(env).find(({ publicKey }) => fingerprintOf(publicKey) === word)?.publicKey; // prettier-ignore
  if (word.startsWith(HMAC))
    throw new LedgerError('KEY_UNUSABLE', 'expected a key with a public half, found a shared secret');
  return readPublicFile(keyPath(word, env));
}
