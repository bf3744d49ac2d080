/** The answer of `verify`, put together from a finished walk. Every field says what was looked at, and no more. */
import type { AnchorVerdict } from './anchor/judge';
import type { CheckpointVerdict } from './note/judgeCheckpoints';
import type { FindingCode, IndexState, StreamReport, VerifyResult } from './verdict';
import { segmentOrder } from './verdict';
import type { Walk } from './walkState';

const CHAIN_CODES: readonly FindingCode[] = [
  'CONTENT_ALTERED',
  'LINK_BROKEN',
  'SEQ_GAP',
  'REPLAY',
  'GENESIS_MISSING',
  'FRONT_TRUNCATED',
  'TRUNCATED',
  'ROLLBACK',
  'DIVERGED',
  'FORK',
  'MALFORMED',
  'TORN',
  'FOREIGN',
  'GAP_UNBACKED',
  'GAP_UNJUSTIFIED',
  'HEAD_MISMATCH',
];

/** Checkpoints and anchors, held against the rows. */
export interface EvidenceVerdict {
  readonly checkpoints: CheckpointVerdict;
  readonly anchors: AnchorVerdict;
  readonly warnings: readonly string[];
}

export interface ResultInputs {
  /** Names of the segments, in order. */
  readonly segments: readonly string[];
  readonly spilled: number;
  readonly index: IndexState;
  /** What was seen besides the rows; undefined where nobody looked. */
  readonly evidence: EvidenceVerdict | undefined;
  readonly read: VerifyResult['read'];
  readonly strict: boolean;
  /** Whether the head is the one that the caller had noted elsewhere. */
  readonly headHeld: boolean;
  readonly warnings: readonly string[];
}

export function resultOf(walk: Walk, inputs: ResultInputs): VerifyResult {
  const { findings } = walk;
  const empty = walk.lines === 0;
  const gaps = [...walk.gaps].sort((a, b) => segmentOrder(inputs.segments, a.place, b.place));
  const streamsBroken = findings.count('STREAM_BROKEN') > 0;
  const chain = findings.has(CHAIN_CODES) ? 'broken' : gaps.length > 0 ? 'gaps' : 'intact';
  const verdict = findings.verdict();
  const { checkpoints, anchors } = inputs.evidence ?? {};
  const anchoredUntil = anchors?.anchored_until ?? null;
  return {
    verdict,
    rows: walk.rows,
    first_seq: walk.firstSeq ?? null,
    last_seq: empty ? null : walk.main.expected - 1,
    head: empty ? null : walk.main.hash,
    ledger_id: walk.ledgerId ?? null,
    chain: empty ? 'none' : chain,
    streams: streamCount(walk) === 0 ? 'none' : streamsBroken ? 'broken' : walk.excusedStreams > 0 ? 'gaps' : 'intact',
    content: walk.contentBroken ? 'broken' : walk.content ? 'intact' : 'none',
    gaps,
    index: inputs.index,
    tree: checkpoints?.tree ?? 'not-checked',
    signatures: signatureState(walk),
    signed_rows: walk.signatures.signed,
    key: checkpoints?.key ?? 'not-checked',
    checkpoints: checkpoints?.count ?? 0,
    signed_until: checkpoints?.until ?? null,
    read: inputs.read,
    tail: empty ? 'none' : findings.count('TORN') > 0 ? 'torn' : 'whole',
    anchored_until: anchoredUntil,
    unanchored_rows: lastSeq(walk) - (anchoredUntil ?? 0),
    unanchored_events: unanchoredEvents(walk, anchoredUntil),
    anchors: anchors?.anchors ?? [],
    open_streams: walk.runs.open + walk.decisions.open,
    stream: streamReport(walk),
    time: empty ? 'none' : findings.count('TIME_SUSPECT') > 0 ? 'suspect' : 'plausible',
    spilled: inputs.spilled,
    strict: inputs.strict,
    warnings: [...ownWarnings(walk, inputs), ...inputs.warnings],
    findings: [...findings.kept].sort((a, b) => segmentOrder(inputs.segments, a.place, b.place)),
    findings_total: findings.total,
    not_proved: empty
      ? ['anything: there was nothing to check']
      : [...unknownStream(walk), ...unknownSigners(walk), ...notProved(inputs, walk)],
  };
}

