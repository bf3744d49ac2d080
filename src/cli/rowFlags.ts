/** One flag per member that a caller may set: `--run-id R`, `--cost-usd 0.01`; and `--set`, `--set-json` for members of your own. */
import { readFileSync } from 'node:fs';
import { Option } from './commander';
import type { Command } from './commander';
import { memberFromText, parseMemberJson } from '../core/defaults';
import { LedgerError } from '../core/errors';
import type { Json, JsonObject } from '../core/json';
import { CALLER_MEMBERS, CALLER_MEMBER_NAMES } from '../core/members';
import type { CallerMember, MemberKind } from '../core/members';
import { collect } from './options';

const VALUE_NAMES: Readonly<Record<MemberKind, string>> = {
  string: '<text>',
  action: '<name>',
  time: '<time>',
  cost: '<decimal>',
  count: '<n>',
  provenance: '<live|sample|fallback|imported>',
  payload: '<JSON|@file>',
};

const DESCRIPTIONS: Readonly<Record<CallerMember, string>> = {
  occurred_at: 'when it happened, if earlier than now (RFC 3339)',
  run_id: 'the run that the row belongs to: a stream of its own',
  turn_id: 'the turn within the run',
  decision_id: 'the decision that the row belongs to: a stream of its own',
  call_id: 'the call, of a tool or a model',
  correlation_id: 'what ties rows of several systems together',
  parent_run_id: 'the run that started this one',
  order_id: 'the order that it was done for',
  agent: 'who acted: the agent or script',
  agent_version: 'its version',
  actor: 'the person behind it',
  role: 'in which role',
  authority: 'on whose authority: a ticket, a grant, a mandate',
  customer_id: 'for which customer',
  action: 'what happened, for instance tool.used (required)',
  target: 'on what',
  outcome: 'how it ended',
  cost_usd: 'what it cost, exactly: at most 9 places',
  duration_ms: 'how long it took',
  reason: 'why, in words',
  playbook: 'by which playbook',
  playbook_version: 'its version',
  data_ref: 'the data of record that was acted on, by reference',
  as_of: 'the moment of that data (RFC 3339)',
  input_tokens: 'tokens read',
  output_tokens: 'tokens written',
  cached_tokens: 'tokens read from a cache',
  model: 'the model',
  provider: 'who serves the model',
  policy_version: 'the policy that held',
  traceparent: 'W3C trace context',
  ref: 'the row that this one refers to or corrects',
  provenance: 'not live is labelled wherever it is shown',
  idempotency_key: 'the same key and content again is no second row',
  payload: 'the typed content',
};

type RowFlagValues = Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

const flagName = (member: string): string => member.replaceAll('_', '-');
/** Made once: for a row in a coprocess it is asked for some hundred times. */
const OPTION_KEYS = new Map(
  CALLER_MEMBER_NAMES.map((name) => [name, name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())]),
);

/** The flag of each member as it is typed, and the name under which its value is handed on. */
export const MEMBER_FLAGS: ReadonlyMap<string, string> = new Map(
  [...OPTION_KEYS].map(([name, key]) => [`--${flagName(name)}`, key]),
);

/** @param unseen members that the command says itself: known, so that they are refused by name, and not in its help */
export function addRowFlags(command: Command, unseen: readonly string[] = []): Command {
  for (const name of CALLER_MEMBER_NAMES) {
    const flag = new Option(`--${flagName(name)} ${VALUE_NAMES[CALLER_MEMBERS[name]]}`, DESCRIPTIONS[name]);
    const key = OPTION_KEYS.get(name) ?? '';
    flag.attributeName = () => key;
    command.addOption(unseen.includes(name) ? flag.hideHelp() : flag);
  }
  return command
    .option('--set <name=text>', 'a member of your own, as text (repeatable)', collect)
    .option('--set-json <name=JSON>', 'a member of your own, as JSON (repeatable)', collect);
}

/** @throws LedgerError USAGE, JSON_*, READ_FAILED, INPUT_UTF8 */
export function rowFromFlags(values: RowFlagValues): JsonObject {
  const row: JsonObject = new Map();
  for (const name of CALLER_MEMBER_NAMES) {
    const text = values[OPTION_KEYS.get(name) ?? ''];
    if (typeof text === 'string') row.set(name, memberFromText(name, name === 'payload' ? textOrFile(text) : text));
  }
  for (const pair of listOf(values['set'])) setOnce(row, pair, '--set', (text) => text);
  for (const pair of listOf(values['setJson'])) setOnce(row, pair, '--set-json', parseMemberJson);
  return row;
}

function listOf(value: RowFlagValues[string]): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

function setOnce(row: JsonObject, pair: string, flag: string, parse: (text: string) => Json): void {
  const equals = pair.indexOf('=');
  if (equals < 1) throw new LedgerError('USAGE', `expected ${flag} name=value, found ${JSON.stringify(pair)}`);
  const name = pair.slice(0, equals);
  if (row.has(name))
    throw new LedgerError('USAGE', `expected "${name}" once, found it set twice`, { place: { member: name } });
  row.set(name, parse(pair.slice(equals + 1)));
}

function textOrFile(text: string): string {
  if (!text.startsWith('@')) return text;
  const path = text.slice(1);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new LedgerError('READ_FAILED', `expected a payload in ${path}, found: ${(cause as Error).message}`, {
      place: { segment: path },
      cause,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new LedgerError('INPUT_UTF8', `expected UTF-8 in ${path}, found other bytes`, {
      place: { segment: path },
      cause,
    });
  }
}
