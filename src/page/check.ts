/** What the page says of its bundle. */
import type { Bundle } from './bundle';
import type { Content, Part } from './content';
import type { Finding } from './finding';
import { checkBundleSignature, checkHeadSignature } from './signatures';
import type { Keys } from './signatures';
import { nameOf } from './streams';

/** `whole`: nothing in it was changed, and by whom it is, is open; `unknown`: by another key than the reader gave. */
export type Verdict = 'holds' | 'whole' | 'unknown' | 'broken';

export interface Report {
  readonly verdict: Verdict;
  /** The verdict in words, with what is so and no fault. */
  readonly said: string;
  readonly parts: readonly Part[];
  readonly findings: readonly Finding[];
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  holds: 'It holds: nothing was changed, and it is signed by the key that you gave.',
  whole: 'It holds in itself: nothing was changed. Who made it, is for you to say: see the signature.',
  unknown: 'It is not signed by the key that you gave.',
  broken: 'It does not hold.',
};
const SHARED =
  'It holds in itself: nothing was changed. Its signature was not checked: it is by a shared secret, which no page may ask for.';
const MAX_NAMED = 3;

export async function reportOf({ bundle, head, ...content }: Content, keys: Keys): Promise<Report> {
  const signed = [
    ...(bundle === undefined ? [] : [await checkBundleSignature(bundle, keys)]),
    ...(head === undefined ? [] : [await checkHeadSignature(head, keys)]),
  ];
  const parts = [...content.parts, ...signed.map(({ part }) => part)];
  const findings = [...content.findings, ...signed.flatMap(({ finding }) => finding ?? [])];
  const isByWhom = keys.areGiven && signed[0]?.part.state === 'good';
  const verdict = verdictOf(findings, isByWhom);
  return { verdict, said: verdict === 'broken' ? VERDICTS.broken : said(verdict, bundle), parts, findings };
}

/** Streams that may have other rows, and a signature that no page can check, belong to the first sentence that is read. */
function said(verdict: Verdict, bundle: Bundle | undefined): string {
  const streams = bundle?.streams ?? [];
  const isShared = verdict === 'whole' && bundle?.signature.alg === 'hmac-sha256';
  const named = (state: string): string => listed(streams.filter((stream) => stream.state === state).map(nameOf));
  const [open, late] = [named('open'), named('late')];
  return [
    isShared ? SHARED : VERDICTS[verdict],
    ...(open === '' ? [] : [`Open, so that other rows may follow: ${open}.`]),
    ...(late === '' ? [] : [`Late rows, behind the one that closes it: ${late}.`]),
  ].join(' ');
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return `${names.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function verdictOf(findings: readonly Finding[], isByWhom: boolean): Verdict {
  if (findings.some(({ code }) => code !== 'UNKNOWN_KEY')) return 'broken';
  if (findings.length > 0) return 'unknown';
  return isByWhom ? 'holds' : 'whole';
}
