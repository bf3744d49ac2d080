/**
 * The detector: the rules that secretlint recommends, each a set of shapes that an issuer of tokens publishes. A part of
 * its own, loaded for the first text that may hold a secret. Its rules only look at a text, so they are called as they
 * are, without the reading of files and settings around them.
 */
import { rules } from '@secretlint/secretlint-rule-preset-recommend';
import { isPlaceholder } from '../../core/secretPlaceholders';

/** Fills in a message; what it is given to fill in is, or is a part of, the secret. */
type Message = (props: Readonly<Record<string, string>>) => string;
type Messages = Readonly<Record<string, { readonly en: Message | string }>>;

interface Context {
  createTranslator(messages: Messages): (id: string) => { readonly message: string };
  report(found: Found): void;
}

interface Found {
  readonly message: { readonly message: string };
  readonly range: readonly [from: number, to: number];
}

interface Source {
  readonly content: string;
  readonly ext: string;
  readonly contentType: 'text';
}

export interface Rule {
  readonly meta: { readonly id: string };
  create(context: Context, options: object): { file?(source: Source): unknown };
}

/** Lets a comment in a text switch the others off. */
const FILTER = '@secretlint/secretlint-rule-filter-comments';
const NOTHING = new Proxy({}, { get: () => '' });

/** The rules take no key without its end, under a password, of PGP, or as short as those of Ed25519. */
const PRIVATE_KEY = new RegExp(
  [
    '-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----',
    // Line ends, as they are or written; how a line is quoted; headers. Not a sentence: what follows may be a hash.
    String.raw`(?:[\s"'+,>|#`,
    '`',
    String.raw`]|\\+[nrt]|\\+"|[A-Z][A-Za-z-]{1,30}: (?:[^\s\\"]| (?! )){1,200}(?=[\r\n\\"]|  )){0,400}`,
    '[A-Za-z0-9+/]{40}',
  ].join(''),
);

/** What stands where a line ends or a colour changes, and what a quote is in a JSON text within a text. */
const LINE_END_OR_COLOUR = /\p{Cc}\[[0-9;]*[A-Za-z]|\\u00[0-9a-fA-F]{2}(?:\[[0-9;]*m)?|(?<!\\)\\+[nrtbf]|%0[AaDd9]/gu;
const WRITTEN_QUOTE = /(?<!\\)\\+"/g;

let found: string[] = [];
let lookedAt = '';
const context: Context = {
  createTranslator: (messages) => (id) => ({ message: kindOf(messages, id) }),
  report: ({ message, range }) => {
    if (!isPlaceholder(hitText(range))) found.push(message.message);
  },
};
const detectors = (rules as unknown as readonly Rule[])
  .filter(({ meta }) => meta.id !== FILTER)
  .map((rule) => rule.create(context, {}));

/** The kinds of secrets in a text: "GitHub Token". */
export function detectSecrets(text: string): readonly string[] {
  // A rule wants no letter before a token, and the end of a written line end is one: \nghp_…
  const asRead = text.replace(LINE_END_OR_COLOUR, ' ').replace(WRITTEN_QUOTE, '"');
  const kinds = kindsIn(text);
  return asRead === text ? kinds : [...new Set([...kinds, ...kindsIn(asRead)])];
}

function kindsIn(text: string): readonly string[] {
  found = [];
  lookedAt = text;
  for (const detector of detectors) detector.file?.({ content: text, ext: '', contentType: 'text' });
  return PRIVATE_KEY.test(text) ? [...found, 'private key'] : found;
}

/** Of an address the range may be that of a part, or too short: up to the host it is whole. */
function hitText([from, to]: Found['range']): string {
  const end = lookedAt.startsWith('http', from) ? lookedAt.indexOf('@', from) + 1 : 0;
  return lookedAt.slice(from, Math.max(to, end));
}

/** `found GitHub Token(…): …` without what is filled in, and without the words around. */
function kindOf(messages: Messages, id: string): string {
  const message = messages[id]?.en;
  const text = typeof message === 'function' ? message(NOTHING) : (message ?? id);
  return text.replace(/^found /, '').replace(/(?:\(\))?:? *$/, '');
}
