/** The keys that evidence is checked by: those that whoever checks names, else those that the settings trust. */
import { evidenceKeyOf, publicKeyOf, sharedKeyOf, trustedEvidenceKeys } from '../../core/bundle/keys';
import type { EvidenceKey } from '../../core/bundle/keys';
import { errnoOf, LedgerError, orNothing } from '../../core/errors';
import { readNoteKey } from '../../core/note/note';
import { readPublicKey } from '../../core/signing/keys';
import { KeyTrust } from '../../core/signing/trustWalk';
import { statOf } from '../files';
import { locate } from '../ledger/locate';
import type { Place } from '../ledger/locate';
import { hmacSecret } from '../signing/hmacFile';
import { MAX_KEY_BYTES } from '../signing/keyBytes';
import { readHandedFile } from '../handedFile';
import { ledgerTrust } from '../signing/ledgerTrust';

export interface KeysAsked {
  /** The line or the file of a public key, as SSH, OpenSSL or signed notes write it; the name of a key of one's own. */
  readonly keys: readonly string[];
  readonly hmacKeyFile: string | undefined;
}

/**
 * @returns where nothing is named and nothing is trusted: none
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE, CONFIG_INVALID
 */
export async function evidenceKeys(place: Place, { keys, hmacKeyFile }: KeysAsked): Promise<EvidenceKey[]> {
  const named = await Promise.all(keys.map((word) => keyNamed(word, place.env)));
  const shared = hmacKeyFile === undefined ? [] : [sharedKeyOf(hmacSecret(hmacKeyFile))];
  return named.length + shared.length > 0 ? [...named, ...shared] : trustedHere(place);
}

/** Where the ledger is at hand, its rotations tell which key counts for which of its sizes. */
async function trustedHere(place: Place): Promise<EvidenceKey[]> {
  const { config, paths } = locate(place);
  if (config.keys.size === 0) return [];
  const isHere = statOf(paths.ledger) !== undefined;
  const trust = isHere ? (await ledgerTrust({ config, paths })).trust : new KeyTrust(config.keys);
  return trustedEvidenceKeys(trust, config.keys);
}

async function keyNamed(word: string, env: Place['env']): Promise<EvidenceKey> {
  if (word === '') throw new LedgerError('USAGE', 'expected a key after --key, found an empty text');
  return keyInText(word) ?? keyInFile(await pathOf(word, env));
}

/** What signs, and starts programs for it, is loaded for names alone. */
async function pathOf(word: string, env: Place['env']): Promise<string> {
  return /[/.]/.test(word) ? word : (await import('../signing/signer')).keyPath(word, env);
}

function keyInText(text: string): EvidenceKey | undefined {
  const bytes = readPublicKey(text)?.bytes ?? readNoteKey(text.trim())?.publicKey;
  return bytes && publicKeyOf(bytes);
}

/** Of a private key's file that is behind a passphrase the public half will do: it lies beside it. */
function keyInFile(path: string): EvidenceKey {
  const text = textOf(path);
  if (text.includes('PRIVATE KEY')) return keyInFile(`${path}.pub`);
  const isOne = (text.trim().match(/^(?:ssh-|-----BEGIN )/gm) ?? []).length <= 1;
  const key = isOne ? (keyInText(text) ?? orNothing(() => evidenceKeyOf(text.trim()))) : undefined;
  if (key !== undefined) return key;
  throw new LedgerError(
    'KEY_UNUSABLE',
    `expected one Ed25519 public key in ${path}, found ${isOne ? 'none' : 'several'}`,
    {
      place: { segment: path },
      hint: 'a file with one key for each --key: the line "ssh-ed25519 AAAA…", PEM, or a note key',
    },
  );
}

function textOf(path: string): string {
  try {
    return readHandedFile(path, MAX_KEY_BYTES)?.toString('utf8') ?? '';
  } catch (error) {
    throw new LedgerError('READ_FAILED', `expected a public key in ${path}, found ${errnoOf(error) ?? String(error)}`, {
      place: { segment: path },
      hint: 'a .pub file, a PEM file, the line "ssh-ed25519 AAAA…", or the name of a key that "ledger key list" shows',
      cause: error,
    });
  }
}
