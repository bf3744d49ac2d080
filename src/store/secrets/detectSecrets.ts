/**
 * The detector: the rules that secretlint recommends, each a set of shapes that an issuer of tokens publishes. A part of
 * its own, loaded for the first text that may hold a secret. Its rules only look at a text, so they are called as they
 * are, without the reading of files and settings around them.
 */
import { rules } from '@secretlint/secretlint-rule-preset-recommend';

/** Fills in a message; what it is given to fill in is, or is a part of, the secret. */
type Message = (props: Readonly<Record<string, string>>) => string;
type Messages = Readonly<Record<string, { readonly en: Message | string }>>;

interface Context {
  createTranslator(messages: Messages): (id: string) => { readonly message: string };
  report(found: { readonly message: { readonly message: string } }): void;
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
const PRIVATE_KEY =
  /-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----)[^]){0,400}?[A-Za-z0-9+/]{40}/;

let found: string[] = [];
const context: Context = {
  createTranslator: (messages) => (id) => ({ message: kindOf(messages, id) }),
  report: ({ message }) => void found.push(message.message),
};
const detectors = (rules as unknown as readonly Rule[])
  .filter(({ meta }) => meta.id !== FILTER)
  .map((rule) => rule.create(context, {}));

/** The kinds of secrets in a text: "GitHub Token". */
export function detectSecrets(text: string): readonly string[] {
  found = [];
  for (const detector of detectors) detector.file?.({ content: text, ext: '', contentType: 'text' });
  return PRIVATE_KEY.test(text) ? [...found, 'private key'] : found;
}

/** `found GitHub Token(…): …` without what is filled in, and without the words around. */
function kindOf(messages: Messages, id: string): string {
  const message = messages[id]?.en;
  const text = typeof message === 'function' ? message(NOTHING) : (message ?? id);
  return text.replace(/^found /, '').replace(/(?:\(\))?:? *$/, '');
}
