/** The rows that tell who was shown what: their actions, and the stream that they stand in. */
import type { Row } from './members';

export const ACCESS_RUN = 'access';
export const ACCESS_READ = 'access.read';
export const ACCESS_EXPORT = 'access.export';

const ACTIONS: ReadonlySet<unknown> = new Set([ACCESS_READ, ACCESS_EXPORT]);

export function isAccessAction(action: unknown): boolean {
  return ACTIONS.has(action);
}

/** Whether a row stands in that stream: it is nobody's run. */
export function isAccessRow({ run_id: run, action }: Pick<Row, 'run_id' | 'action'>): boolean {
  return run === ACCESS_RUN && isAccessAction(action);
}
