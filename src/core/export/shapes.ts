/** The shapes by their names. */
import { decisionShape } from './decisionShape';
import { proofShape } from './proofShape';
import { SHAPE_NAMES } from './shape';
import type { Shape, ShapeName } from './shape';
import { traceShape } from './traceShape';
import { newTrailShape } from './trailShape';

export function isShape(format: string): format is ShapeName {
  return (SHAPE_NAMES as readonly string[]).includes(format);
}

export function newShape(name: ShapeName): Shape {
  switch (name) {
    case 'trace':
      return traceShape;
    case 'decision':
      return decisionShape;
    case 'trail':
      return newTrailShape();
    case 'proof':
      return proofShape;
  }
}
