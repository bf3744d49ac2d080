/** The setting `checkpoints.anchors`: where every head goes, as a person writes it with `--to`. */
import { LedgerError } from '../errors';
import type { Json } from '../json';
import { textsOf } from '../settings';
import { parseAnchor } from './target';

/** @throws LedgerError CONFIG_INVALID, with the place of the one that is none */
export function anchorsOf(value: Json, name: string): readonly string[] {
  const texts = textsOf(value, name, 'anchors');
  for (const [i, text] of texts.entries()) {
    try {
      parseAnchor(text);
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      throw asSetting(`${name}[${i}]`, error);
    }
  }
  return texts;
}

export function asSetting(name: string, { message, hint }: LedgerError): LedgerError {
  return new LedgerError('CONFIG_INVALID', `${name}: ${message}`, { ...(hint !== undefined && { hint }) });
}
