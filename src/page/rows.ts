/** The rows, each on its own: that its bytes give the hash that it declares, and its payload the digest beside it. */
import { digestHex } from './bytes';
import { Fault } from './finding';
import type { Findings } from './finding';
import { canonical, parseStrict, shown } from './json';
import type { JsonObject } from './json';

export interface Row {
  readonly seq: number;
  readonly hash: string;
  readonly action: string;
  readonly members: JsonObject;
}

const END = /^(.*),"prev_hash":"[0-9a-f]{64}","hash":"([0-9a-f]{64})"\}$/s;
/** Characters of `,"hash":"<64 hex>"}`. */
const HASH_CHARS = 75;

/** @returns one for each line; undefined for one that is no sound row */
export function readRows(lines: readonly string[], findings: Findings): (Row | undefined)[] {
  let last = 0;
  return lines.map((line, i) => {
    const row = readRow(line, i, findings);
    if (row === undefined) return undefined;
    const { seq } = row;
    findings.must(seq !== last, 'REPLAY', 'every row once', 'the same row twice', seq);
    findings.must(seq >= last, 'MALFORMED', `rows in their order, after row ${last}`, `row ${seq}`, seq);
    last = seq;
    return row;
  });
}

function readRow(line: string, i: number, findings: Findings): Row | undefined {
  const declared = END.exec(line)?.[2];
  const members = membersOf(line);
  const [seq, action] = [members?.get('seq'), members?.get('action')];
  const isRow = typeof seq === 'number' && Number.isSafeInteger(seq) && seq > 0 && typeof action === 'string';
  if (declared === undefined || members === undefined || !isRow) {
    findings.must(false, 'MALFORMED', `a row as event ${i + 1}`, line.slice(0, 80));
    return undefined;
  }
  const got = digestHex(`${line.slice(0, -HASH_CHARS)}}`);
  if (!findings.must(got === declared, 'CONTENT_ALTERED', `bytes that give hash ${declared}`, got, seq))
    return undefined;
  checkPayload(members, seq, findings);
  return { seq, action, hash: declared, members };
}

function membersOf(line: string): JsonObject | undefined {
  try {
    const value = parseStrict(line);
    return value instanceof Map ? (value as JsonObject) : undefined;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

function checkPayload(members: JsonObject, seq: number, findings: Findings): void {
  const [payload, declared] = [members.get('payload'), members.get('content_hash')];
  if (payload === undefined && declared === undefined) return;
  const got = payload === undefined ? 'no payload' : digestHex(canonical(payload));
  findings.must(got === declared, 'CONTENT_ALTERED', `a payload of digest ${shown(declared)}`, got, seq);
}
