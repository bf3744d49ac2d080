/** Which members a question looks into, before anything is read: a condition on what is not shown would tell of it. */
import { FieldReader, parseField } from './field';
import { parseTerm } from './term';

export interface Question {
  /** `FIELD=VALUE` and the like, as typed. */
  readonly terms?: readonly string[] | undefined;
  /** An expression, as typed. */
  readonly where?: string | undefined;
  /** Fields that are shown, summed up or grouped by. */
  readonly fields?: readonly string[] | undefined;
}

/** @throws LedgerError USAGE for what is no question */
export async function membersAsked({ terms = [], where, fields = [] }: Question): Promise<readonly string[]> {
  const reader = new FieldReader();
  for (const field of [...terms.flatMap((term) => parseTerm(term).fields), ...fields.map(parseField)])
    reader.add(field);
  if (where !== undefined) {
    const { compileExpression } = await import('./expression');
    compileExpression(where, reader, () => ({ test: () => false }));
  }
  return reader.members;
}
