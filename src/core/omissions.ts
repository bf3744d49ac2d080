/**
 * What an audit trail leaves out on purpose, and why. Each omission is found by the name of a field and by the shape of
 * what it holds; the texts of flags and comments, and reasons, are a person's words: of those only the names are looked at.
 *
 *   {"reasoning":"First I …"}                            chain-of-thought, by its name
 *   {"output_shape":[{"account":"4711","amount":12.5}]}  raw business content, by its shape
 *   {"output_shape":"42 rows, 2 currencies"}             as it should be
 */
import { sha256Hex } from './digest';
import { LedgerError } from './errors';
import { canonicalJson } from './json';
import type { Json, JsonObject } from './json';
import { MEMBERS } from './members';

export type Omission = 'chain-of-thought' | 'unused context' | 'raw business content' | 'token-level metadata';

/** Why a trail is better without it. */
export const OMISSION_REASONS: Readonly<Record<Omission, string>> = {
  'chain-of-thought': 'fluent reasoning is read as the decision, which is what was called and what was drafted',
  'unused context': 'what was read and not used would be audited in place of the decision: give the scope of the read',
  'raw business content':
    'a second copy of values must be defended and may differ from its source: give kinds and counts',
  'token-level metadata': 'probabilities and samples tell a reader of the trail nothing that can be checked',
};

export interface Omitted {
  readonly omission: Omission;
  /** `payload.steps[2].reasoning` */
  readonly path: string;
  readonly by: 'name' | 'shape';
}

/** What is done about a row that holds one. */
export const OMISSION_MODES = ['refuse', 'hash', 'warn', 'off'] as const;
export type OmissionMode = (typeof OMISSION_MODES)[number];

const names = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Lower case, without `_`, `-` and blanks: `chainOfThought` and `chain_of_thought` are one name. */
const NAMES: readonly (readonly [Omission, ReadonlySet<string>])[] = [
  [
    'chain-of-thought',
    names(`chainofthought cot reasoning reasoningcontent reasoningtext reasoningtrace reasoningsteps thinking
      thinkingblocks thinkingcontent thought thoughts scratchpad innermonologue internalreasoning hiddenreasoning`),
  ],
  [
    'unused context',
    names(`unusedcontext unuseddocuments unusedrows retrievedbutunused retrievedunused retrievedcontext
      retrieveddocuments retrieveddocs retrievedchunks retrievedpassages discardedcontext fullcontext contextwindow
      ragcontext ragchunks`),
  ],
  [
    'raw business content',
    names(`raw rawinput rawoutput rawcontent rawdata rawtext input output inputs outputs inputdata outputdata
      inputvalues outputvalues content contents body rows records values document documents prompt completion messages
      response transcript filecontent attachment`),
  ],
  [
    'token-level metadata',
    names(`logprobs logprob tokenlogprobs toplogprobs logits tokens tokenids tokenprobs tokenprobabilities
      probabilities alternatives alternativetokens attention attentions attentionweights sampling samplingparameters
      samplingparams temperature topp topk minp frequencypenalty presencepenalty perplexity`),
  ],
];

/** How a model was sampled is no count, whatever number it is. */
const SETTINGS = names('temperature topk topp minp frequencypenalty presencepenalty perplexity');

/** Words of a person. */
const OWN_WORDS: ReadonlySet<string> = new Set(['flags', 'comment', 'comments', 'reason', 'reasons']);

/** Who, where, which one: an address or a version stands there by right. */
const IDENTITIES =
  names(`invokingidentity presentedto reviewer approver draftid version workflow workflowversion resultingversion
  modelid modelprovider surface destination anchor target source tool type status`);

