/** The keys by which tree heads are checked: those that a person names, else those of the settings. */
import { LedgerError, orNothing } from '../../core/errors';
import { headKeysOf, headKeysOfSettings } from '../../core/evidence/headKeys';
import type { GivenKey, HeadKeys } from '../../core/evidence/headKeys';
import { readNoteKey } from '../../core/note/note';
import type { NoteKey } from '../../core/note/note';
import { KeyTrust } from '../../core/signing/trustWalk';
import { readIdentity } from '../ledger/genesis';
import { locate } from '../ledger/locate';
import type { Place } from '../ledger/locate';
import { readKeyBytes } from '../signing/keyBytes';
import { publicKeyAtHand } from '../signing/publicKey';

/**
 * @param words note keys (C2SP), lines of SSH keys, files that hold one of these, or names of own keys; none: the settings
 * @param origin of the ledger that was signed for: if it is the one at hand, its rows may say who signs for it
 * @throws LedgerError READ_FAILED, KEY_UNUSABLE, CONFIG_INVALID
 */
export async function findHeadKeys(place: Place, words: readonly string[], origin: string): Promise<HeadKeys> {
  if (words.length > 0) return givenKeys(words, place.env);
  const { paths, config } = locate(place);
  const isHere = config.keys.size > 0 && orNothing(() => readIdentity(paths))?.origin === origin;
  // The whole ledger is searched for rotations.
  const trust = isHere
    ? (await (await import('../signing/ledgerTrust')).ledgerTrust({ config, paths })).trust
    : new KeyTrust(config.keys);
  return headKeysOfSettings(config.keys, trust);
}

function givenKeys(words: readonly string[], env: Place['env']): HeadKeys {
  const given: GivenKey[] = [];
  const witnesses: NoteKey[] = [];
  for (const word of words) {
    const note = readNoteKey(word) ?? noteKeyInFile(word);
    if (note?.kind === 'cosignature') witnesses.push(note);
    else if (note !== undefined) given.push({ origin: note.name, publicKey: note.publicKey });
    else given.push({ origin: undefined, publicKey: publicKeyOf(word, env) });
  }
  return headKeysOf(given, witnesses);
}

function noteKeyInFile(path: string): NoteKey | undefined {
  const text = orNothing(() => readKeyBytes(path).toString('utf8'));
  return text === undefined ? undefined : readNoteKey(text.trim());
}

function publicKeyOf(word: string, env: Place['env']): Buffer {
  const key = publicKeyAtHand(word, env);
  if (key !== undefined) return key.bytes;
  throw new LedgerError('KEY_UNUSABLE', `expected a public Ed25519 key, found ${JSON.stringify(word.slice(0, 100))}`, {
    hint: 'give a note key "NAME+HASH+BASE64", the line "ssh-ed25519 AAAA…", or a file that holds one of these',
  });
}
