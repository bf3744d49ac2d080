/** What is said of the signature of a row. */
import type { Row } from '../members';
import type { SignatureJudgement } from '../signing/signatureWalk';
import { actionTitle } from './words';

export type JudgeSignature = (row: Row) => SignatureJudgement;

/** Nobody looked. */
export const UNJUDGED: JudgeSignature = () => ({ state: 'none' });

/** Undefined where it is not signed, and need not be. */
export function signatureText(row: Row, judge: JudgeSignature): string | undefined {
  const judged = judge(row);
  switch (judged.state) {
    case 'none':
      return undefined;
    case 'valid':
      return `signed with the key ${judged.keyId}: it holds`;
    case 'not-checked':
      return `signed with the key ${judged.keyId}: not checked, no key is trusted here`;
    case 'wrong':
      return `its signature does not hold: wanted ${judged.fault.want}, found ${judged.fault.got}`;
  }
}

/** Whether what the row says counts: an approval whose signature does not hold is none. */
export function countsBy(judge: JudgeSignature): (row: Row) => boolean {
  return (row) => judge(row).state !== 'wrong';
}

/** `Approval added, row 7: its signature does not hold: …` */
export function wrongSignatures(rows: readonly Row[], judge: JudgeSignature): string[] {
  return rows
    .filter((row) => judge(row).state === 'wrong')
    .map((row) => `${actionTitle(row.action)}, row ${row.seq}: ${signatureText(row, judge) ?? ''}`);
}
