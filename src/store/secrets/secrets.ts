/** Keeps secrets out of rows, as the settings say; the detector is loaded where there may be one. */
import type { SealPlan } from '../../core/sealPlan';
import type { JsonObject } from '../../core/json';
import { mayHoldSecret } from '../../core/secretScan';
import { secretRefusal, secretsIn, withoutSecrets } from '../../core/secrets';
import type { Detect, Secret } from '../../core/secrets';
import type { SecretMode } from '../../core/secretSettings';
import { loadPart } from '../machine/parts';

let detect: Detect | undefined;

export class Secrets {
  constructor(private readonly mode: SecretMode) {}

  /** Whether the row of this text, in which nothing is escaped, is to be looked into. */
  mayBeIn(text: string): boolean {
    return this.mode !== 'off' && mayHoldSecret(text);
  }

  /** Those of a row; none where the settings say not to look. */
  foundIn(row: JsonObject): Secret[] {
    return this.mode === 'off' ? [] : secretsIn(row, detected);
  }

  /**
   * The row without secrets.
   * @param onWarning hears of those that are stored all the same
   * @param isKept whether a row that would be refused has hashes instead: it tells of what cannot be undone
   * @param plan what of the row is sealed: there secrets may be; and by the settings, where they are is sealed
   * @throws LedgerError SECRET
   */
  cleaned(
    row: JsonObject,
    onWarning: (secrets: readonly Secret[]) => void,
    isKept: boolean,
    plan?: SealPlan,
  ): JsonObject {
    const open = this.foundIn(row).filter((secret) => plan?.covers(secret) !== true);
    const secrets = this.mode === 'seal' && plan !== undefined ? open.filter((secret) => !plan.add(secret)) : open;
    if (secrets.length === 0) return row;
    if ((this.mode === 'refuse' || this.mode === 'seal') && !isKept) throw secretRefusal(secrets);
    if (this.mode !== 'warn') return withoutSecrets(row, secrets);
    onWarning(secrets);
    return row;
  }
}

function detected(text: string): readonly string[] {
  detect ??= loadPart<{ readonly detectSecrets: Detect }>('secrets/detectSecrets').detectSecrets;
  return detect(text);
}
