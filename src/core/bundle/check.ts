/**
 * A bundle, held against itself, against its checkpoint and against the keys of whoever checks. What it is found to prove
 * is said, and what it does not prove as well.
 */
import type { Row } from '../members';
import { contentHashOf, signedBytes } from './bundle';
import type { Bundle, BundleStream, LedgerOfBundle } from './bundle';
import { readEvents } from './events';
import type { Evidence } from './evidence';
import { BundleFindings } from './finding';
import type { BundleFinding, Checked } from './finding';
import type { EvidenceKey } from './keys';
import { listsOf, LIST_NAMES } from './lists';
import { notProved } from './notProved';
import { checkDisclosed } from './openings';
import { checkSigned } from './signature';
import type { CheckedSignature } from './signature';
import { checkStreams, nameOf } from './streams';
import { checkCheckpoint, checkInclusion } from './tree';
import type { CheckedHead } from './tree';

/** The answer of `ledger bundle verify`; prose and JSON both print exactly this. */
export interface BundleReport {
  /** `untrusted`, `not-checked`: it holds in itself, and who made it is not trusted, or could not be told. */
  readonly verdict: Checked;
  readonly workflow_id: string | null;
  readonly ledger: LedgerOfBundle | null;
  readonly rows: number;
  readonly first_seq: number | null;
  readonly last_seq: number | null;
  readonly streams: readonly BundleStream[];
  readonly content_hash: string | null;
  readonly signature: {
    readonly state: Checked;
    readonly alg: string | null;
    readonly key_id: string | null;
    /** Whose key it is, where the settings say. */
    readonly actor: string | null;
  };
  readonly checkpoint: {
    readonly state: Checked;
    readonly origin: string;
    readonly size: number;
    /** Base64. */
    readonly root: string;
    readonly key_id: string | null;
    readonly actor: string | null;
  } | null;
  /** Sealed fields that are shown. */
  readonly disclosed: readonly { readonly seq: number; readonly field: string }[];
  /** Streams that are open, or have rows behind the one that closes them; all the same nothing was changed. */
  readonly notes: readonly BundleFinding[];
  readonly findings: readonly BundleFinding[];
  /** How many findings there were; `findings` keeps the first ones. */
  readonly findings_total: number;
  readonly not_proved: readonly string[];
}

/** @param keys those of whoever checks; none: who made it stays unknown */
export function checkEvidence(evidence: Evidence, keys: readonly EvidenceKey[]): BundleReport {
  const { bundle, layers } = evidence;
  const findings = new BundleFindings();
  const [eventFindings, headFindings] = [new BundleFindings(), new BundleFindings()];
  for (const { code, want, got, seq } of evidence.findings) findings.add(code, want, got, seq);
  const events = readEvents(bundle.events, eventFindings);
  const rows = events.filter((row) => row !== undefined);
  checkContentHash(evidence, findings);
  const own = { bytes: signedBytes(bundle.contentHash), signature: bundle.signature };
  const atMs = newestMs(rows);
  const checkpoint = checkCheckpoint(bundle, { keys, atMs }, headFindings);
  const signature = checkSigned([...layers, own], { keys, atSize: checkpoint?.head.size ?? 0, atMs }, findings);
  findings.addAll(headFindings);
  findings.addAll(eventFindings);
  checkStreams(bundle.streams, rows, findings);
  if (checkpoint !== undefined) checkInclusion(bundle, events, checkpoint.head, findings);
  checkLists(bundle, rows, findings);
  checkDisclosed(bundle.disclosed ?? [], rows, findings);
  return reportOf(bundle, rows, { findings, signature, checkpoint });
}

function checkContentHash({ bundle, written }: Evidence, findings: BundleFindings): void {
  const got = contentHashOf(bundle, written);
  if (got !== bundle.contentHash) findings.add('CONTENT_ALTERED', `contentHash ${bundle.contentHash}`, got);
}

/** Times in their stored form are in the order of their texts. */
function newestMs(rows: readonly Row[]): number {
  let newest = '';
  for (const { ts } of rows) if (ts > newest) newest = ts;
  return newest === '' ? -Infinity : Date.parse(newest);
}

function checkLists(bundle: Bundle, rows: readonly Row[], findings: BundleFindings): void {
  const lists = listsOf(rows);
  for (const name of LIST_NAMES) {
    const [want, got] = [lists[name].join(','), bundle[name].join(',')];
    if (want !== got) findings.add('CONTENT_ALTERED', `"${name}" as the events say, [${want}]`, `[${got}]`);
  }
}

interface Checks {
  readonly findings: BundleFindings;
  readonly signature: CheckedSignature;
  readonly checkpoint: CheckedHead | undefined;
}

function reportOf(bundle: Bundle, rows: readonly Row[], { findings, signature, checkpoint }: Checks): BundleReport {
  const { workflowId, ledger, streams, contentHash, disclosed = [] } = bundle;
  const { alg, keyId } = bundle.signature;
  return {
    verdict: findings.total === 0 ? signature.state : findings.isOnlyUntrusted ? 'untrusted' : 'broken',
    workflow_id: workflowId,
    ledger,
    rows: rows.length,
    first_seq: rows[0]?.seq ?? null,
    last_seq: rows.at(-1)?.seq ?? null,
    streams,
    content_hash: contentHash,
    signature: { state: signature.state, alg, key_id: keyId, actor: signature.key?.actor ?? null },
    checkpoint: checkpoint === undefined ? null : headReport(checkpoint),
    disclosed: disclosed.map(({ seq, field }) => ({ seq, field })),
    notes: streams.flatMap(noteOf),
    findings: findings.kept,
    findings_total: findings.total,
    not_proved: notProved(bundle, rows, { signer: signature.key, checkpoint }),
  };
}

function headReport({ head, state, key }: CheckedHead): BundleReport['checkpoint'] {
  const { origin, size, root } = head;
  const signer = { key_id: key?.keyId ?? null, actor: key?.actor ?? null };
  return { state, origin, size, root: root.toString('base64'), ...signer };
}

/** What is so and no fault: whoever reads it must know. */
function noteOf(stream: BundleStream): BundleFinding[] {
  const name = nameOf(stream);
  if (stream.state === 'late')
    return [
      { code: 'ROW_AFTER_CLOSE', seq: null, want: `no row of ${name} behind the one that closes it`, got: 'one' },
    ];
  if (stream.state === 'open')
    return [{ code: 'INCOMPLETE_STREAM', seq: null, want: `a row that closes ${name}`, got: 'none: it was open' }];
  return [];
}

/** The report of what is no bundle at all. */
export function noBundle(finding: BundleFinding): BundleReport {
  return {
    verdict: 'broken',
    workflow_id: null,
    ledger: null,
    rows: 0,
    first_seq: null,
    last_seq: null,
    streams: [],
    content_hash: null,
    signature: { state: 'not-checked', alg: null, key_id: null, actor: null },
    checkpoint: null,
    disclosed: [],
    notes: [],
    findings: [finding],
    findings_total: 1,
    not_proved: ['anything: it is no bundle'],
  };
}
