/** `ledger verify FILE`: what a file proves, from the file alone and the keys that are trusted. */
import { faultOf, rowOf } from '../core/evidence/checkEvidence';
import type { FileFault } from '../core/evidence/checkEvidence';
import { headsOf } from '../core/evidence/evidenceFile';
import type { EvidenceFile } from '../core/evidence/evidenceFile';
import { judgeHead } from '../core/evidence/headKeys';
import type { HeadJudgement } from '../core/evidence/headKeys';
import type { SignedHead } from '../core/note/checkpoint';
import { noteKeyText } from '../core/note/note';
import { formatTime } from '../core/time';
import { findHeadKeys } from '../store/evidence/findHeadKeys';
import { readEvidence } from '../store/evidence/readEvidence';
import type { Place } from '../store/ledger/locate';

/**
 * `not-checked`: all that can be checked holds, and no key is trusted to sign. `untrusted`: the same, and it is by others than
 * those that are.
 */
export type FileVerdict = 'proved' | 'wrong' | 'untrusted' | 'not-checked';

export interface CheckedHead {
  readonly size: number;
  readonly root: string;
  readonly signatures: 'good' | 'wrong' | 'untrusted' | 'not-checked';
  /** The keys that are trusted, as notes name them. */
  readonly signed_by: readonly string[];
  readonly cosigned_by: readonly { readonly name: string; readonly at: string }[];
}

export interface FileResult {
  readonly kind: EvidenceFile['kind'];
  readonly verdict: FileVerdict;
  readonly origin: string;
  readonly row: { readonly seq: number; readonly hash: string; readonly line: string | null } | null;
  readonly checkpoints: readonly CheckedHead[];
  readonly findings: readonly FileFault[];
  readonly not_proved: readonly string[];
}

/**
 * @param keys as `findHeadKeys` takes them
 * @throws LedgerError READ_FAILED, EVIDENCE_INVALID, KEY_UNUSABLE, CONFIG_INVALID
 */
export async function verifyFile(place: Place, path: string, keys: readonly string[]): Promise<FileResult> {
  const file = readEvidence(path);
  const heads = headsOf(file);
  const [{ head }] = heads;
  const trusted = await findHeadKeys(place, keys, head.origin);
  const provedRow = file.kind === 'inclusion' ? rowOf(file) : undefined;
  const row = provedRow !== undefined && 'hash' in provedRow ? provedRow : undefined;
  // A key that ended before this row was appended signed no tree that has it.
  const atMs = row?.row === undefined ? undefined : Date.parse(row.row.ts);
  const judged = heads.map((signed) => judgeHead(signed, trusted, atMs));
  const findings = [faultOf(file), ...judged.map(({ fault }) => fault), sameKeyFault(file, judged)];
  const found = findings.filter((fault) => fault !== undefined);
  const isSigned = judged.every(({ signedBy }) => signedBy.length > 0);
  return {
    kind: file.kind,
    verdict: found.length > 0 ? wrongIn(found) : isSigned ? 'proved' : 'not-checked',
    origin: head.origin,
    row: row === undefined ? null : { seq: row.seq, hash: row.hash, line: row.line },
    checkpoints: heads.map((signed, i) => checkedHead(signed, judged[i] as HeadJudgement)),
    findings: found,
    not_proved: notProved(file, { isSigned, isShown: row?.line != null, judged }),
  };
}

/** Of a key that is not known here, or not for that, nothing follows for what it signed. */
function wrongIn(faults: readonly FileFault[]): 'wrong' | 'untrusted' {
  return faults.every(({ code }) => code === 'UNKNOWN_KEY' || code === 'UNTRUSTED_KEY') ? 'untrusted' : 'wrong';
}

/** That two keys of a ledger said two things is no contradiction of either. */
function sameKeyFault({ kind }: EvidenceFile, [one, other]: readonly HeadJudgement[]): FileFault | undefined {
  if (kind !== 'equivocation' || one === undefined || other === undefined) return undefined;
  const [mine, theirs] = [one.signedBy.map(noteKeyText), other.signedBy.map(noteKeyText)];
  if (mine.length === 0 || theirs.length === 0 || mine.some((key) => theirs.includes(key))) return undefined;
  return { code: 'NO_EQUIVOCATION', want: 'one key that signed both', got: `${mine.join()} and ${theirs.join()}` };
}

function checkedHead({ head }: SignedHead, { signedBy, cosigned, fault }: HeadJudgement): CheckedHead {
  return {
    size: head.size,
    root: head.root.toString('base64'),
    signatures: fault !== undefined ? wrongIn([fault]) : signedBy.length > 0 ? 'good' : 'not-checked',
    signed_by: signedBy.map(noteKeyText),
    cosigned_by: cosigned.map(({ by, at }) => ({ name: by, at: witnessTime(at) })),
  };
}

const MAX_SECONDS = 253_402_300_799n;

/** A witness may sign any number. */
function witnessTime(seconds: bigint): string {
  return seconds > MAX_SECONDS ? `${seconds} s` : formatTime(Number(seconds) * 1000);
}

interface Known {
  readonly isSigned: boolean;
  readonly isShown: boolean;
  readonly judged: readonly HeadJudgement[];
}

function notProved({ kind }: EvidenceFile, { isSigned, isShown, judged }: Known): string[] {
  const isWitnessed = judged.every(({ cosigned }) => cosigned.length > 0);
  return [
    ...(isSigned ? [] : ['who signed it: no key is trusted for that here']),
    ...(kind === 'inclusion' && !isShown ? ['what the row says: the file has its hash alone'] : []),
    ...(kind === 'consistency' ? ['what the rows say, and that their own hashes are right'] : []),
    ...(kind === 'equivocation' ? ['which of the two the rows are of, if either'] : []),
    ...(kind === 'checkpoint'
      ? ['that the ledger still begins with these rows: "ledger prove --consistency FILE" there, and "ledger verify"']
      : []),
    ...(kind === 'equivocation' || isWitnessed
      ? []
      : ['when it was signed, and that others were shown the same: a witness or an anchor says that']),
  ];
}
