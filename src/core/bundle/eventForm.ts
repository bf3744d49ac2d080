/**
 * Whether the writer would have written a row with these members in this order: what `verify --strict` finds by writing the
 * row again, told quickly for the rows that nearly all are. A no says nothing: the exact way does.
 */
import { CALLER_MEMBERS, LEDGER_MEMBERS, MEMBERS } from '../members';
import type { MemberKind } from '../members';
import { isActionName, PROVENANCES } from '../row';
import type { Json } from '../json';
import { isStoredTime } from '../time';

const FIRST = ['seq', 'ts', 'id', 'by'];
const LAST = ['run_seq', 'run_prev_hash', 'decision_seq', 'decision_prev_hash', 'content_hash', 'nonce', 'prev_hash', 'hash']; // prettier-ignore
const RANKS: ReadonlyMap<string, number> = new Map(
  [...FIRST, ...Object.keys(CALLER_MEMBERS), '', ...LAST].map((name, rank) => [name, rank]),
);
/** Members of nobody's list stand between the caller's and the last ones. */
const EXTRA_RANK = RANKS.get('') as number;
const NONCE = /^[A-Za-z0-9_-]{22}$/;
const PLAIN_COST = /^[0-9]{1,6}(?:\.[0-9]{1,9})?$/;

type Members = Readonly<Record<string, unknown>>;
interface Form {
  readonly kinds: readonly (readonly [string, MemberKind])[];
  readonly extra: readonly string[];
}

/** Rows of one stream have few forms: each is looked at once. */
const forms = new Map<string, Form | undefined>();
const MAX_FORMS = 1000;

/** Whether all members but `payload` are spelled and placed as the writer does; the payload is looked at apart. */
export function isPlainlyWritten(row: Members): boolean {
  const names = Object.keys(row);
  const key = JSON.stringify(names);
  let form = forms.get(key);
  if (form === undefined && !forms.has(key)) {
    form = formOf(names);
    if (forms.size >= MAX_FORMS) forms.clear();
    forms.set(key, form);
  }
  if (form === undefined || !isName(row['by']) || !NONCE.test(String(row['nonce']))) return false;
  for (const [name, kind] of form.kinds) if (!isOf(kind, row[name])) return false;
  for (const name of form.extra) if (typeof row[name] === 'object' && row[name] !== null) return false;
  return true;
}

/** Undefined where a member is missing, out of its order, or one that the ledger seldom sets. */
function formOf(names: readonly string[]): Form | undefined {
  const ranks = names.map((name) => (LEDGER_MEMBERS.has(name) && !RANKS.has(name) ? -1 : (RANKS.get(name) ?? EXTRA_RANK))); // prettier-ignore
  const isSorted = ranks.every((rank, i) => rank >= (ranks[i - 1] ?? 0));
  const isWhole = [...FIRST, 'action', 'nonce', 'prev_hash', 'hash'].every((name) => names.includes(name));
  if (!isSorted || !isWhole) return undefined;
  return {
    kinds: names.flatMap((name) => {
      const kind = MEMBERS.get(name)?.kind;
      return kind === undefined ? [] : [[name, kind] as const];
    }),
    extra: names.filter((_, i) => ranks[i] === EXTRA_RANK),
  };
}

const isName = (value: unknown): value is string => typeof value === 'string' && value !== '';

function isOf(kind: MemberKind, value: unknown): boolean {
  switch (kind) {
    case 'string':
      return isName(value);
    case 'action':
      return isName(value) && isActionName(value);
    case 'time':
      return isName(value) && isStoredTime(value);
    case 'cost':
      return typeof value === 'number' && PLAIN_COST.test(String(value));
    case 'count':
      return typeof value === 'number' && value >= 0;
    case 'provenance':
      return PROVENANCES.has(value as Json);
    case 'payload':
      return true;
  }
}
