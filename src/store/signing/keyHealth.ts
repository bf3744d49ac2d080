/** The key that the settings sign with, as `doctor` sees it: nothing is unlocked, and no agent and no command is asked. */
import { realpathSync } from 'node:fs';
import { bad, ok, warn } from '../../core/checkup';
import type { Checkup } from '../../core/checkup';
import type { Config } from '../../core/config';
import { LedgerError } from '../../core/errors';
import { fingerprintOf } from '../../core/signing/keys';
import { isWithin } from '../paths';
import type { StatePaths } from '../paths';
import { COMMAND } from './commandSigner';
import { hmacSigner } from './hmacFile';
import { checkKeyFile } from './keyFiles';
import { publicKeyAtHand } from './publicKey';
import { HMAC, keyPath } from './signer';

type Env = Readonly<Record<string, string | undefined>>;
const NAME = 'signing key';

export function checkSigner(word: string, config: Config, paths: StatePaths, env: Env): Checkup {
  try {
    if (word.startsWith(COMMAND)) return ok(NAME, `a command, which is not run here: ${word}`);
    if (word.startsWith(HMAC))
      return ok(NAME, `a shared secret, ${hmacSigner(word.slice(HMAC.length), paths.dir).keyId}`);
    return checkKey(word, config, paths, env);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return bad(NAME, error.message, error.hint ?? 'nothing is signed with it: name another key in the config');
  }
}

function checkKey(word: string, config: Config, paths: StatePaths, env: Env): Checkup {
  const path = keyPath(word, env);
  const isFile = !word.startsWith('SHA256:') && !path.endsWith('.pub');
  if (isFile) checkKeyFile(path);
  const key = publicKeyAtHand(word, env);
  if (key === undefined) return ok(NAME, `${word}, which ssh-agent is to hold`);
  const keyId = fingerprintOf(key);
  if (isFile && isWithin(realpathSync(path), paths.dir))
    return warn(NAME, `${path} lies in the state folder, which is copied and shown`, 'make another elsewhere, and hand on to it: ledger key new NAME; ledger key rotate NAME'); // prettier-ignore
  const trusted = config.keys.get(keyId);
  const roles = trusted?.roles.filter((role) => role === 'checkpoint' || role === 'bundle') ?? [];
  if (roles.length === 0)
    return warn(NAME, `${keyId} is not trusted here to sign checkpoints`, `ledger key trust ${word} --actor NAME --role checkpoint`); // prettier-ignore
  return ok(NAME, `${keyId}, trusted as ${trusted?.actor ?? ''} (${roles.join(', ')})`);
}
