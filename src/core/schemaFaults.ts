/**
 * What a row lacks to fit its schema, each fault by its path and in one sentence. All of them are told at once: who
 * corrects a row one fault at a time corrects it as often.
 *
 *   payload.gate_id: missing
 *   payload.result: expected one of "pass", "fail", "exception", found "maybe"
 */
import { LedgerError } from './errors';

/** As a validator reports it. */
export interface SchemaError {
  readonly keyword: string;
  /** A JSON pointer into the row. */
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

export interface SchemaFault {
  /** `payload.reasons[0]` */
  readonly path: string;
  readonly text: string;
}

const MAX_SHOWN = 80;

/** @param row what was validated: the values that were found are taken from it */
export function faultsOf(errors: readonly SchemaError[], row: unknown): SchemaFault[] {
  const choices = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf');
  const isInner = ({ schemaPath }: SchemaError): boolean =>
    choices.some((choice) => schemaPath.startsWith(`${choice.schemaPath}/`));
  const faults = errors.filter((error) => !isInner(error)).map((error) => faultOf(error, errors, row));
  const seen = new Set<string>();
  return faults.filter(({ path, text }) => !seen.has(`${path} ${text}`) && seen.add(`${path} ${text}`));
}

function faultOf(error: SchemaError, all: readonly SchemaError[], row: unknown): SchemaFault {
  const { keyword, instancePath, params } = error;
  const path = pathOf(instancePath);
  const found = `found ${shown(valueAt(row, instancePath))}`;
  switch (keyword) {
    case 'required':
      return { path: joined(path, String(params['missingProperty'])), text: 'missing' };
    case 'anyOf':
      return anyOfFault(error, all, path, found);
    case 'enum':
      return {
        path,
        text: `expected one of ${(params['allowedValues'] as unknown[]).map(shown).join(', ')}, ${found}`,
      };
    case 'const':
      return { path, text: `expected ${shown(params['allowedValue'])}, ${found}` };
    case 'type':
      return { path, text: `expected ${[params['type']].flat().join(' or ')}, ${found}` };
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = String(params['additionalProperty'] ?? params['unevaluatedProperty']);
      return { path: joined(path, name), text: 'expected no such member' };
    }
    case 'pattern':
      return { path, text: `expected a text that matches ${String(params['pattern'])}, ${found}` };
    case 'minLength':
      return { path, text: `expected a text of at least ${String(params['limit'])} characters, ${found}` };
    default:
      return { path, text: `it ${error.message ?? `breaks "${keyword}"`}, ${found}` };
  }
}

/** A field that is also a member of the row may stand in the payload or beside it. */
function anyOfFault(error: SchemaError, all: readonly SchemaError[], path: string, found: string): SchemaFault {
  const inner = all.filter(({ schemaPath }) => schemaPath.startsWith(`${error.schemaPath}/`));
  const names = new Set(
    inner.filter(({ keyword }) => keyword === 'required').map(({ params }) => params['missingProperty']),
  );
  names.delete('payload');
  const [name] = names;
  if (names.size === 1 && inner.every(({ keyword }) => keyword === 'required')) {
    return { path: joined(path, String(name)), text: 'missing, in the payload or as a member of the row' };
  }
  return { path, text: `expected one of ${inner.length} forms, ${found}` };
}

/** `/payload/reasons/0` → `payload.reasons[0]` */
function pathOf(pointer: string): string {
  const parts = pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')); // prettier-ignore
  return parts.reduce(joined, '');
}

function joined(path: string, part: string): string {
  if (/^[0-9]+$/.test(part)) return `${path}[${part}]`;
  return path === '' ? part : `${path}.${part}`;
}

function valueAt(row: unknown, pointer: string): unknown {
  let value = row;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  }
  return value;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** The refusal of a row of a catalogued type. */
export function schemaMismatch(action: string, catalogue: string, faults: readonly SchemaFault[]): LedgerError {
  const found = faults.map(({ path, text }) => `${path === '' ? 'the row' : path}: ${text}`).join('; ');
  const place = faults[0]?.path;
  return new LedgerError(
    'SCHEMA_MISMATCH',
    `expected "${action}" as the catalogue ${catalogue} has it, found ${found}`,
    {
      ...(place === undefined || place === '' ? {} : { place: { member: place } }),
      hint: `ledger schema show ${action}`,
    },
  );
}
