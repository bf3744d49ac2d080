/**
 * What the ledger's own rows mean to a walk: which ledger this is, how segments join, which rows are said to be missing.
 */
import type { Row } from './members';
import { identityOf } from './ownRows';
import type { OwnAction } from './ownRows';
import { jsonText } from './printable';
import { KEY_ROTATION } from './signing/rotation';
import type { FindingPlace } from './verdict';
import { report } from './walkState';
import type { AlsoAside, HealRecord, Walk } from './walkState';

/**
 * Takes a row that opens a segment, or one of the ledger's own, before the walk goes on behind it.
 * @param opens whether the row is the first line of its segment
 */
export function takeOwnRow(walk: Walk, row: Row, place: FindingPlace, opens: boolean): void {
  if (opens) openSegment(walk, row, place);
  else if (row.action === 'audit.genesis' || row.action === 'audit.segment')
    report(walk, { code: 'FOREIGN', seq: row.seq, place }, { want: 'a row of this ledger', got: row.action });
  if (row.action === 'audit.rows-lost') takeRowsLost(walk, row, place);
  if (row.action === 'audit.heal-truncation' && row.payload?.['source'] === 'spill' && row.payload['why'] === 'altered')
    takeAlteredSpill(walk, row, place);
  if (EVIDENCE.has(row.action)) walk.evidence.push(row);
  if (row.action === KEY_ROTATION) takeRotation(walk, row, place);
  registerHeal(walk, row, place);
}

/** Rows that say up to where the ledger is signed, and who has that in hand. */
const EVIDENCE: ReadonlySet<string> = new Set<OwnAction>(['audit.checkpoint', 'audit.anchor']);

function takeRotation(walk: Walk, row: Row, place: FindingPlace): void {
  const fault = walk.keyTrust.take(row, walk.ledgerId);
  if (fault !== undefined) report(walk, { code: fault.code, seq: row.seq, place }, fault);
}

function openSegment(walk: Walk, row: Row, place: FindingPlace): void {
  const at = { seq: row.seq, place };
  const identity = identityOf(row.payload);
  const want = walk.segments === 1 && row.seq === 1 ? 'audit.genesis' : 'audit.segment';
  if (row.action !== want || identity === undefined) {
    // Where the front was cut off, that was told already.
    if (walk.segments > 1 || row.seq === 1)
      report(walk, { code: 'GENESIS_MISSING', ...at }, { want: `${want} of format ledger/1`, got: row.action });
    return;
  }
  if (walk.ledgerId !== undefined && walk.ledgerId !== identity.ledgerId)
    report(walk, { code: 'FOREIGN', ...at }, { want: `ledger ${walk.ledgerId}`, got: `ledger ${identity.ledgerId}` });
  walk.ledgerId ??= identity.ledgerId;
  walk.origin ??= identity.origin;
  if (walk.segments > 1) checkJoint(walk, row, place);
}

/** A later segment names the row that it follows; the chain itself is checked as everywhere. */
function checkJoint(walk: Walk, row: Row, place: FindingPlace): void {
  const previous: unknown = row.payload?.['previous'];
  const { last_seq: lastSeq, head } = (previous ?? {}) as Record<string, unknown>;
  if (lastSeq === row.seq - 1 && head === row.prev_hash) return;
  const want = `previous {last_seq: ${row.seq - 1}, head: ${row.prev_hash}}`;
  report(walk, { code: 'LINK_BROKEN', seq: row.seq, place }, { want, got: jsonText(previous) });
}

function takeRowsLost(walk: Walk, row: Row, place: FindingPlace): void {
  const { from_seq: from, to_seq: to } = row.payload ?? {};
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || (from as number) > (to as number)) {
    const got = jsonText(row.payload);
    report(
      walk,
      { code: 'MALFORMED', seq: row.seq, place },
      { want: 'from_seq and to_seq of the rows that were lost', got },
    );
    return;
  }
  const [fromSeq, toSeq] = [from as number, to as number];
  walk.missing += toSeq - fromSeq + 1;
  walk.gaps.push({
    kind: 'rows-lost',
    from_seq: fromSeq,
    to_seq: toSeq,
    heal_id: null,
    named_by_seq: row.seq,
    place,
    checkpoint: null,
  });
  const got = `rows ${fromSeq} to ${toSeq} of an earlier end, lost`;
  report(walk, { code: 'GAP', seq: row.seq, place }, { want: 'no row missing', got });
}

/** A row that was acknowledged, waited to be chained and was changed meanwhile: it is missing where it would have stood. */
function takeAlteredSpill(walk: Walk, { seq, id, payload }: Row, place: FindingPlace): void {
  walk.gaps.push({
    kind: 'spilled-row',
    from_seq: seq,
    to_seq: seq,
    heal_id: id,
    named_by_seq: seq,
    place,
    checkpoint: null,
  });
  const got = `a spilled row that was changed before it was chained (${String(payload?.['quarantine'])})`;
  report(walk, { code: 'GAP', seq, place }, { want: 'no row missing', got });
}

/** A heal row that was altered still tells which tombstone it was for: its alteration is one finding, not two. */
export function registerHeal(walk: Walk, row: Partial<Row>, place: FindingPlace): void {
  const { action, id, payload, seq } = row;
  if ((action !== 'audit.heal-truncation' && action !== 'audit.set-aside') || id === undefined) return;
  const sha256 = typeof payload?.['sha256'] === 'string' ? payload['sha256'] : undefined;
  const kind = action === 'audit.set-aside' ? 'set-aside' : 'tombstone';
  const quarantined = payload?.['kind'] !== 'newline';
  const also = alsoIn(payload);
  walk.heals.set(id, { kind, seq: seq ?? 0, place, sha256, covers: coveredBy(payload), quarantined, also });
}

/** A list that is none names no bytes: the row's own hash says whether somebody changed it. */
function alsoIn(payload: Row['payload']): AlsoAside[] {
  const also: unknown = payload?.['also'];
  const parts = Array.isArray(also) ? (also as Partial<AlsoAside>[]) : [];
  return parts.flatMap((part) => {
    const { quarantine, sha256 } = part ?? {};
    return typeof quarantine === 'string' && typeof sha256 === 'string' ? [{ quarantine, sha256 }] : [];
  });
}

/** A heal of the tail, of a spill file or of an import names no missing rows. */
function coveredBy(payload: Row['payload']): HealRecord['covers'] {
  const { missing, seq: from, last_seq: to, source } = payload ?? {};
  if (typeof from !== 'number' || typeof to !== 'number' || source !== undefined) return undefined;
  return missing === to - from + 1 ? { from, to } : undefined;
}