const THINKING = /<\/?(?:think|thinking|reasoning|scratchpad)>|\blet(?:'s| me| us) think\b|\bstep[- ]by[- ]step\b/i;
/** More is prose, or a document. */
const MAX_TEXT = 400;
const MANY_NUMBERS = 8;
/** Money, decimals and grouped thousands are values; "42 rows" and "v3.2" are not. */
const VALUES =
  /[$€£¥]\s?\d|\b(?:USD|EUR|GBP|CHF|JPY|SGD)\s?\d|\d\s?(?:USD|EUR|GBP|CHF|JPY|SGD)\b|\b\d{1,3}(?:,\d{3})+(?:\.\d+)?\b|(?<![v\d.])\b\d+\.\d{2,}\b(?![.\d])/i;
const EMAIL = /[\w.+-]+@[\w-]+\.[a-z]{2,}/i;
const IBAN = /\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b/;

/** What a row holds that a trail leaves out, in the order in which it stands. */
export function omittedIn(row: JsonObject): Omitted[] {
  const found: Omitted[] = [];
  for (const [name, value] of row) {
    if (name === 'payload' && value instanceof Map)
      for (const [field, of] of value) look(of, field, `payload.${field}`, found);
    else if (!MEMBERS.has(name) && name !== 'ts') look(value, name, name, found);
  }
  return found;
}

function look(value: Json, name: string, path: string, found: Omitted[]): void {
  if (isHash(value)) return;
  const plain = name.toLowerCase().replace(/[\s_-]/g, '');
  const named = NAMES.find(([, all]) => all.has(plain));
  if (named !== undefined && !isCount(value, plain)) {
    found.push({ omission: named[0], path, by: 'name' });
    return;
  }
  if (OWN_WORDS.has(plain)) return;
  const shape = omissionOfShape(value, IDENTITIES.has(plain));
  if (shape !== undefined) {
    found.push({ omission: shape, path, by: 'shape' });
    return;
  }
  if (value instanceof Map) for (const [field, of] of value) look(of, field, `${path}.${field}`, found);
  else if (Array.isArray(value)) value.forEach((of, i) => look(of, '', `${path}[${i}]`, found));
}

/** Under the name of a content, a number of things and "none" say its shape. */
function isCount(value: Json, name: string): boolean {
  return value === null || typeof value === 'boolean' || (Number.isInteger(value) && !SETTINGS.has(name));
}

/** What stands in the place of a value that was left out. */
function isHash(value: Json): boolean {
  return value instanceof Map && value.size === 2 && value.has('omitted') && value.has('sha256');
}

function omissionOfShape(value: Json, isIdentity: boolean): Omission | undefined {
  if (typeof value === 'string') return omissionOfText(value, isIdentity);
  if (!Array.isArray(value)) return undefined;
  if (value.length >= MANY_NUMBERS && value.every((one) => typeof one === 'number')) {
    const isShare = value.every((one) => one <= 0) || value.every((one) => one >= 0 && one <= 1);
    const isIds = value.every((one) => Number.isInteger(one) && one >= 0);
    return isShare || isIds ? 'token-level metadata' : 'raw business content';
  }
  const objects = value.filter((one) => one instanceof Map);
  if (objects.length > 0 && objects.every((one) => hasOne(one, 'logprob') || hasOne(one, 'token')))
    return 'token-level metadata';
  if (objects.length > 0 && objects.every(isPassage)) return 'unused context';
  return objects.some(isRecord) || value.some((one) => Array.isArray(one)) ? 'raw business content' : undefined;
}

function omissionOfText(text: string, isIdentity: boolean): Omission | undefined {
  if (THINKING.test(text)) return 'chain-of-thought';
  const isDocument = text.length > MAX_TEXT || (text.match(/\n/g)?.length ?? 0) > 2;
  const holdsValues = !isIdentity && (VALUES.test(text) || EMAIL.test(text) || IBAN.test(text));
  return isDocument || holdsValues ? 'raw business content' : undefined;
}

const hasOne = (value: JsonObject, ...wanted: readonly string[]): boolean => wanted.some((name) => value.has(name));

/** As a search gives them: a text, and how near it is. */
function isPassage(one: JsonObject): boolean {
  return (
    hasOne(one, 'text', 'content', 'chunk', 'passage', 'document') &&
    hasOne(one, 'score', 'similarity', 'distance', 'rank')
  );
}

/** A line of a table: fields with values that are no counts. */
function isRecord(one: JsonObject): boolean {
  const values = [...one.values()];
  return values.length > 1 && values.some((value) => typeof value === 'number' && !Number.isInteger(value));
}

/** The row with a hash in the place of what is left out: whoever has the value can show that it was this one. */
export function withHashes(row: JsonObject, omitted: readonly Omitted[]): JsonObject {
  const at = new Map(omitted.map(({ path, omission }) => [path, omission]));
  const replaced = (value: Json, path: string): Json => {
    const omission = at.get(path);
    if (omission !== undefined) return new Map([['omitted', omission], ['sha256', sha256Hex(canonicalJson(value))]]); // prettier-ignore
    if (value instanceof Map) return new Map([...value].map(([name, of]) => [name, replaced(of, `${path}.${name}`)]));
    return Array.isArray(value) ? value.map((of, i) => replaced(of, `${path}[${i}]`)) : value;
  };
  return new Map([...row].map(([name, value]) => [name, replaced(value, name)]));
}

/** `chain-of-thought by its name (fluent …)` */
export function omittedText({ omission, by }: Omitted): string {
  return `${omission} by its ${by} (${OMISSION_REASONS[omission]})`;
}

const textAtPath = (one: Omitted): string => `${one.path}: ${omittedText(one)}`;

/** The refusal of a row that holds some. */
export function omittedRefusal(omitted: readonly Omitted[]): LedgerError {
  const place = omitted[0]?.path;
  return new LedgerError(
    'OMITTED',
    `expected none of what a trail leaves out, found ${omitted.map(textAtPath).join('; ')}`,
    {
      ...(place === undefined ? {} : { place: { member: place } }),
      hint: 'say its shape: kinds and counts ("42 rows, 2 currencies"); the words of a person go into a comment or a flag',
    },
  );
}
