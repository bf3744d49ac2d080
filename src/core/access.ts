/**
 * Rows that tell who was shown what, and why: a stream of their own, so that none of them can go missing unseen
 * (`ledger verify --run access`).
 *
 *   {"run_id":"access","actor":"alice","role":"auditor","action":"access.read","target":"show 41","outcome":"allowed",
 *    "reason":"TICKET-81","payload":{"command":"show","account":"alice","sought":"41"}}
 */
import { ACCESS_EXPORT, ACCESS_READ, ACCESS_RUN } from './accessActions';
import type { Json, JsonObject } from './json';
import { toJson } from './json';
import type { Question } from './query/asked';
import { parseTerm } from './query/term';
import { SUMMARY_MEMBERS } from './summary';

/** What somebody wants to be shown, as they said it. */
export interface ReadWhat extends Question {
  readonly command:
    | 'show'
    | 'disclose'
    | 'query'
    | 'tail'
    | 'follow'
    | 'sample'
    | 'sql'
    | 'export'
    | 'bundle'
    | 'reconstruct'
    | 'proof'
    | 'prove'
    | 'rollup';
  readonly sought?: string | undefined;
  readonly statement?: string | undefined;
  readonly format?: string | undefined;
  /** The last so many rows, and so many neighbours of each. */
  readonly lines?: number | undefined;
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  /** Those that come, too. */
  readonly follow?: boolean | undefined;
  readonly day?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** With these all is content: there is no --raw. */
const WHOLE: ReadonlySet<ReadWhat['command']> = new Set([
  'export',
  'bundle',
  'reconstruct',
  'proof',
  'prove',
  'disclose',
]);

/** With these rows are taken away: each is a row wherever the settings say anything of access. */
const TAKEN_AWAY: ReadonlySet<ReadWhat['command']> = new Set(['export', 'bundle']);

export function isTakenAway({ command }: ReadWhat): boolean {
  return TAKEN_AWAY.has(command);
}

export function isAllContent({ command }: ReadWhat): boolean {
  return WHOLE.has(command);
}

/** What to do where content is not to be had; with what is wrong before it. */
export function orSummary(what: ReadWhat, hint?: string): { readonly hint?: string } {
  const then = isAllContent(what) ? undefined : 'without --raw there is a summary';
  const parts = [hint, then].filter((part) => part !== undefined);
  return parts.length === 0 ? {} : { hint: parts.join('; ') };
}

export interface Accessor {
  /** Who it is, by their own account. */
  readonly actor: string;
  /** Who it is, by the operating system's. */
  readonly account: string;
  /** The role that let them in; undefined where none was asked for. */
  readonly role: string | undefined;
}

export interface AccessEvent extends Accessor {
  readonly what: ReadWhat;
  readonly outcome: 'allowed' | 'denied';
  readonly reason: string | undefined;
  /** Of an export: what it held. */
  readonly exported?: Readonly<Record<string, unknown>> | undefined;
}

/** The row, as a caller would give it. */
export function accessRow({ actor, account, role, what, outcome, reason, exported }: AccessEvent): JsonObject {
  const { command, terms, fields, follow, ...others } = what;
  const said = { conditions: filled(terms), ...others, follow: follow === true ? true : undefined };
  const payload = { command, account, ...said, fields: filled(fields), ...exported };
  const members: readonly (readonly [string, Json | undefined])[] = [
    ['run_id', ACCESS_RUN],
    ['actor', actor],
    ['role', role],
    ['action', isTakenAway(what) ? ACCESS_EXPORT : ACCESS_READ],
    ['target', targetOf(what)],
    ['outcome', outcome],
    ['reason', reason],
    ['payload', toJson(payload)],
  ];
  return new Map(members.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}

function filled(list: readonly string[] | undefined): readonly string[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}

const MAX_TARGET = 200;

/** A summary shows it, so it names no value that a summary leaves out; the payload has the words as they were typed. */
function targetOf({ command, sought, terms = [], where }: ReadWhat): string {
  const words = [sought, ...terms.map(shownTerm), where === undefined ? undefined : '--where …'];
  const text = [command, ...words.filter((word) => word !== undefined)].join(' ');
  return text.length <= MAX_TARGET ? text : `${Array.from(text).slice(0, MAX_TARGET).join('')}…`;
}

function shownTerm(term: string): string {
  const { fields, operator } = parseTerm(term);
  const members = [...new Set(fields.map(({ member }) => member))];
  return members.every((member) => SUMMARY_MEMBERS.has(member)) ? term : `${members.join('|')}${operator}…`;
}
