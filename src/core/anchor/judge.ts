/**
 * Until where, by whom and since when a ledger is anchored: what the anchors hold now, and what the ledger's own rows say
 * of them, held against the tree of the rows that are there. Only what was looked at and agrees counts as anchored.
 */
import type { NoteKey } from '../note/note';
import { formatTime } from '../time';
import type { Finding } from '../verdict';
import type { AnchorRecord } from './anchorRow';
import { diverged, headFinding, isSignedBy } from './heads';
import type { HeldHead, KnownTree } from './heads';

/** What was found at an anchor. */
export interface AnchorLook {
  readonly to: string;
  readonly found:
    | { readonly kind: 'head'; readonly held: HeldHead; readonly by?: string; readonly sinceMs?: number }
    /** It is there, and nothing here can tell whether it is right. */
    | {
        readonly kind: 'not-checked';
        readonly why: string;
        readonly size?: number;
        readonly by?: string;
        readonly sinceMs?: number;
      }
    | { readonly kind: 'missing'; readonly why: string };
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
  /** What the rows of the ledger say, in their order. */
  readonly records: readonly AnchorRecord[];
  readonly tree: KnownTree;
  /** Every key by which heads of this ledger were signed, as far as it counts here; none: nobody can tell. */
  readonly keys: readonly NoteKey[];
}

export function judgeAnchors({ named, looks, records, tree, keys }: AnchorEvidenceSeen): AnchorVerdict {
  const all = underTargets(looks, named, records);
  const looked = new Set(all.map(({ to }) => to));
  const told = [...new Set(records.map(({ to }) => to))].filter((to) => !looked.has(to));
  const of = (name: string): AnchorRecord[] => records.filter(({ to }) => to === name);
  const anchors = [
    ...all.map((look) => stateOf(look, of(look.to), tree, keys)),
    ...told.map((to) => toldState(to, of(to), tree)),
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

/** Witnesses are seen by their names, in notes; which of them is asked at an address the rows say. */
function underTargets(
  looks: readonly AnchorLook[],
  named: readonly string[],
  records: readonly AnchorRecord[],
): AnchorLook[] {
  const others = looks.filter(({ to }) => !to.startsWith(WITNESS));
  let rest = looks.filter(({ to }) => to.startsWith(WITNESS));
  const addresses = named.filter((to) => to.startsWith(WITNESS));
  const atAddresses = addresses.map((to): AnchorLook => {
    const told = records.filter((one) => one.to === to).flatMap(({ witnesses }) => witnesses);
    const isAlone = told.length === 0 && addresses.length === 1;
    const own = rest.filter((look) => isAlone || told.includes(look.to.slice(WITNESS.length)));
    rest = rest.filter((look) => !own.includes(look));
    const newest = own.reduce(
      (best: AnchorLook | undefined, one) => (sizeOf(one) > sizeOf(best) ? one : best),
      undefined,
    );
    return {
      to,
      found: newest?.found ?? { kind: 'missing', why: 'no checkpoint here has a signature of it that counts' },
    };
  });
  return [...others, ...atAddresses, ...rest];
}

const WITNESS = 'witness:';

function sizeOf(look: AnchorLook | undefined): number {
  return look?.found.kind === 'head' ? look.found.held.head.size : -1;
}

const NOTHING = { size: null, by: null, since: null, why: null, finding: null };

function stateOf(
  { to, found }: AnchorLook,
  records: readonly AnchorRecord[],
  tree: KnownTree,
  keys: readonly NoteKey[],
): AnchorState {
  const told = toldState(to, records, tree);
  if (told.state === 'contradicts') return told;
  if (found.kind === 'missing') return { ...NOTHING, to, state: 'missing', why: withLast(found.why, told) };
  if (found.kind === 'not-checked') {
    const { size = told.size, by = null, sinceMs } = found;
    const state = size === null ? 'missing' : 'not-checked';
    return { ...NOTHING, to, state, size, by, since: sinceOf(sinceMs) ?? told.since, why: found.why };
  }
  const { held, by = null, sinceMs } = found;
  const { size } = held.head;
  if (!isSignedBy(held, keys))
    return { ...NOTHING, to, state: 'missing', by, why: 'a head is there that no key signed which is trusted here' };
  const finding = headFinding(held.head, tree, to);
  const since = sinceOf(sinceMs) ?? firstWith(records, size)?.ts ?? null;
  if (finding !== undefined) return { to, state: 'contradicts', size, by, since, why: null, finding };
  if (tree.rootAt(size) === undefined)
    return {
      ...NOTHING,
      to,
      state: 'not-checked',
      size,
      by,
      since,
      why: 'there is no tree of these rows to hold it against',
    };
  const isBehind = told.size !== null && told.size > size;
  const why = isBehind
    ? `row ${lastOk(records)?.seq ?? 0} says that the head of ${told.size} rows was put there`
    : null;
  return { ...NOTHING, to, state: isBehind ? 'behind' : 'held', size, by, since, why };
}

/** What the rows alone say of an anchor. They are in the chain: whoever rewrites the ledger rewrites them. */
function toldState(to: string, records: readonly AnchorRecord[], tree: KnownTree): AnchorState {
  const last = lastOk(records);
  if (last === undefined) return { ...NOTHING, to, state: 'missing', why: 'no head was put there' };
  const { seq, size, root } = last;
  const since = firstWith(records, size)?.ts ?? last.ts;
  const own = size > tree.size ? undefined : tree.rootAt(size);
  if (own !== undefined && own.toString('base64') !== root) {
    const finding = { ...diverged(size, Buffer.from(root, 'base64'), own, `row ${seq}`), seq };
    return { ...NOTHING, to, state: 'contradicts', size, since, finding };
  }
  return { ...NOTHING, to, state: 'not-checked', size, since, why: 'the settings do not name it: nobody looked' };
}

function lastOk(records: readonly AnchorRecord[]): AnchorRecord | undefined {
  return records.findLast(({ outcome }) => outcome === 'ok');
}

function firstWith(records: readonly AnchorRecord[], size: number): AnchorRecord | undefined {
  return records.find((one) => one.outcome === 'ok' && one.size === size);
}

function withLast(why: string, { size }: AnchorState): string {
  return size === null ? why : `${why}, though a row says that the head of ${size} rows was put there`;
}

function sinceOf(ms: number | undefined): string | null {
  return ms === undefined ? null : formatTime(ms);
}