/** Rows that are missing are counted, too. */
function lastSeq({ main }: Walk): number {
  return main.expected - 1;
}

/** Rows about checkpoints come behind them: a ledger that has nothing else behind its anchor is anchored. */
function unanchoredEvents(walk: Walk, until: number | null): number {
  const from = until ?? 0;
  return Math.max(0, lastSeq(walk) - from - walk.evidence.filter(({ seq }) => seq > from).length);
}

function streamCount(walk: Walk): number {
  return walk.runs.size + walk.decisions.size;
}

function streamReport(walk: Walk): StreamReport | null {
  const { watched } = walk;
  if (watched === undefined) return null;
  const state = (watched.kind === 'run' ? walk.runs : walk.decisions).stateOf(watched.id);
  return {
    kind: watched.kind,
    id: watched.id,
    rows: watched.rows,
    open: state !== undefined && !state.closed,
    complete: state !== undefined && watched.missing === 0 && !watched.broken,
  };
}

/** A stream that was asked for and is not there; what was checked of the others holds all the same. */
function unknownStream({ watched }: Walk): string[] {
  if (watched === undefined || watched.rows > 0) return [];
  return [`anything about ${watched.kind} ${watched.id}: no row of it is here`];
}

function signatureState({ signatures }: Walk): VerifyResult['signatures'] {
  const { signed, unchecked, wrong } = signatures;
  if (wrong > 0) return 'broken';
  if (unchecked > 0) return 'not-checked';
  return signed > 0 ? 'valid' : 'none';
}

function unknownSigners({ signatures: { unchecked } }: Walk): string[] {
  if (unchecked === 0) return [];
  return [`who signed: ${count(unchecked, 'row')} with a signature, and no key is trusted here ("keys" in the config)`];
}

function ownWarnings(walk: Walk, inputs: ResultInputs): string[] {
  const warnings: string[] = [];
  if (inputs.spilled > 0) warnings.push(`${count(inputs.spilled, 'row')} in the spill files, waiting to be chained`);
  if (walk.lateRows > 0)
    warnings.push(`${count(walk.lateRows, 'row')} came after the closing row of their stream (ROW_AFTER_CLOSE)`);
  const jumps = walk.findings.count('TIME_SUSPECT');
  if (jumps > 0) warnings.push(`the clock went back ${count(jumps, 'time')}: order is by seq, not by ts`);
  return [...warnings, ...(inputs.evidence?.warnings ?? [])];
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function notProved(inputs: ResultInputs, walk: Walk): string[] {
  return [
    ...notRead(inputs),
    ...(inputs.headHeld ? [] : notAnchored(inputs, walk)),
    'that everything that happened was logged',
    ...(inputs.index === 'not-checked' ? ['that the index agrees with the file'] : []),
  ];
}

function notRead({ read, evidence }: ResultInputs): string[] {
  if (read === 'all') return [];
  const until = evidence?.checkpoints.until ?? 0;
  return [
    `rows 1 to ${until} as they stand now, key rotations among them: only what was signed of them was compared; "ledger verify" reads all`,
  ];
}

/** What nobody elsewhere knows of can be cut off, or written anew. */
function notAnchored({ evidence }: ResultInputs, walk: Walk): string[] {
  const until = evidence?.anchors.anchored_until ?? null;
  if (until === null) {
    return [
      'that no rows were cut off the end: "ledger checkpoint" signs them; or keep the head elsewhere for --expect-head',
      'that nobody who can write the file rewrote it all, hashes included: a head kept elsewhere shows that too',
    ];
  }
  const signedBy =
    evidence?.checkpoints.key === 'not-checked'
      ? ['who signed the checkpoints: no key is trusted for that here (role "checkpoint" in "keys" of the config)']
      : [];
  if (unanchoredEvents(walk, until) === 0) return signedBy;
  return [`that no rows behind row ${until} were cut off or written anew: no anchor knows of them yet`, ...signedBy];
}
