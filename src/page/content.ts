/** Everything that can be checked without a key: that a bundle is whole, and every row in it what its writer wrote. */
import { LIST_NAMES, LISTS, readBundle } from './bundle';
import type { Bundle } from './bundle';
import { digestHex } from './bytes';
import { Fault, Findings } from './finding';
import type { Finding } from './finding';
import { canonical } from './json';
import { checkOpenings } from './openings';
import { readRows } from './rows';
import type { Row } from './rows';
import { checkStreams, nameOf } from './streams';
import { checkTree } from './tree';
import type { TreeHead } from './tree';

/** `unsure`: it could not be told, or is for the reader to say. */
export type State = 'good' | 'bad' | 'unsure';

/** One thing that was looked at. */
export interface Part {
  readonly name: string;
  readonly state: State;
  readonly text: string;
}

export interface Content {
  /** Undefined where there is none. */
  readonly bundle: Bundle | undefined;
  readonly head: TreeHead | undefined;
  readonly parts: readonly Part[];
  readonly findings: readonly Finding[];
}

/** @param file the bundle, as its file has it */
export function checkContent(file: string): Content {
  try {
    return contentOf(readBundle(file));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { code, want, got } = error;
    const part: Part = { name: 'form', state: 'bad', text: 'this is no bundle' };
    return { bundle: undefined, head: undefined, parts: [part], findings: [{ code, seq: null, want, got }] };
  }
}

function contentOf(bundle: Bundle): Content {
  const parts: Part[] = [];
  const all: Finding[] = [];
  const look = <T>(name: string, text: string, check: (findings: Findings) => T): T => {
    const findings = new Findings();
    const found = check(findings);
    const isGood = findings.all.length === 0;
    parts.push({ name, text: isGood ? text : 'does not hold: see below', state: isGood ? 'good' : 'bad' });
    all.push(...findings.all);
    return found;
  };
  const { events, streams, disclosed } = bundle;
  look('content', bundle.contentHash, (findings) => checkContentHash(bundle, findings));
  const read = look('rows', `${counted(events.length)}, each with the hash that it declares`, (findings) => readRows(events, findings)); // prettier-ignore
  const rows = read.filter((row) => row !== undefined);
  look('streams', streamsText(bundle), (findings) => checkStreams(streams, rows, findings));
  const head = look('tree head', treeText(bundle), (findings) => checkTree(bundle, read, findings));
  look('contents', 'verdicts, approvals, proposals and transactions are listed as the rows say', (findings) => checkLists(bundle, rows, findings)); // prettier-ignore
  if (disclosed.length > 0)
    look('sealed fields', disclosed.map(({ field, seq }) => `${field} of row ${seq}`).join(', '), (findings) => checkOpenings(disclosed, rows, findings)); // prettier-ignore
  return { bundle, head, parts, findings: all };
}

function checkContentHash({ members, contentHash }: Bundle, findings: Findings): void {
  const signed = [...members].filter(([name]) => name !== 'contentHash' && name !== 'signature');
  const got = `sha256:${digestHex(canonical(new Map(signed)))}`;
  findings.must(got === contentHash, 'CONTENT_ALTERED', `contentHash ${contentHash}`, got);
}

function checkLists({ lists }: Bundle, rows: readonly Row[], findings: Findings): void {
  for (const name of LIST_NAMES) {
    const actions: readonly string[] = LISTS[name];
    const own = rows.filter(({ action, members }) => {
      const payload = members.get('payload');
      return name === 'chainTransactions' ? payload instanceof Map && payload.has('transaction') : actions.includes(action); // prettier-ignore
    });
    const [want, got] = [own.map(({ seq }) => seq).join(', '), lists[name].join(', ')];
    findings.must(want === got, 'CONTENT_ALTERED', `"${name}" as the rows say, [${want}]`, `[${got}]`);
  }
}

const STANDS: Readonly<Record<string, string>> = {
  closed: 'linked without a gap, the last one shown closes it',
  open: 'linked without a gap; none closes it, so others may follow',
  late: 'linked without a gap; some came after the one that closes it',
  loose: 'which no chain links: others may be missing',
};

const counted = (rows: number): string => `${rows} ${rows === 1 ? 'row' : 'rows'}`;

function streamsText({ streams }: Bundle): string {
  const shown = streams
    .slice(0, 5)
    .map((stream) => `${nameOf(stream)}: ${counted(stream.rows)}, ${STANDS[stream.state]}`);
  const more = streams.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function treeText({ checkpoint, origin }: Bundle): string {
  return `each row stands in the tree of ${checkpoint.split('\n')[1] ?? 'unknown'} rows of ${origin}`;
}
