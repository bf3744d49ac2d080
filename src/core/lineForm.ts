/**
 * The lines of rows as the writer spells nearly all of them, as one regular expression: members in their order, each of its
 * kind and in its one spelling. What `verify --strict` finds by writing a row again, the engine tells of such a line in no
 * time. Any other line may be as sound: the exact way says.
 */
import { orNothing } from './errors';
import { CALLER_MEMBERS, LEDGER_MEMBERS, MEMBERS } from './members';
import type { MemberKind, Row } from './members';
import { jsonText } from './printable';
import { STORED_TIME } from './time';

/** Characters that no escape stands for. What is odd on a terminal the writer escapes with `\u`, which is not looked at here. */
const UNITS = '[^"\\\\\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]';
const ESCAPED = `\\\\["\\\\bfnrt]${UNITS}*`;
const TEXT = `"${UNITS}*(?:${ESCAPED})*"`;
const NAMED = `(?!"")${TEXT}`;
const TIME = `"${STORED_TIME}"`;
const PLACE = '[1-9][0-9]{0,14}';
const HASH = '"[0-9a-f]{64}"';
/** Not so small that the engine would write it with an exponent. */
const COST = '(?:0|[1-9][0-9]{0,5})(?:\\.(?!000000)[0-9]{0,8}[1-9])?';

const KINDS: Readonly<Record<MemberKind, string>> = {
  string: NAMED,
  action: NAMED,
  time: TIME,
  cost: COST,
  count: '(?:0|[1-9][0-9]{0,14})',
  provenance: '"(?:live|sample|fallback|imported)"',
  payload: '(\\{.*\\})',
};
const OF_LEDGER = {
  run_seq: PLACE,
  run_prev_hash: HASH,
  decision_seq: PLACE,
  decision_prev_hash: HASH,
  content_hash: HASH,
};

const LAST = [...Object.keys(OF_LEDGER), 'nonce'];

const optional = (name: string, value: string): string => `(?:,"${name}":${value})?`;
const PATTERN = [
  `^\\{"seq":${PLACE},"ts":${TIME},"id":"[0-7][0-9A-HJKMNP-TV-Z]{25}","by":${NAMED}`,
  ...Object.entries(CALLER_MEMBERS).map(([name, kind]) =>
    name === 'action' ? `,"action":${NAMED}` : optional(name, KINDS[kind]),
  ),
  `((?:,(?!"(?:${LAST.join('|')})")"[A-Za-z_][A-Za-z0-9_]*":(?:${TEXT}|-?[0-9][0-9.e+-]*|true|false|null))*)`,
  ...Object.entries(OF_LEDGER).map(([name, value]) => optional(name, value)),
  `,"nonce":"[A-Za-z0-9_-]{22}","prev_hash":${HASH},"hash":${HASH}\\}$`,
].join('');

/** What is odd in a payload, which may hold anything else that is JSON. */
const ODD = /\\u|[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** The row that a line in that form holds, its hash unchecked, its action any text; undefined for any other. */
export function readPlainLine(line: string): Row | undefined {
  const found = lineForm().exec(line);
  if (found === null || !line.isWellFormed()) return undefined;
  const row = orNothing(() => JSON.parse(line) as Row);
  if (row === undefined || !isPlaced(row)) return undefined;
  // By their numbers, since this is run when it is not compiled yet: to take an array apart takes as long as the match.
  const payload = found[1];
  const extra = found[2] ?? '';
  if (payload !== undefined && (ODD.test(payload) || jsonText(row.payload) !== payload)) return undefined;
  return extra === '' || isOfCaller(extra, row, line) ? row : undefined;
}

let compiled: RegExp | undefined;

function lineForm(): RegExp {
  if (compiled === undefined) {
    compiled = new RegExp(PATTERN);
    // For a text as long as this it is compiled to machine code at once, and not for an interpreter first.
    compiled.test(' '.repeat(1000));
  }
  return compiled;
}

/** Of each stream it says either nothing or everything, as `membershipFaults` has it. */
function isPlaced(row: Row): boolean {
  const isInRun = row.run_id !== undefined;
  if (isInRun !== (row.run_seq !== undefined) || isInRun !== (row.run_prev_hash !== undefined)) return false;
  const isInDecision = row.decision_id !== undefined;
  return isInDecision === (row.decision_seq !== undefined) && isInDecision === (row.decision_prev_hash !== undefined);
}

/** Members of nobody's list: each once, and none that has its own place. */
function isOfCaller(extra: string, row: Row, line: string): boolean {
  const names = Object.keys(JSON.parse(`{${extra.slice(1)}}`) as object);
  return names.every((name) => !MEMBERS.has(name) && !LEDGER_MEMBERS.has(name)) && JSON.stringify(row) === line;
}
