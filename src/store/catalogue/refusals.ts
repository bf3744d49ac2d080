/** Why a row, or a setting about rows, is refused: in words of its own, and with what to do. */
import { ACCESS_RUN, isAccessAction } from '../../core/accessActions';
import { actionsIn, CATALOGUE_NAMES } from '../../core/catalogue';
import { LedgerError } from '../../core/errors';
import { nearest } from '../../core/nearest';
import type { OwnType } from './ownCatalogues';

/** Who was shown what is for the program to say, in a stream where nobody else stands. */
export function refuseAccess(action: unknown, runId: unknown): void {
  const isAction = isAccessAction(action);
  if (!isAction && runId !== ACCESS_RUN) return;
  const found = isAction ? String(action) : `run_id "${ACCESS_RUN}"`;
  throw new LedgerError(
    'MEMBER_RESERVED',
    `expected rows of your own, found ${found}, which tells who was shown what`,
    {
      place: { member: isAction ? 'action' : 'run_id' },
      hint: 'the program writes these rows itself: see "access" in the config',
    },
  );
}

/**
 * A misspelt catalogue would leave out nothing.
 * @throws LedgerError CONFIG_INVALID
 */
export function checkOmissionKeys(keys: readonly string[], own: readonly OwnType[]): void {
  if (keys.length === 0) return;
  const known = [...new Set([...CATALOGUE_NAMES, ...own.map(({ catalogue }) => catalogue)])];
  const wrong = keys.find((key) => !known.includes(key));
  if (wrong === undefined) return;
  throw new LedgerError('CONFIG_INVALID', `expected catalogues in "omissions", found ${JSON.stringify(wrong)}`, {
    hint: `did you mean "${nearest(wrong, known) ?? ''}"? Known are: ${known.join(', ')}`,
  });
}

export function unknownAction(action: string, own: readonly string[]): LedgerError {
  const known = [...CATALOGUE_NAMES.flatMap(actionsIn), ...own];
  return new LedgerError('ACTION_UNKNOWN', `expected an action that a catalogue describes, found "${action}"`, {
    place: { member: 'action' },
    hint: `did you mean "${nearest(action, known) ?? ''}"? "ledger schema list" shows all; the setting "actions" is "strict"`,
  });
}
