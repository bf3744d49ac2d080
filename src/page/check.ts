/** What the page says of its bundle. */
import type { Content, Part } from './content';
import type { Finding } from './finding';
import { checkBundleSignature, checkHeadSignature } from './signatures';
import type { Keys } from './signatures';

/** `whole`: nothing in it was changed, and by whom it is, is open; `unknown`: by another key than the reader gave. */
export type Verdict = 'holds' | 'whole' | 'unknown' | 'broken';

export interface Report {
  readonly verdict: Verdict;
  readonly parts: readonly Part[];
  readonly findings: readonly Finding[];
}

export const VERDICTS: Readonly<Record<Verdict, string>> = {
  holds: 'It holds: nothing was changed, and it is signed by the key that you gave.',
  whole: 'It holds in itself: nothing was changed. Who made it, is for you to say: see the signature.',
  unknown: 'It is not signed by the key that you gave.',
  broken: 'It does not hold.',
};

export async function reportOf({ bundle, head, ...content }: Content, keys: Keys): Promise<Report> {
  const signed = [
    ...(bundle === undefined ? [] : [await checkBundleSignature(bundle, keys)]),
    ...(head === undefined ? [] : [await checkHeadSignature(head, keys)]),
  ];
  const parts = [...content.parts, ...signed.map(({ part }) => part)];
  const findings = [...content.findings, ...signed.flatMap(({ finding }) => finding ?? [])];
  const isByWhom = keys.areGiven && signed[0]?.part.state === 'good';
  return { verdict: verdictOf(findings, isByWhom), parts, findings };
}

function verdictOf(findings: readonly Finding[], isByWhom: boolean): Verdict {
  if (findings.some(({ code }) => code !== 'UNKNOWN_KEY')) return 'broken';
  if (findings.length > 0) return 'unknown';
  return isByWhom ? 'holds' : 'whole';
}
