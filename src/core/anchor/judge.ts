/**
 * Until where, by whom and since when a ledger is anchored: what the anchors hold now, and what the ledger's own rows say
 * of them, held against the tree of the rows that are there. Only what was looked at and agrees counts as anchored.
 */
import type { SignedHead } from '../note/checkpoint';
import { noteKeysOf } from '../note/note';
import { formatTime } from '../time';
import type { Finding } from '../verdict';
import { diverged, headFinding, isSignedBy } from './heads';
import type { KnownTree } from './heads';
import type { ToldAnchor, ToldAnchors } from './told';
import { printable } from '../printable';

export interface FoundHead {
  readonly kind: 'head';
  readonly held: SignedHead;
  /** Who vouches for it, where that is somebody. */
  readonly by?: string;
  readonly sinceMs?: number;
  /** It lies under the name of this very ledger, whatever origin row 1 says now. */
  readonly isOfLedger?: boolean;
}

/** It is there, and nothing here can tell whether it is right. */
export interface FoundUnchecked {
  readonly kind: 'not-checked';
  readonly why: string;
  readonly size?: number;
  readonly by?: string;
  readonly sinceMs?: number;
}

/** What was found at an anchor. */
export interface AnchorLook {
  readonly to: string;
  readonly found: FoundHead | FoundUnchecked | { readonly kind: 'missing'; readonly why: string };
}

/**
 * `held`: the head is there, and the ledger goes on from it. `behind`: so it is, and the rows say that a newer one was put
 * there. `contradicts`: a head is there that this ledger does not go on from; `finding` says how. `not-checked`: nobody
 * looked, or nobody can. `missing`: there is none.
 */
export type AnchorStateKind = 'held' | 'behind' | 'contradicts' | 'not-checked' | 'missing';

export interface AnchorState {
  readonly to: string;
  readonly state: AnchorStateKind;
  /** Until which row. */
  readonly size: number | null;
  /** Who vouches for it, where that is somebody: a witness, an authority, who committed. */
  readonly by: string | null;
  readonly since: string | null;
  /** In words, where there is more to say. */
  readonly why: string | null;
  readonly finding: Finding | null;
}

export interface AnchorVerdict {
  readonly anchors: readonly AnchorState[];
  /** The last row that an anchor vouches for which was looked at; null where none does. */
  readonly anchored_until: number | null;
  readonly unanchored_rows: number;
  readonly findings: readonly Finding[];
}

export interface AnchorEvidenceSeen {
  /** The names of the anchors of the settings. */
  readonly named: readonly string[];
  /** Made before the rows were read: what is anchored meanwhile must not look like rows that are gone. */
  readonly looks: readonly AnchorLook[];
  /** What the rows of the ledger say. */
  readonly told: ToldAnchors;
  readonly tree: KnownTree;
  /** As row 1 says it. */
  readonly origin: string | undefined;
  /** The public keys that may sign heads of this ledger, or might before they were handed on; none: nobody can tell. */
  readonly signers: readonly Buffer[];
}

export function judgeAnchors(seen: AnchorEvidenceSeen): AnchorVerdict {
  const { told, tree } = seen;
  const looks = underTargets(seen);
  const looked = new Set(looks.map(({ to }) => to));
  const anchors = [
    ...looks.map((look) => stateOf(look, seen)),
    ...told.names.filter((to) => !looked.has(to)).map((to) => toldState(to, told.of(to), tree)),
  ];
  const sizes = anchors.filter(({ state }) => state === 'held' || state === 'behind').map(({ size }) => size ?? 0);
  const until = sizes.length === 0 ? null : Math.max(...sizes);
  return {
    anchors,
    anchored_until: until,
    unanchored_rows: tree.size - (until ?? 0),
    findings: anchors.flatMap(({ finding }) => (finding === null ? [] : [finding])),
  };
}

const WITNESS = 'witness:';
const NO_SIGNATURE = { kind: 'missing', why: 'no checkpoint here has a signature of it that counts' } as const;

/** Witnesses are seen by their names, in notes; which of them is asked at an address the rows say. */
function underTargets({ looks, named, told }: AnchorEvidenceSeen): AnchorLook[] {
  const others = looks.filter(({ to }) => !to.startsWith(WITNESS));
  let rest = looks.filter(({ to }) => to.startsWith(WITNESS));
  const addresses = named.filter((to) => to.startsWith(WITNESS));
  const atAddresses = addresses.map((to): AnchorLook => {
    const names = told.of(to).heads.flatMap(({ witnesses }) => witnesses);
    const isAlone = names.length === 0 && addresses.length === 1;
    const own = rest.filter((look) => isAlone || names.includes(look.to.slice(WITNESS.length)));
    rest = rest.filter((look) => !own.includes(look));
    const [newest] = own.sort((one, other) => sizeOf(other) - sizeOf(one));
    return { to, found: newest?.found ?? NO_SIGNATURE };
  });
  return [...others, ...atAddresses, ...rest];
}

