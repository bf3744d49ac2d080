/**
 * The settings `access` and `roles`: who may read what was put into rows, and what of that is written down.
 *
 *   "access": { "raw": "break-glass", "readers": ["auditor"] },
 *   "roles": { "auditor": { "users": ["alice"], "groups": ["audit"] } }
 */
import { LedgerError } from './errors';
import type { Json } from './json';
import { nearest } from './nearest';
import { knownKeys, objectOf, optional, textsOf, wrong } from './settings';

export interface AccessSettings {
  /** `break-glass`: content is shown for a reason, and after a row that says so. */
  readonly raw: 'open' | 'break-glass';
  /** The roles that may read content; undefined: whoever can write that row. */
  readonly readers: readonly string[] | undefined;
}

/** Accounts and groups of the operating system, by name. */
export interface RoleMembers {
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

export type Roles = ReadonlyMap<string, RoleMembers>;

export function accessOf(value: Json, name: string): AccessSettings {
  const access = objectOf(value, name);
  knownKeys(access, ['raw', 'readers'], `member of ${name}`);
  const raw = optional(access, 'raw', rawOf) ?? 'open';
  const readers = optional(access, 'readers', (found) => textsOf(found, `${name}.readers`, 'roles'));
  if (readers !== undefined && raw === 'open')
    throw new LedgerError('CONFIG_INVALID', `expected "raw": "break-glass" beside ${name}.readers, found "open"`, {
      hint: 'with "open" whoever can read the file is shown all of it, and readers would keep nobody out',
    });
  return { raw, readers };
}

function rawOf(value: Json): AccessSettings['raw'] {
  if (value !== 'open' && value !== 'break-glass') throw wrong('access.raw', '"open" or "break-glass"', value);
  return value;
}

export function rolesOf(value: Json, name: string): Roles {
  return new Map([...objectOf(value, name)].map(([role, members]) => [role, membersOf(members, `${name}.${role}`)]));
}

function membersOf(value: Json, name: string): RoleMembers {
  const role = objectOf(value, name);
  knownKeys(role, ['users', 'groups'], `member of ${name}`);
  const listed = (member: keyof RoleMembers): readonly string[] =>
    optional(role, member, (found) => textsOf(found, `${name}.${member}`, `${member} of this system`)) ?? [];
  const members = { users: listed('users'), groups: listed('groups') };
  if (members.users.length + members.groups.length === 0)
    throw wrong(name, 'an object with "users", "groups" or both: nobody has this role', value);
  return members;
}

/** @throws LedgerError CONFIG_INVALID where `readers` names a role that there is not: it would let nobody in */
export function checkReaders(access: AccessSettings | undefined, roles: Roles): void {
  const unknown = access?.readers?.find((role) => !roles.has(role));
  if (unknown === undefined) return;
  const known = [...roles.keys()];
  const hint =
    known.length === 0
      ? `say who it is: "roles": {${JSON.stringify(unknown)}: {"users": ["…"]}}`
      : `did you mean "${nearest(unknown, known)}"? Known are: ${known.join(', ')}`;
  throw new LedgerError('CONFIG_INVALID', `expected access.readers to name roles, found ${JSON.stringify(unknown)}`, {
    hint,
  });
}

/** Somebody as the operating system knows them. */
export interface Person {
  readonly user: string;
  /** Asked for only where a role names groups. */
  readonly groups: () => readonly string[];
}

/** The first of these roles that somebody has; undefined where they have none. */
export function roleOf({ user, groups }: Person, wanted: readonly string[], roles: Roles): string | undefined {
  const has = (role: string): boolean => {
    const members = roles.get(role);
    if (members === undefined) return false;
    if (members.users.includes(user)) return true;
    return members.groups.length > 0 && groups().some((group) => members.groups.includes(group));
  };
  return wanted.find(has);
}
