/** From what a person says (`--sign KEY`) to something that signs: a key in a file, one that ssh-agent holds, a command, a secret. */
import { sign, verify } from 'node:crypto';
import { LedgerError } from '../../core/errors';
import { fingerprintOf, isSoundKey, verifierOf } from '../../core/signing/keys';
import type { PublicKey } from '../../core/signing/keys';
import type { KeySigner, Signer } from '../../core/signing/signer';
import { join } from 'node:path';
import { statOf } from '../files';
import { agentKeys, signWithAgent } from './agent';
import { COMMAND, commandSigner } from './commandSigner';
import { hmacSigner } from './hmacFile';
import { hasKey, isKeyName, keyFolder, keysInFolder, readKeyFile, readPublicFile } from './keyFiles';

type Env = Readonly<Record<string, string | undefined>>;

export const HMAC = 'hmac:';

/**
 * @param word as `findSigner` takes it, or `hmac:FILE`
 * @param stateDir the state folder: no secret may lie there
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE
 */
export async function openSigner(word: string, env: Env, stateDir?: string): Promise<Signer> {
  return word.startsWith(HMAC) ? hmacSigner(word.slice(HMAC.length), stateDir) : findSigner(word, env);
}

/**
 * Signs where anybody is to check it: with Ed25519.
 * @param word the name of a key that `ledger key new` made, the path of a private key, the path of a `.pub` file or the
 *   fingerprint `SHA256:…` of a key that ssh-agent holds, or `cmd:PROGRAM ARGS…`, a command that signs
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE
 */
export async function findSigner(word: string, env: Env): Promise<KeySigner> {
  if (word.startsWith(HMAC))
    throw new LedgerError('KEY_UNUSABLE', 'expected a key whose signatures anybody can check, found a shared secret', {
      hint: 'rows, checkpoints and rotations are signed with an Ed25519 key: ledger key new NAME',
    });
  return checking(await signerOf(word, env), word);
}

/**
 * A signer that a program hands in, where one is to sign that anybody can check.
 * @throws LedgerError KEY_UNUSABLE
 */
export function keySignerOf(signer: Signer): KeySigner {
  const { alg, publicKey } = signer;
  if (alg === 'ed25519' && publicKey !== undefined && isSoundKey(Buffer.from(publicKey.bytes))) {
    const key = { bytes: Buffer.from(publicKey.bytes), comment: publicKey.comment };
    return checking(
      keySigner(key, (bytes) => signer.sign(bytes)),
      signer.keyId,
    );
  }
  throw new LedgerError('KEY_UNUSABLE', `expected a signer with an Ed25519 key, found ${alg} without a sound one`);
}

/** What signs: where it lies. */
async function signerOf(word: string, env: Env): Promise<KeySigner> {
  if (word.startsWith(COMMAND)) return commandSigner(word, env);
  if (word.startsWith('SHA256:')) return byFingerprint(word, env);
  const path = keyPath(word, env);
  if (path.endsWith('.pub')) return fromAgent(readPublicFile(path), env, path);
  const { key, publicKey } = await readKeyFile(path, env);
  if (key === undefined) return fromAgent(publicKey, env, path);
  return keySigner(publicKey, (bytes) => Promise.resolve(sign(null, bytes, key)));
}

function keySigner(publicKey: PublicKey, signs: KeySigner['sign']): KeySigner {
  return { alg: 'ed25519', keyId: fingerprintOf(publicKey), publicKey, sign: signs };
}

/** An agent, a command or a broken machine may give anything: what leaves here holds. */
function checking(signer: KeySigner, word: string): KeySigner {
  const verifier = verifierOf(signer.publicKey.bytes);
  const signs = async (bytes: Uint8Array): Promise<Buffer> => {
    const signature = await signer.sign(bytes);
    if (verify(null, bytes, verifier, signature)) return signature;
    const found = `expected a signature by ${signer.keyId}, found one that is not of this key: ${word}`;
    throw new LedgerError('KEY_UNUSABLE', found);
  };
  return { ...signer, sign: signs };
}

/** Where the key of that name or path is; `alice.pub` lies beside `alice`, where there is no such file here. */
export function keyPath(word: string, env: Env): string {
  const named = join(keyFolder(env), word);
  const isName = isKeyName(word) || (isKeyName(word.replace(/\.pub$/, '')) && statOf(word) === undefined);
  return isName && hasKey(word, env) ? named : word;
}

async function byFingerprint(fingerprint: string, env: Env): Promise<KeySigner> {
  const made = keysInFolder(env).find(({ publicKey }) => fingerprintOf(publicKey) === fingerprint);
  if (made !== undefined) return signerOf(made.path, env);
  const held = await heldByAgent(env, (key) => fingerprintOf(key) === fingerprint);
  if (held !== undefined) return held;
  throw new LedgerError('KEY_UNUSABLE', `expected a key ${fingerprint}, found none of yours with that fingerprint`, {
    hint: '"ledger key list" shows the keys that you can sign with',
  });
}

async function heldByAgent(env: Env, isIt: (key: PublicKey) => boolean): Promise<KeySigner | undefined> {
  const socket = env['SSH_AUTH_SOCK'];
  const held = socket ? (await agentKeys(socket)).find(isIt) : undefined;
  return held && socket ? keySigner(held, (bytes) => signWithAgent(socket, held, bytes)) : undefined;
}

/** A key without its private half in reach: the agent must hold it. */
async function fromAgent(publicKey: PublicKey, env: Env, path: string): Promise<KeySigner> {
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