function sizeOf({ found }: AnchorLook): number {
  return found.kind === 'head' ? found.held.head.size : -1;
}

const NOTHING: Omit<AnchorState, 'to' | 'state'> = { size: null, by: null, since: null, why: null, finding: null };

function stateOf({ to, found }: AnchorLook, seen: AnchorEvidenceSeen): AnchorState {
  const { told, tree } = seen;
  const rows = told.of(to);
  const said = toldState(to, rows, tree);
  if (said.state === 'contradicts') return said;
  if (found.kind === 'missing') return { ...NOTHING, to, state: 'missing', why: withTold(found.why, rows) };
  if (found.kind === 'not-checked') {
    const { size = said.size, sinceMs } = found;
    const by = found.by ?? null;
    const why = size === null ? withTold('no head was put there', rows) : found.why;
    const since = sinceMs === undefined ? said.since : formatTime(sinceMs);
    return { ...NOTHING, to, state: size === null ? 'missing' : 'not-checked', size, by, since, why };
  }
  return headState(to, found, rows, seen);
}

function headState(to: string, found: FoundHead, rows: ToldAnchor, seen: AnchorEvidenceSeen): AnchorState {
  const { held, by: keeper, sinceMs } = found;
  const { tree } = seen;
  const { size } = held.head;
  const by = keeper ?? null;
  const finding = findingOf(to, found, seen);
  if (typeof finding === 'string') return { ...NOTHING, to, state: 'missing', by, why: finding };
  const since = sinceMs === undefined ? (rows.heads.find((one) => one.size === size)?.ts ?? null) : formatTime(sinceMs);
  const is = { ...NOTHING, to, size, by, since };
  if (finding !== undefined) return { ...is, state: 'contradicts', finding };
  if (tree.rootAt(size) === undefined) return { ...is, state: 'not-checked', why: NO_TREE };
  const isBehind = (rows.heads.at(-1)?.size ?? 0) > size;
  return { ...is, state: isBehind ? 'behind' : 'held', why: isBehind || rows.failed ? withTold(null, rows) : null };
}

/**
 * What a head that is kept elsewhere says against this ledger. Whoever writes the ledger writes row 1 and the rotations of
 * keys, too: a head of another name by a key that counts here, and one by no such key that the ledger does not go on from,
 * are no less of a contradiction.
 * @returns why it says nothing of this ledger, in words; undefined where the ledger goes on from it
 */
function findingOf(
  to: string,
  { held, isOfLedger = false }: FoundHead,
  { tree, origin, signers }: AnchorEvidenceSeen,
): Finding | typeof OTHERS | typeof UNSIGNED | undefined {
  const { head } = held;
  const isKnown = isSignedBy(held, noteKeysOf(head.origin, signers));
  // Without a row 1 nobody says another name.
  if (origin !== undefined && head.origin !== origin) {
    if (!isOfLedger && (signers.length === 0 || !isKnown)) return OTHERS;
    return { code: 'FOREIGN', seq: 1, place: null, want: `the origin ${head.origin}, which ${to} knows of`, got: origin }; // prettier-ignore
  }
  const finding = headFinding(head, tree, to);
  if (isKnown) return finding;
  if (finding === undefined) return UNSIGNED;
  return {
    ...finding,
    code: 'UNKNOWN_KEY',
    got: `${finding.got ?? ''}; and no key signed that head which is trusted here`,
  };
}

const OTHERS = 'a head of another ledger is there';
const UNSIGNED = 'a head is there that no key signed which is trusted here';
const NO_TREE = 'there is no tree of these rows to hold it against';
const UNNAMED = 'the settings do not name it: nobody looked';

/** What the rows alone say of an anchor. They are in the chain: whoever rewrites the ledger rewrites them. */
function toldState(to: string, rows: ToldAnchor, tree: KnownTree): AnchorState {
  const last = rows.heads.at(-1);
  if (last === undefined) return { ...NOTHING, to, state: 'missing', why: withTold('no head was put there', rows) };
  const { seq, size, root, ts: since } = last;
  const own = size > tree.size ? undefined : tree.rootAt(size);
  if (own !== undefined && own.toString('base64') !== root) {
    const finding = { ...diverged(size, Buffer.from(root, 'base64'), own, `row ${seq}`), seq };
    return { ...NOTHING, to, state: 'contradicts', size, since, finding };
  }
  return { ...NOTHING, to, state: 'not-checked', size, since, why: UNNAMED };
}

/** With what the rows say of the last head: that it is there, or why not. */
function withTold(why: string | null, { heads, failed }: ToldAnchor): string | null {
  const last = heads.at(-1);
  const said =
    failed !== undefined
      ? `the head of ${failed.size} rows could not be put there (row ${failed.seq}: ${printable(failed.why)})`
      : last && `row ${last.seq} says that the head of ${last.size} rows was put there`;
  return [why, said].filter((one) => one !== null && one !== undefined && one !== '').join('; ') || null;
}
