/** The setting "secrets": what is done about a row that holds a token or a private key. */
import type { Json } from './json';
import { wrong } from './settings';

export const SECRET_MODES = ['refuse', 'seal', 'hash', 'warn', 'off'] as const;
export type SecretMode = (typeof SECRET_MODES)[number];

/** @throws LedgerError CONFIG_INVALID */
export function secretModeOf(value: Json, name: string): SecretMode {
  const known = SECRET_MODES.find((one) => one === value);
  if (known === undefined) throw wrong(name, `one of ${SECRET_MODES.join(', ')}`, value);
  return known;
}
