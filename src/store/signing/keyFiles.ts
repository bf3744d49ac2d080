/** Files of keys: those that `ledger key new` made lie in one folder, by name; others are named by their path. */
import { openSync, readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { errnoOf, LedgerError, orNothing } from '../../core/errors';
import { privateKeyOf, publicKeyLine, readPrivateKey, readPublicKey, readPublicPem } from '../../core/signing/keys';
import type { LockedKey, PrivateKey, PublicKey } from '../../core/signing/keys';
import { decryptedKey, isEncryptedPem } from '../../core/signing/pkcs8';
import { closeQuietly, ensureFolder, statOf, syncData, syncFolder, writeAll } from '../files';
import { readKeyBytes } from './keyBytes';
import { passphrasesFor } from './passphrase';

type Env = Readonly<Record<string, string | undefined>>;

const PUBLIC = '.pub';
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** `$XDG_CONFIG_HOME/ledger/keys`. */
export function keyFolder(env: Env): string {
  const config = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return resolve(config, 'ledger', 'keys');
}

/** Whether a word can be the name of a key in the folder. */
export function isKeyName(word: string): boolean {
  return NAME.test(word) && !word.endsWith(PUBLIC);
}

/** Whether something stands in that key's place, be it damaged. */
export function hasKey(name: string, env: Env): boolean {
  return statOf(join(keyFolder(env), name)) !== undefined;
}

/** The keys in the folder, by name; without those whose files are no keys. */
export function keysInFolder(env: Env): { readonly path: string; readonly publicKey: PublicKey }[] {
  const folder = keyFolder(env);
  const names = orNothing(() => readdirSync(folder)) ?? [];
  return names
    .filter(isKeyName)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      const publicKey = orNothing(() => publicHalfOf(path));
      return publicKey === undefined ? [] : [{ path, publicKey }];
    });
}

/** What is behind a passphrase says nothing of itself: its `.pub` file does. */
function publicHalfOf(path: string): PublicKey | undefined {
  const text = readText(path);
  return isEncryptedPem(text) ? readPublicKey(readText(`${path}${PUBLIC}`)) : readPrivateKey(text)?.publicKey;
}

/**
 * Writes a new key: `path` is its owner's alone, `path.pub` is for everybody.
 * @param text of the private key's file
 * @throws LedgerError KEY_UNUSABLE where there is such a file, NOT_WRITABLE
 */
export function writeKey(path: string, text: string, publicKey: PublicKey): void {
  const folder = resolve(path, '..');
  try {
    ensureFolder(folder);
    createFile(path, text, 0o600);
    try {
      createFile(`${path}${PUBLIC}`, `${publicKeyLine(publicKey)}\n`, 0o644);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
    syncFolder(folder);
  } catch (error) {
    throw notMade(path, error);
  }
}

function notMade(path: string, error: unknown): LedgerError {
  if (error instanceof LedgerError) return error;
  if (errnoOf(error) === 'EEXIST')
    return new LedgerError('KEY_UNUSABLE', `expected no file at ${path} and ${path}${PUBLIC}, found one`, {
      hint: 'give another name: a key that is written over is gone',
    });
  return new LedgerError('NOT_WRITABLE', `expected to write ${path}, found ${errnoOf(error) ?? String(error)}`, {
    cause: error,
  });
}

function createFile(path: string, text: string, mode: number): void {
  const fd = openSync(path, 'wx', mode);
  try {
    writeAll(fd, Buffer.from(text));
    syncData(fd);
  } finally {
    closeQuietly(fd);
  }
}

/**
 * A private key's file, which others must not be able to read.
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE
 */
export async function readKeyFile(path: string, env: Env): Promise<PrivateKey | LockedKey> {
  const text = readText(path, true);
  if (isEncryptedPem(text)) return unlocked(path, text, env);
  const key = readPrivateKey(text);
  if (key === undefined) throw notAKey(path, text);
  return key;
}

/**
 * Whether a key could be read, as far as can be told without its passphrase.
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE
 */
export function checkKeyFile(path: string): void {
  const text = readText(path, true);
  if (!isEncryptedPem(text) && readPrivateKey(text) === undefined) throw notAKey(path, text);
}

function notAKey(path: string, text: string): LedgerError {
  const found = BEGINNING.test(text) ? 'one of another kind, or a damaged one' : 'another kind, or none';
  return new LedgerError('KEY_UNUSABLE', `expected a private Ed25519 key in ${path}, found ${found}`, {
    place: { segment: path },
    hint: 'a damaged one comes back from a backup alone, and nothing is written over it; another, under another name: "ledger key new NAME"',
  });
}

const BEGINNING = /^-----BEGIN [A-Z ]*PRIVATE KEY-----/;

async function unlocked(path: string, text: string, env: Env): Promise<PrivateKey> {
  for (const passphrase of await passphrasesFor(path, env)) {
    const key = decryptedKey(text, passphrase);
    const read = key && privateKeyOf(key, '');
    if (read !== undefined) return read;
  }
  throw new LedgerError('KEY_UNUSABLE', `expected the passphrase of ${path}, found one that opens no Ed25519 key`, {
    place: { segment: path },
    hint: 'another passphrase, another kind of key, or a damaged file',
  });
}

/**
 * @param path of a `.pub` file, of a public key in PEM, or of a private key with one beside it
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE
 */
export function readPublicFile(path: string): PublicKey {
  const text = readText(path);
  const key = readPublicKey(text) ?? readPublicPem(text) ?? publicHalfOf(path);
  if (key !== undefined) return key;
  throw new LedgerError('KEY_UNUSABLE', `expected an Ed25519 key in ${path}, found another kind, or none`, {
    place: { segment: path },
    hint: 'the line of a .pub file begins with ssh-ed25519',
  });
}

function readText(path: string, isSecret = false): string {
  return readKeyBytes(path, isSecret).toString('utf8');
}
