/** Files of keys: those that `ledger key new` made lie in one folder, by name; others are named by their path. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { errnoOf, LedgerError, orNothing } from '../../core/errors';
import { newPrivateKey, privateKeyText, publicKeyLine, readPrivateKey, readPublicKey } from '../../core/signing/keys';
import type { LockedKey, PrivateKey, PublicKey } from '../../core/signing/keys';
import { closeQuietly, ensureFolder, syncData, syncFolder, writeAll } from '../files';

type Env = Readonly<Record<string, string | undefined>>;

const PUBLIC = '.pub';
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** No key is longer. */
const MAX_KEY_BYTES = 64 << 10;

/** `$XDG_CONFIG_HOME/ledger/keys`. */
export function keyFolder(env: Env): string {
  const config = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return resolve(config, 'ledger', 'keys');
}

/** Whether a word can be the name of a key in the folder. */
export function isKeyName(word: string): boolean {
  return NAME.test(word) && !word.endsWith(PUBLIC);
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
      const key = orNothing(() => readPrivateKey(readText(path)));
      return key === undefined ? [] : [{ path, publicKey: key.publicKey }];
    });
}

/**
 * Makes a key: `path` is its owner's alone, `path.pub` is for everybody.
 * @throws LedgerError KEY_UNUSABLE where there is such a file, NOT_WRITABLE
 */
export function makeKey(path: string, comment: string, check: number): PrivateKey {
  const made = newPrivateKey(comment);
  const folder = resolve(path, '..');
  try {
    ensureFolder(folder);
    createFile(path, privateKeyText(made, check), 0o600);
    try {
      createFile(`${path}${PUBLIC}`, `${publicKeyLine(made.publicKey)}\n`, 0o644);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
    syncFolder(folder);
    return made;
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
export function readKeyFile(path: string): PrivateKey | LockedKey {
  const text = readText(path, true);
  const key = readPrivateKey(text);
  if (key !== undefined) return key;
  if (text.startsWith('-----BEGIN ENCRYPTED PRIVATE KEY-----'))
    throw new LedgerError(
      'KEY_UNUSABLE',
      `expected a private key without a passphrase in ${path}, found one behind it`,
      {
        place: { segment: path },
        hint: 'of keys in the form of OpenSSH those behind a passphrase can sign, through ssh-agent: ssh-keygen -t ed25519',
      },
    );
  throw new LedgerError('KEY_UNUSABLE', `expected a private Ed25519 key in ${path}, found another kind, or none`, {
    place: { segment: path },
    hint: 'make one with "ledger key new NAME" or "ssh-keygen -t ed25519"',
  });
}

/**
 * @param path of a `.pub` file, or of a private key with one beside it
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE
 */
export function readPublicFile(path: string): PublicKey {
  const text = readText(path);
  const key = readPublicKey(text) ?? readPrivateKey(text)?.publicKey;
  if (key !== undefined) return key;
  throw new LedgerError('KEY_UNUSABLE', `expected an Ed25519 key in ${path}, found another kind, or none`, {
    place: { segment: path },
    hint: 'the line of a .pub file begins with ssh-ed25519',
  });
}

/** Keys may be reached through links, as those in ~/.ssh often are. */
function readText(path: string, isSecret = false): string {
  try {
    // A pipe must not be waited for.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(fd);
      if (!stats.isFile() || stats.size > MAX_KEY_BYTES) return '';
      const isOthers = (stats.mode & 0o077) !== 0 && stats.uid === process.geteuid?.();
      if (isSecret && isOthers) throw tooOpen(path, stats.mode);
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw new LedgerError(
      'READ_FAILED',
      `expected to read a key in ${path || '(no name)'}, found ${errnoOf(error) ?? String(error)}`,
      {
        place: { segment: path },
        hint: 'a key is the path of a file, or the name of one that "ledger key new" made: "ledger key list" shows them',
        cause: error,
      },
    );
  }
}

function tooOpen(path: string, mode: number): LedgerError {
  const found = (mode & 0o777).toString(8);
  return new LedgerError('KEY_UNUSABLE', `expected ${path} to be readable by its owner alone, found mode ${found}`, {
    place: { segment: path },
    hint: `chmod 600 '${path}'; if others may have read it, make a new one`,
  });
}
