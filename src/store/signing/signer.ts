/** From what a person says (`--sign KEY`) to something that signs: a key in a file, or one that ssh-agent holds. */
import { sign } from 'node:crypto';
import { LedgerError } from '../../core/errors';
import { fingerprintOf } from '../../core/signing/keys';
import type { PublicKey } from '../../core/signing/keys';
import { join } from 'node:path';
import { statOf } from '../files';
import { agentKeys, signWithAgent } from './agent';
import { isKeyName, keyFolder, keysInFolder, readKeyFile, readPublicFile } from './keyFiles';

type Env = Readonly<Record<string, string | undefined>>;

export interface Signer {
  readonly publicKey: PublicKey;
  readonly sign: (data: Buffer) => Promise<Buffer>;
}

/**
 * @param word the name of a key that `ledger key new` made, the path of a private key, the path of a `.pub` file or the
 *   fingerprint `SHA256:…` of a key that ssh-agent holds
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE
 */
export async function findSigner(word: string, env: Env): Promise<Signer> {
  if (word.startsWith('SHA256:')) return byFingerprint(word, env);
  const path = keyPath(word, env);
  if (path.endsWith('.pub')) return fromAgent(readPublicFile(path), env, path);
  const { key, publicKey } = readKeyFile(path);
  if (key === undefined) return fromAgent(publicKey, env, path);
  return { publicKey, sign: (data) => Promise.resolve(sign(null, data, key)) };
}

/** Where the key of that name or path is; `alice.pub` lies beside `alice`, where there is no such file here. */
export function keyPath(word: string, env: Env): string {
  const named = join(keyFolder(env), word);
  const isName = isKeyName(word) || (isKeyName(word.replace(/\.pub$/, '')) && statOf(word) === undefined);
  return isName && statOf(named) !== undefined ? named : word;
}

async function byFingerprint(fingerprint: string, env: Env): Promise<Signer> {
  const made = keysInFolder(env).find(({ publicKey }) => fingerprintOf(publicKey) === fingerprint);
  if (made !== undefined) return findSigner(made.path, env);
  const held = await heldByAgent(env, (key) => fingerprintOf(key) === fingerprint);
  if (held !== undefined) return held;
  throw new LedgerError('KEY_UNUSABLE', `expected a key ${fingerprint}, found none of yours with that fingerprint`, {
    hint: '"ledger key list" shows the keys that you can sign with',
  });
}

async function heldByAgent(env: Env, isIt: (key: PublicKey) => boolean): Promise<Signer | undefined> {
  const socket = env['SSH_AUTH_SOCK'];
  const held = socket ? (await agentKeys(socket)).find(isIt) : undefined;
  return held && socket ? { publicKey: held, sign: (data) => signWithAgent(socket, held, data) } : undefined;
}

/** A key without its private half in reach: the agent must hold it. */
async function fromAgent(publicKey: PublicKey, env: Env, path: string): Promise<Signer> {
  const held = await heldByAgent(env, ({ bytes }) => bytes.equals(publicKey.bytes));
  if (held !== undefined) return held;
  const found = env['SSH_AUTH_SOCK'] ? 'none in ssh-agent' : 'no ssh-agent (SSH_AUTH_SOCK is not set)';
  throw new LedgerError(
    'KEY_UNUSABLE',
    `expected the key of ${path} without a passphrase, or in ssh-agent; found ${found}`,
    {
      place: { segment: path },
      hint: `ssh-add '${path.replace(/\.pub$/, '')}'`,
    },
  );
}
