/**
 * The walk along a ledger: state, and one step a line. Lines come in file order, segment after segment; each step says in
 * `findings` what is wrong there, and then goes on from where the ledger stands next, so that one cause gives one finding.
 *
 * After a row that cannot be trusted, the next good row is believed. After a second row in one place (a fork, a replay),
 * the walk remembers both branches and follows whichever a row links to.
 */
import type { ChunkSummary, KeptLine } from './chunk';
import type { Row } from './members';
import { mergeDigests } from './indexDigest';
import { registerHeal, takeOwnRow } from './ownWalk';
import type { LinkedLine, StoredLine } from './storedLine';
import { DECISION_CLOSERS, RUN_CLOSERS } from './streams';
import type { FindingPlace, Gap } from './verdict';
import { countWatched, isWatched, noteWatched } from './watched';
import { goOn, report } from './walkState';
import type { Suspect, Walk } from './walkState';

/** Takes a regular chunk at once; false, with nothing taken, where it does not continue the walk in good order. */
export function absorbChunk(walk: Walk, chunk: ChunkSummary, place: FindingPlace): boolean {
  const { main } = walk;
  if (walk.slack > 0 || (walk.firstInSegment && chunk.own[0]?.line !== 0)) return false;
  if (chunk.firstSeq !== main.expected || chunk.firstPrevHash !== main.hash) return false;
  if (chunk.firstId <= walk.lastId || chunk.firstTs < walk.lastTs) return false;
  if (!walk.runs.accepts(chunk.runs) || !walk.decisions.accepts(chunk.decisions)) return false;
  for (const own of chunk.own)
    takeOwnRow(walk, JSON.parse(own.text) as Row, placeIn(place, own), own.line === 0 && walk.firstInSegment);
  for (const line of chunk.signed) takeSignature(walk, JSON.parse(line.text) as Row, placeIn(place, line));
  countWatched(walk, chunk);
  walk.runs.apply(chunk.runs, walk.missing);
  walk.decisions.apply(chunk.decisions, walk.missing);
  goOn(walk, { seq: chunk.firstSeq + chunk.lines - 1, hash: chunk.lastHash });
  walk.firstSeq ??= chunk.firstSeq;
  walk.lines += chunk.lines;
  walk.rows += chunk.lines;
  walk.lastId = chunk.lastId;
  walk.lastTs = chunk.lastTs;
  walk.content ||= chunk.content;
  walk.sealed ||= chunk.sealed;
  if (chunk.leaves !== undefined) walk.tree?.takeMany(chunk.firstSeq, bufferOver(chunk.leaves), chunk.times);
  if (chunk.digest !== undefined) walk.digest = mergeDigests(walk.digest, chunk.digest);
  return true;
}

