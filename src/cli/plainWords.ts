/**
 * The short way in for the words of a row as shell loops write them: one flag per member, behind the action or the row as JSON.
 *
 *   --agent coder --action step.done --run-id r1   →   { agent: 'coder', action: 'step.done', runId: 'r1' }
 *
 * A parser of command lines takes a tenth of the time of such a row. Nothing is refused here: what is not plain (another
 * flag, `--flag=value`, a flag given twice, a value that looks like a flag) is left to that parser, whose
 * answer this is, to the letter, where there is one.
 */
import { MEMBER_FLAGS } from './rowFlags';

export interface PlainWords {
  /** The word before the flags: the row as JSON, or its action. */
  readonly row: string | undefined;
  /** The flags, under the names that the parser gives them. */
  readonly flags: Readonly<Record<string, string>>;
}

/** @returns undefined where the words are not plain */
export function plainWords(words: readonly string[]): PlainWords | undefined {
  const row = words.length % 2 === 1 ? words[0] : undefined;
  if (row?.startsWith('-') === true) return undefined;
  const flags: Record<string, string> = {};
  for (let i = row === undefined ? 0 : 1; i < words.length; i += 2) {
    const key = MEMBER_FLAGS.get(words[i] as string);
    const value = words[i + 1] as string;
    if (key === undefined || key in flags || value.startsWith('-')) return undefined;
    flags[key] = value;
  }
  return { row, flags };
}
