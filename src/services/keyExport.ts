/** `ledger key export`: the public half of a key, as other tools read it. The private half never leaves its file. */
import { LedgerError } from '../core/errors';
import { isKeyName, noteKeyOf, noteKeyText } from '../core/note/note';
import { fingerprintOf, publicKeyLine, verifierOf } from '../core/signing/keys';
import { readIdentity } from '../store/ledger/genesis';
import { locate } from '../store/ledger/locate';
import type { LocatedLedger, Place } from '../store/ledger/locate';
import { findPublicKey } from '../store/signing/publicKey';

export const KEY_FORMATS = ['ssh', 'pem', 'jwk', 'note', 'allowed-signers'] as const;
export type KeyFormat = (typeof KEY_FORMATS)[number];

export interface KeyExport {
  readonly fingerprint: string;
  readonly format: KeyFormat;
  /** Ends in a newline. */
  readonly text: string;
}

/**
 * @param name whose it is, in a note key or a line of allowed signers; default: the ledger's origin, and the actor
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE, USAGE, LEDGER_MISSING
 */
export async function exportKey(
  place: Place,
  word: string,
  format: KeyFormat,
  name: string | undefined,
): Promise<KeyExport> {
  // prettier-ignore
  const located = locate(place);
  const { bytes } = await findPublicKey(word, place.env, located.config.keys);
  const fingerprint = fingerprintOf({ bytes });
  const actor = located.config.keys.get(fingerprint)?.actor;
  return { fingerprint, format, text: textOf(bytes, format, () => name ?? (format === 'note' ? undefined : actor) ?? originOf(located)) }; // prettier-ignore
}

function textOf(bytes: Buffer, format: KeyFormat, name: () => string): string {
  const line = publicKeyLine({ bytes, comment: '' });
  switch (format) {
    case 'ssh':
      return `${line}\n`;
    case 'pem':
      return verifierOf(bytes).export({ type: 'spki', format: 'pem' }) as string;
    case 'jwk':
      return `${JSON.stringify(verifierOf(bytes).export({ format: 'jwk' }))}\n`;
    case 'note':
      return `${noteKeyText(noteKeyOf(noteName(name()), bytes))}\n`;
    case 'allowed-signers':
      return `${principal(name())} ${line}\n`;
  }
}

function noteName(name: string): string {
  if (isKeyName(name)) return name;
  throw new LedgerError('USAGE', `expected --name to be one word without "+", found ${JSON.stringify(name)}`);
}

/** As ssh-keygen takes it: a list of patterns. */
function principal(name: string): string {
  if (/^[^\s",*?!#]+$/u.test(name)) return name;
  throw new LedgerError('USAGE', `expected --name to be one word without , * ? ! # and quotes, found ${JSON.stringify(name)}`); // prettier-ignore
}

function originOf({ paths }: LocatedLedger): string {
  const origin = readIdentity(paths)?.origin;
  if (origin !== undefined) return origin;
  throw new LedgerError('LEDGER_MISSING', `expected a ledger in ${paths.dir} whose key it is, found none`, {
    hint: 'say whose it is with --name',
  });
}