function bufferOver({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

function placeIn(chunk: FindingPlace, { line, offset }: KeptLine): FindingPlace {
  return { ...chunk, line: chunk.line + line, offset: chunk.offset + offset };
}

function takeSignature(walk: Walk, row: Row, place: FindingPlace): void {
  const fault = walk.signatures.take(row, walk.ledgerId);
  if (fault !== undefined) report(walk, { code: fault.code, seq: row.seq, place }, fault);
}

/** Takes one line. */
export function walkLine(walk: Walk, line: StoredLine, place: FindingPlace): void {
  walk.lines++;
  switch (line.kind) {
    case 'torn':
      return walkTorn(walk, line, place);
    case 'foreign':
      report(walk, { code: 'FOREIGN', seq: nextSeq(walk), place }, { want: 'a row', got: 'another JSON object' });
      return distrust(walk, 1);
    case 'altered':
      return walkAltered(walk, line, place);
    case 'tombstone':
      return walkTombstone(walk, line, place);
    case 'row':
      return walkRow(walk, line, place);
  }
}

/** The seq that the next line stands for, as far as can be told. */
export function nextSeq(walk: Walk): number {
  return walk.main.expected + walk.slack;
}

function distrust(walk: Walk, rows: number): void {
  walk.slack += rows;
  walk.missing += rows;
  walk.tornRun = undefined;
  walk.firstInSegment = false;
}

/** A newline that was written into a row makes two torn lines of it: the second begins in no row and is the same damage. */
function walkTorn(walk: Walk, line: Extract<StoredLine, { kind: 'torn' }>, place: FindingPlace): void {
  const { rows: rowStarts, lacksNewline } = line;
  if (walk.tornRun !== undefined && rowStarts === 0) return;
  const got =
    lacksNewline !== undefined ? 'a whole row without its newline' : 'a line that is not a complete JSON object';
  const fault = { want: 'a row', got };
  const finding = report(walk, { code: 'MALFORMED', seq: nextSeq(walk), place }, fault);
  if (lacksNewline !== undefined) noteUnsound(walk, lacksNewline);
  distrust(walk, Math.max(1, rowStarts));
  walk.tornRun = finding;
}

type ClaimedPlace = { readonly [Name in keyof LinkedLine]?: LinkedLine[Name] | undefined };

function noteUnsound(walk: Walk, { seq, prevHash, lastSeq }: ClaimedPlace): void {
  const { expected, hash } = walk.main;
  if (seq === expected && prevHash === hash) walk.unsoundSeq = lastSeq ?? expected;
}

function walkAltered(walk: Walk, line: Extract<StoredLine, { kind: 'altered' }>, place: FindingPlace): void {
  noteUnsound(walk, line);
  report(walk, { code: line.fault.code, seq: seqOfAltered(walk, line), place }, line.fault);
  walk.rows++;
  walk.firstSeq ??= nextSeq(walk);
  registerHeal(walk, line.row, place);
  distrust(walk, 1);
}

/** An altered row may lie about its seq. What links it to the row before, or its order, tells which row it was. */
function seqOfAltered(walk: Walk, line: Extract<StoredLine, { kind: 'altered' }>): number {
  const inOrder = nextSeq(walk);
  if (line.seq === undefined || walk.slack > 0 || line.prevHash === walk.main.hash) return inOrder;
  return line.seq;
}

function walkTombstone(walk: Walk, line: Extract<StoredLine, { kind: 'tombstone' }>, place: FindingPlace): void {
  const { main } = walk;
  const inPlace = line.seq === main.expected || (line.seq > main.expected && line.seq <= nextSeq(walk));
  const seq = inPlace ? line.seq : nextSeq(walk);
  const at = { seq, place };
  if (!inPlace) report(walk, { code: 'SEQ_GAP', ...at }, { want: `seq ${seq}`, got: `seq ${line.seq}` });
  else if (line.seq === main.expected && line.prevHash !== main.hash)
    report(walk, { code: 'LINK_BROKEN', ...at }, linkFault(main.hash, line.prevHash));
  const lastSeq = seq + line.lastSeq - line.seq;
  const gap: Gap = {
    kind: 'tombstone',
    from_seq: seq,
    to_seq: lastSeq,
    heal_id: line.healId ?? null,
    named_by_seq: null,
    place,
    checkpoint: null,
  };
  walk.tombstones.push({ gap, sha256: line.bytesSha256 });
  walk.missing += lastSeq - seq + 1;
  walk.firstSeq ??= seq;
  if (lastSeq === seq) walk.tree?.take(seq, line.hash);
  else walk.tree?.end();
  goOn(walk, { seq: lastSeq, hash: line.hash });
  walk.lastTombstone = line;
  walk.lastTombstonePlace = place;
}

function linkFault(want: string, got: string): { readonly want: string; readonly got: string } {
  return { want: `prev_hash ${want}`, got: `prev_hash ${got}` };
}

function walkRow(walk: Walk, line: Extract<StoredLine, { kind: 'row' }>, place: FindingPlace): void {
  const { row } = line;
  const opens = walk.firstInSegment;
  const faultsBefore = walk.findings.total;
  const step = connect(walk, row, place);
  // Rows that are missing or were exchanged leave holes in streams, too. Nothing else that is wrong with a row explains one.
  const explained = walk.findings.total > faultsBefore;
  for (const fault of line.faults) {
    report(walk, { code: fault.code, seq: row.seq, place }, fault);
    if (fault.code === 'CONTENT_ALTERED') walk.contentBroken = true;
  }
  walk.rows++;
  walk.firstSeq ??= row.seq;
  walk.content ||= row.payload !== undefined;
  if (step !== 'aside') {
    checkOrder(walk, row, place, step);
    takeOwnRow(walk, row, place, opens);
    if (step === 'other') [walk.main, walk.other] = [walk.other ?? walk.main, walk.main];
    walk.tree?.take(row.seq, row.hash, row.ts);
    goOn(walk, row);
  } else walk.firstInSegment = false;
  takeSignature(walk, row, place);
  if (!row.action.startsWith('audit.')) walkStreams(walk, row, place, step, explained);
}

/** `next`: continues the walk (perhaps after a finding). `other`: continues the other branch. `aside`: a second row in a place that is taken. */
type Connection = 'next' | 'other' | 'aside';

function connect(walk: Walk, row: Row, place: FindingPlace): Connection {
  const { main, other, slack } = walk;
  const links = row.prev_hash === main.hash;
  if (row.seq === main.expected && links) return 'next';
  if (row.seq > main.expected && row.seq <= main.expected + slack) return 'next';
  if (other !== undefined && row.seq === other.expected && row.prev_hash === other.hash) return 'other';
  if (blamesTombstone(walk, row, links)) return 'next';
  const at = { seq: row.seq, place };
  const seqFault = { want: `seq ${main.expected + slack}`, got: `seq ${row.seq}` };
  if (row.seq > main.expected) {
    const code = walk.lines === 1 ? 'FRONT_TRUNCATED' : 'SEQ_GAP';
    report(walk, { code, ...at }, seqFault);
    walk.missing += row.seq - main.expected - slack;
    walk.other = main;
    return 'next';
  }
  const doubled = row.seq < main.expected;
  const fault = doubled ? seqFault : linkFault(main.hash, row.prev_hash);
  const finding = report(walk, { code: doubled ? 'SEQ_GAP' : 'LINK_BROKEN', ...at }, fault);
  if (doubled) walk.suspects.push({ finding, prevHash: row.prev_hash, hash: row.hash });
  walk.other = doubled ? { expected: row.seq + 1, hash: row.hash } : main;
  return doubled ? 'aside' : 'next';
}

/** A tombstone's own line proves nothing; a row with a right hash that disagrees with the tombstone before it is believed. */
function blamesTombstone(walk: Walk, row: Row, links: boolean): boolean {
  const { main, lastTombstone: tombstone, lastTombstonePlace: place } = walk;
  if (tombstone === undefined || place === undefined || (row.seq !== main.expected && !links)) return false;
  const at = { seq: main.expected - 1 - (tombstone.lastSeq - tombstone.seq), place };
  if (links)
    report(walk, { code: 'SEQ_GAP', ...at }, { want: `last seq ${row.seq - 1}`, got: `last seq ${main.expected - 1}` });
  else report(walk, { code: 'LINK_BROKEN', ...at }, { want: `hash ${row.prev_hash}`, got: `hash ${tombstone.hash}` });
  return true;
}

/** Ids grow from row to row. Times should; a clock may go back. */
function checkOrder(walk: Walk, row: Row, place: FindingPlace, step: Connection): void {
  const at = { seq: row.seq, place };
  if (step === 'next' && row.id <= walk.lastId)
    report(walk, { code: 'MALFORMED', ...at }, { want: `an id above ${walk.lastId}`, got: `id ${row.id}` });
  if (step === 'next' && row.ts < walk.lastTs)
    report(walk, { code: 'TIME_SUSPECT', ...at }, { want: `ts from ${walk.lastTs} on`, got: `ts ${row.ts}` });
  walk.lastId = row.id;
  walk.lastTs = row.ts;
}

function walkStreams(walk: Walk, row: Row, place: FindingPlace, step: Connection, explained: boolean): void {
  for (const kind of ['run', 'decision'] as const) {
    const id = row[`${kind}_id`];
    const seq = row[`${kind}_seq`];
    const prevHash = row[`${kind}_prev_hash`];
    if (typeof id !== 'string' || typeof seq !== 'number' || typeof prevHash !== 'string') continue;
    const streams = kind === 'run' ? walk.runs : walk.decisions;
    const closes = (kind === 'run' ? RUN_CLOSERS : DECISION_CLOSERS).includes(row.action);
    const standing = { seq, prevHash, hash: row.hash, closes };
    if (step !== 'next') {
      if (isWatched(walk, kind, id) && seq > (streams.stateOf(id)?.seq ?? 0)) walk.watched.rows++;
      streams.resync(id, standing, walk.missing);
      continue;
    }
    const result = streams.step(id, standing, walk.missing);
    noteWatched(walk, kind, id, result);
    if (result.kind === 'excused') walk.excusedStreams++;
    else if (result.kind === 'follows') walk.lateRows += result.late ? 1 : 0;
    else if (!explained)
      report(walk, { code: 'STREAM_BROKEN', seq: row.seq, place }, { want: `${kind} ${result.want}`, got: result.got });
  }
}

/** The walk is over: what is torn at the very end is a torn tail, not a broken line between others. */
export function endWalk(walk: Walk): void {
  if (walk.tornRun !== undefined) walk.findings.recode(walk.tornRun, 'TORN');
}

/**
 * Gives second rows their name, once it is known which rows stand before them.
 * @param earlier whether a row with that hash stands before the suspect
 */
export function nameSuspect(walk: Walk, suspect: Suspect, earlier: (hash: string) => boolean): void {
  if (earlier(suspect.hash)) walk.findings.recode(suspect.finding, 'REPLAY');
  else if (earlier(suspect.prevHash)) walk.findings.recode(suspect.finding, 'FORK');
}
