/**
 * The short way in for the words of a row as shell loops write them: one flag per member, or the row as one JSON object.
 *
 *   --agent coder --action step.done --run-id r1   →   { agent: 'coder', action: 'step.done', runId: 'r1' }
 *
 * A parser of command lines takes a tenth of the time of such a row. Nothing is refused here: what is not plain (another
 * flag, `--flag=value`, a flag given twice, a value that looks like a flag, a second row) is left to that parser, whose
 * answer this is, to the letter, where there is one.
 */
import { MEMBER_FLAGS } from './rowFlags';

export interface PlainWords {
  /** The row as JSON; undefined where it is made of flags. */
  readonly row: string | undefined;
  /** The flags, under the names that the parser gives them. */
  readonly flags: Readonly<Record<string, string>>;
}

/** @returns undefined where the words are not plain */
export function plainWords(words: readonly string[]): PlainWords | undefined {
  const [first = ''] = words;
  if (words.length === 1) return first.startsWith('{') ? { row: first, flags: {} } : undefined;
  if (words.length % 2 === 1) return undefined;
  const flags: Record<string, string> = {};
  for (let i = 0; i < words.length; i += 2) {
    const key = MEMBER_FLAGS.get(words[i] as string);
    const value = words[i + 1] as string;
    if (key === undefined || key in flags || value.startsWith('-')) return undefined;
    flags[key] = value;
  }
  return { row: undefined, flags };
}
