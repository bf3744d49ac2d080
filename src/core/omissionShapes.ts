/** What a value looks like, whatever it is called: an amount of money, an address, a table, a document, a thought. */
import type { Json, JsonObject } from './json';
import { fieldName } from './omissionNames';
import type { FieldName, Omission } from './omissionNames';

const THINKING = /<\/?(?:think|thinking|reasoning|scratchpad)>|\blet(?:'s| me| us) think\b|\bstep[- ]by[- ]step\b/i;
/** More is prose, or a document. */
const MAX_TEXT = 400;
const MAX_LINE_BREAKS = 2;
const MANY_NUMBERS = 8;
/** So many whole numbers are no list of lines or months. */
const MANY_INTEGERS = 256;

/** Moments, and the numbers of versions and sections: none of them is an amount. */
const NO_AMOUNTS =
  /\b\d{4}-\d{2}(?:-\d{2})?(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?|\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b(?:v|version|release|section|chapter|python|node|java|ruby|go|php|postgres|ubuntu|debian)[ -]?\d+(?:\.\d+)+|\u00a7 ?\d+(?:\.\d+)*/gi;

const CODE =
  '(?:USD|EUR|GBP|CHF|JPY|SGD|PLN|CAD|AUD|NZD|SEK|NOK|DKK|CZK|HUF|RON|BGN|CNY|RMB|HKD|INR|BRL|MXN|ZAR|KRW|THB|ILS|AED|SAR)';
/** "30 EUR rows" are rows. */
const NO_THINGS = '(?!\\s+\\p{L}{3,}(?:s|en)(?!\\p{L}))';
const MONEY = onFirstUse(() =>
  [
    '[$€£¥₹]\\s?\\d',
    '\\d\\s?(?:[€£¥₹]|\\$(?!\\w))',
    `(?<![\\p{L}\\d])${CODE}\\s?\\d[\\d.,]*(?![\\d.,])${NO_THINGS}`,
    `\\d\\s?${CODE}(?![\\p{L}\\d/])${NO_THINGS}`,
    `\\d\\s?(?:kr|zł|[Ee]uros?|dollars?)(?!\\p{L})`,
  ].join('|'),
);
const UNIT =
  '(?!\\s?(?:[%‰°×]|(?:ms|s|sec|seconds?|min|minutes?|h|hours?|d|days?|x|[kKMGT]i?B|bytes|percent|pct|points?|pp|bps?|k?m|k?g)(?![\\p{L}\\d])))';
/** Two decimals and no unit are an amount: 12.75, 14,200.50, 14.200,50, 14 200,50. */
const DECIMAL = onFirstUse(
  () =>
    `(?<![\\p{L}\\d.,])-?(?:\\d+\\.\\d{2}|\\d{1,3}(?:[,' \\u00a0\\u202f]\\d{3})+\\.\\d{2}|\\d{1,3}(?:[.' \\u00a0\\u202f]\\d{3})+,\\d{2}|\\d{3,},\\d{2})(?![\\d]|[.,]\\d)${UNIT}`,
);
/** An address of a repository (git@host:path) is no mailbox. */
const EMAIL = /[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?![\w-]|:[\w/~])/i;
const IBAN = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b/g;

/** To read two such patterns takes most of a millisecond, which not every start of the program should wait for. */
function onFirstUse(pattern: () => string): () => RegExp {
  let made: RegExp | undefined;
  return () => (made ??= new RegExp(pattern(), 'u'));
}

/** How much a text may say: of who and where, no amounts of money; of what was read and made, no values at all. */
export type TextKind = 'content' | 'identity';

export function omissionOfShape(value: Json, name: FieldName, kind: TextKind): Omission | undefined {
  if (typeof value === 'string') return omissionOfText(value, name, kind);
  if (typeof value === 'number') return isAmount(value, name) ? 'raw business content' : undefined;
  return Array.isArray(value) ? omissionOfList(value, name) : undefined;
}

function omissionOfText(text: string, name: FieldName, kind: TextKind): Omission | undefined {
  if (kind === 'content' && THINKING.test(text)) return 'chain-of-thought';
  return isDocument(text, name) || holdsValues(text, name, kind) ? 'raw business content' : undefined;
}

function isDocument(text: string, { isDiff }: FieldName): boolean {
  if (text.length > MAX_TEXT) return true;
  return !isDiff && text.includes('\n') && text.split('\n').length - 1 > MAX_LINE_BREAKS;
}

function holdsValues(text: string, name: FieldName, kind: TextKind): boolean {
  if (kind === 'content' && text.includes('@') && EMAIL.test(text)) return true;
  if (!/\d/.test(text)) return false;
  // Most texts hold nothing that looks like an amount: only of others the moments are taken out.
  if (holdsAmount(text, name, kind) && holdsAmount(text.replace(NO_AMOUNTS, ' '), name, kind)) return true;
  return kind === 'content' && (text.match(IBAN) ?? []).some(isIban);
}

function holdsAmount(text: string, { isAmount: isNamed }: FieldName, kind: TextKind): boolean {
  if (MONEY().test(text)) return true;
  return kind === 'content' && (DECIMAL().test(text) || (isNamed && /^\s*-?\d[\d.,\s]*$/.test(text)));
}

/** Its two check digits tell an account from any other long number. */
function isIban(text: string): boolean {
  const plain = text.replaceAll(' ', '');
  let rest = 0;
  for (const one of plain.slice(4) + plain.slice(0, 4))
    for (const digit of String(parseInt(one, 36))) rest = (rest * 10 + Number(digit)) % 97;
  return plain.length >= 15 && rest === 1;
}

/** A share of 1 is none. */
function isAmount(value: number, { isMeasure, isAmount: isNamed, isIdentity }: FieldName): boolean {
  if (isMeasure || isIdentity) return false;
  return Number.isInteger(value) ? isNamed && value !== 0 : Math.abs(value) > 1;
}

function omissionOfList(list: readonly Json[], name: FieldName): Omission | undefined {
  if (list.length >= MANY_NUMBERS && list.every((one) => typeof one === 'number')) return omissionOfNumbers(list, name);
  const objects = list.filter((one) => one instanceof Map);
  if (objects.length > 0 && objects.every((one) => hasOne(one, 'logprob', 'token'))) return 'token-level metadata';
  if (objects.length > 0 && objects.every(isPassage)) return 'unused context';
  const isTable = isTableOf(objects) || objects.some(isRecord) || list.some((one) => Array.isArray(one));
  return isTable ? 'raw business content' : undefined;
}

function omissionOfNumbers(list: readonly number[], name: FieldName): Omission | undefined {
  if (list.every((one) => Number.isInteger(one)))
    return name.isOfTokens || list.length >= MANY_INTEGERS ? 'token-level metadata' : undefined;
  const isShare = list.every((one) => one <= 0) || list.every((one) => one >= 0 && one <= 1);
  if (isShare) return 'token-level metadata';
  return name.isMeasure ? undefined : 'raw business content';
}

const hasOne = (value: JsonObject, ...wanted: readonly string[]): boolean => wanted.some((name) => value.has(name));

/** As a search gives them: a text, and how near it is. */
function isPassage(one: JsonObject): boolean {
  return (
    hasOne(one, 'text', 'content', 'chunk', 'passage', 'document') &&
    hasOne(one, 'score', 'similarity', 'distance', 'rank')
  );
}

/** Things with the same fields, of which one says more than what it is and how many. */
function isTableOf([first, ...others]: readonly JsonObject[]): boolean {
  if (first === undefined || others.length === 0 || first.size < 2) return false;
  const columns = [...first.keys()];
  const isAlike = others.every((one) => one.size === first.size && columns.every((name) => one.has(name)));
  return isAlike && !columns.every((name) => isOfShape(fieldName(name)));
}

const isOfShape = (name: FieldName): boolean => name.isOfShape || name.isMeasure;

/** A line of a table: fields of which one is a value. */
function isRecord(one: JsonObject): boolean {
  if (one.size < 2) return false;
  for (const [name, value] of one) if (typeof value === 'number' && isAmount(value, fieldName(name))) return true;
  return false;
}
