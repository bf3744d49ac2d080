/** What `ledger key` prints: the list, who is trusted now, which key signs from now on. */
import { printable } from '../core/printable';
import type { RotateAnswer } from '../services/keyRotation';
import type { KeyList, ListedKey, TrustAnswer } from '../services/keys';
import { colorsFor } from './color';
import type { Io } from './io';
import type { GlobalFlags } from './options';
import { textLines } from './table';

const DONE = { added: 'is trusted now', changed: 'is trusted otherwise now', same: 'was trusted so already' };

export function trustText({ fingerprint, done, actor, roles, until, config }: TrustAnswer): string {
  const inRoles = roles.length === 0 ? 'in no role' : `in the role ${roles.join(', ')}`;
  return `${fingerprint} ${DONE[done]}, as ${actor}, ${inRoles}${until === null ? '' : `, until ${until}`}: ${config}`;
}

export function rotationText({
  status,
  old,
  new: next,
  roles,
  seq,
  config,
  config_changed: isChanged,
}: RotateAnswer): string {
  const done = status === 'rotated' ? 'signs from now on' : 'had been rotated to already';
  const settings = isChanged ? `; ${config} says so, too` : '';
  return `${next} ${done} (${roles.join(', ')}), no longer ${old}: row ${seq}${settings}`;
}

const COLUMNS = ['fingerprint', 'actor', 'roles', 'until', 'sign with', 'comment'].map((title) => ({ title, align: 'left' as const })); // prettier-ignore

export async function keyList(io: Io, flags: GlobalFlags, found: KeyList): Promise<string> {
  const colors = await colorsFor(io, flags);
  const width = io.isTTY ? io.columns : Infinity;
  const style = (text: string, row: number | undefined): string => (row === undefined ? colors.dim(text) : text);
  const table = textLines({ columns: COLUMNS, rows: found.keys.map(cells) }, width, style);
  return [...table, ...notes(found)].map((line) => `${line}\n`).join('');
}

function cells({ fingerprint, actor, roles, until, sign_with: ways, comment }: ListedKey): string[] {
  return [fingerprint, actor ?? 'not trusted', roles.join(' '), until ?? '', ways.join(' '), comment];
}

function notes({ require_signature: actions, signs }: KeyList): string[] {
  return [
    ...(actions.length === 0 ? [] : [`must be signed: ${printable(actions.join(', '))}`]),
    ...signs.map(
      ({ what, key, fingerprint }) =>
        `${what} are signed with: ${printable(key)}${fingerprint === null ? '' : `, ${fingerprint}`}`,
    ),
  ];
}
