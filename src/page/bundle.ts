/** A bundle as it is read: every member, none besides, and in each what must be there. */
import { Fault } from './finding';
import { parseStrict, shown } from './json';
import type { Json, JsonObject } from './json';

export interface Stream {
  readonly kind: string;
  readonly id: string;
  readonly rows: number;
  readonly state: string;
}

export interface Inclusion {
  readonly hashes: readonly string[];
  readonly index: number;
  readonly seq: number;
}

export interface Opening {
  readonly seq: number;
  readonly field: string;
  readonly salt: string;
  readonly name: string;
  readonly value: Json;
  readonly digest: string;
}

export interface Signature {
  readonly alg: string;
  readonly keyId: string;
  /** Hex. */
  readonly value: string;
}

export const LISTS = {
  policyVerdicts: ['policy.gate', 'policy_decision', 'enforcement.result'],
  approvals: ['approval.added', 'approval_resolved', 'approval', 'override.added'],
  proposals: ['tool_proposed', 'decision.created', 'draft.production'],
  chainTransactions: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type ListName = keyof typeof LISTS;
export const LIST_NAMES = Object.keys(LISTS) as ListName[];

export interface Bundle {
  /** All members, for the digest over them. */
  readonly members: JsonObject;
  readonly workflowId: string;
  readonly origin: string;
  readonly streams: readonly Stream[];
  readonly events: readonly string[];
  readonly lists: Readonly<Record<ListName, readonly number[]>>;
  readonly checkpoint: string;
  readonly inclusion: readonly Inclusion[];
  readonly disclosed: readonly Opening[];
  readonly contentHash: string;
  readonly signature: Signature;
}

type Read<T> = (value: Json | undefined, name: string) => T;

function is<T>(want: string, holds: (value: Json | undefined) => value is T & Json): Read<T> {
  return (value, name) => {
    if (holds(value)) return value;
    throw new Fault('MALFORMED', `"${name}" as ${want}`, shown(value).slice(0, 80));
  };
}

const text = is('a text', (value) => typeof value === 'string');
const named = is('a text that is not empty', (value): value is string => typeof value === 'string' && value !== '');
const count = is('a whole number', (value): value is number => Number.isSafeInteger(value) && (value as number) >= 0);
const any: Read<Json> = (value) => value as Json;
const among = (...words: readonly string[]): Read<string> => is(words.join(' or '), (value): value is string => words.includes(value as string)); // prettier-ignore
const like = (pattern: RegExp): Read<string> => is(String(pattern), (value): value is string => typeof value === 'string' && pattern.test(value)); // prettier-ignore
const hash = like(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/);
const list = is('a list', (value): value is readonly Json[] => Array.isArray(value));
const object = is('an object', (value): value is JsonObject => value instanceof Map);
const listOf = <T>(item: Read<T>): Read<readonly T[]> => (value, name) => list(value, name).map((one, i) => item(one, `${name}[${i}]`)); // prettier-ignore

function membersOf<T>(shape: { readonly [Name in keyof T]: Read<T[Name]> }, optional?: string): Read<T> {
  return (value, name) => {
    const members = object(value, name);
    for (const one of members.keys())
      if (!Object.hasOwn(shape, one)) throw new Fault('MALFORMED', `no other member in ${name}`, one);
    const entries = Object.entries<Read<unknown>>(shape).map(([member, read]) => {
      const isLeftOut = member === optional && !members.has(member);
      if (!isLeftOut && !members.has(member)) throw new Fault('MALFORMED', `a member "${member}" of ${name}`, 'none');
      return [member, isLeftOut ? undefined : read(members.get(member), member)] as const;
    });
    return Object.fromEntries(entries) as T;
  };
}

const SHAPE = membersOf(
  {
    version: is('1', (value): value is 1 => value === 1),
    workflowId: named,
    ledger: membersOf({ ledger_id: named, origin: named }),
    streams: listOf(
      membersOf<Stream>({
        kind: among('run', 'decision', 'order'),
        id: named,
        rows: count,
        state: among('closed', 'open', 'late', 'loose'),
      }),
    ),
    events: listOf(named),
    policyVerdicts: listOf(count),
    approvals: listOf(count),
    proposals: listOf(count),
    chainTransactions: listOf(count),
    checkpoint: named,
    inclusion: listOf(membersOf<Inclusion>({ hashes: listOf(hash), index: count, seq: count })),
    disclosed: listOf(
      membersOf<Opening>({ seq: count, field: named, salt: text, name: text, value: any, digest: text }),
    ),
    contentHash: like(/^sha256:[0-9a-f]{64}$/),
    signature: membersOf<Signature>({
      alg: among('ed25519', 'hmac-sha256'),
      keyId: named,
      value: like(/^(?:[0-9a-f]{2})+$/),
    }),
  },
  'disclosed',
);

/** @throws Fault MALFORMED, SIGNATURE_MISSING */
export function readBundle(file: string): Bundle {
  const members = object(parseStrict(file), 'bundle');
  if (!members.has('signature')) throw new Fault('SIGNATURE_MISSING', 'a signature', 'none');
  const read = SHAPE(members, 'the bundle');
  const { ledger, policyVerdicts, approvals, proposals, chainTransactions } = read;
  const lists = { policyVerdicts, approvals, proposals, chainTransactions };
  return { ...read, members, lists, origin: ledger.origin, disclosed: read.disclosed ?? [] };
}
