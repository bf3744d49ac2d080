/**
 * Rows that only someone who can compute hashes writes: wrong in what they say, while their hash and their link are right.
 *
 *   forgedRow(chain.lines, { run_id: '"r"', run_seq: '7' })   // the line of a next row
 */
import { sha256Hex } from '../../src/core/digest';
import { ulidAfter } from '../../src/core/ids';

/** Members by their JSON text; undefined leaves one out that every row has. */
export type ForgedMembers = Readonly<Record<string, string | undefined>>;

interface LastRow {
  readonly seq: number;
  readonly ts: string;
  readonly id: string;
  readonly hash: string;
}

/** A row behind the last of `lines`. */
export function forgedRow(lines: readonly string[], members: ForgedMembers): string {
  const { seq, ts, id, hash } = JSON.parse(lines.at(-1) as string) as LastRow;
  const later = 'id' in members ? members['id'] : `"${ulidAfter(id)}"`;
  const own = {
    seq: 'seq' in members ? members['seq'] : `${seq + 1}`,
    ts: 'ts' in members ? members['ts'] : `"${ts}"`,
    id: later,
    by: '"1000:test@host"',
    action: '"a.b"',
  };
  const { nonce = '"hmR0PnEucgZBCOeD_sjWfg"', prev_hash: prevHash = `"${hash}"`, ...given } = members;
  const all: ForgedMembers = { ...own, ...given, nonce, prev_hash: prevHash };
  const texts = Object.entries(all).flatMap(([name, text]) => (text === undefined ? [] : [`"${name}":${text}`]));
  return withHash(`{${texts.join(',')}}`);
}

/** A row's text without its hash, and the hash that then is right. */
export function withHash(open: string): string {
  return `${open.slice(0, -1)},"hash":"${sha256Hex(open)}"}`;
}
