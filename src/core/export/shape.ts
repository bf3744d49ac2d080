/** A shape that others know rows in: what becomes of each row, and which rows have no place in it. */
import type { RawMembers } from './rawMembers';

export const SHAPE_NAMES = ['trace', 'decision', 'trail', 'proof'] as const;
export type ShapeName = (typeof SHAPE_NAMES)[number];

export interface Shape {
  /** The stream whose links stand in the lines: each has the hash of the row before it. */
  readonly stream: 'run' | 'decision' | undefined;
  /** Hears of every row before the first line is written, where lines depend on rows that come later. */
  readonly learn?: (row: RawMembers) => void;
  /** The lines of a row, each a JSON object; none where it has no place in the shape. */
  readonly lines: (row: RawMembers) => readonly string[];
}
