/**
 * `--where`: an expression over the fields of a row. It can only look: no assignment, no call but the few below, nothing
 * that loops. The home of jsep.
 *
 *   cost_usd > 0.05 && agent in ["coder", "writer"]
 *   payload.exit_status != 0 || contains(lower(reason), "timeout")
 *   row["odd name"] == null          a field that is not there is null
 *
 * Values are compared only with their like: `"5" == 5` is false, and so is every `<` between them. Numbers are doubles,
 * which tell every two costs apart.
 */
import jsep from 'jsep';
import { LedgerError } from '../errors';
import { fieldText } from './field';
import type { FieldReader } from './field';
import { BINARY, FUNCTIONS, isTrue } from './operators';
import type { Pattern } from './pattern';

type Evaluate = () => unknown;
type Node = jsep.CoreExpression;

export interface CompiledExpression {
  /** Whether it holds for the line that the reader read last. */
  readonly test: () => boolean;
  /** Members that must be exactly this string, wherever it holds. */
  readonly equalities: readonly Equality[];
}

export interface Equality {
  readonly member: string;
  readonly text: string;
}

const MAX_CHARS = 10_000;
/** As `===`, which people type too. */
const EQUAL: ReadonlySet<string> = new Set(['==', '===']);

jsep.addBinaryOp('in', 7);

/**
 * @param fields gets the fields that the expression names
 * @throws LedgerError USAGE
 */
export function compileExpression(
  text: string,
  fields: FieldReader,
  parsePattern: (text: string) => Pattern,
): CompiledExpression {
  const node = parse(text);
  const evaluate = inDepth(() => new Compiler(fields, parsePattern).compile(node));
  return { test: () => isTrue(evaluate()), equalities: inDepth(() => equalitiesOf(node)) };
}

/** A chain of a thousand operators is as deep as a thousand brackets. */
function inDepth<T>(walk: () => T): T {
  try {
    return walk();
  } catch (error) {
    throw error instanceof RangeError ? wrong('nested too deeply', error) : error;
  }
}

function parse(text: string): jsep.Expression {
  if (text.length > MAX_CHARS)
    throw new LedgerError('USAGE', `expected an expression of at most ${MAX_CHARS} characters, found ${text.length}`);
  try {
    return jsep(text);
  } catch (error) {
    // A few thousand brackets are too many for any parser that calls itself.
    const why = error instanceof RangeError ? 'nested too deeply' : (error as Error).message;
    throw wrong(`${why}${/Unexpected "="/.test(why) ? ' (equality is ==)' : ''}`, error);
  }
}

function wrong(why: string, cause?: unknown): LedgerError {
  return new LedgerError('USAGE', `expected an expression after --where, found: ${why}`, {
    hint: 'for instance --where \'cost_usd > 0.05 && agent in ["coder","writer"] && !contains(reason, "ok")\'',
    cause,
  });
}

class Compiler {
  constructor(
    private readonly fields: FieldReader,
    private readonly parsePattern: (text: string) => Pattern,
  ) {}

  compile(expression: jsep.Expression): Evaluate {
    const node = expression as Node;
    switch (node.type) {
      case 'Literal':
        return constant(node.value ?? null);
      case 'Identifier':
      case 'MemberExpression':
        return this.field(pathOf(node));
      case 'ArrayExpression':
        return this.list(node.elements);
      case 'UnaryExpression':
        return unary(node.operator, this.compile(node.argument));
      case 'BinaryExpression':
        return this.binary(node);
      case 'CallExpression':
        return this.call(node);
      case 'Compound':
        throw wrong(node.body.length === 0 ? 'nothing' : 'more than one expression');
      case 'ConditionalExpression':
      case 'SequenceExpression':
      case 'ThisExpression':
        throw wrong(`a ${node.type}, which is not known here`);
      default:
        return unknownNode(node);
    }
  }

  private field([member = '', ...path]: readonly string[]): Evaluate {
    const index = this.fields.add({ member, path });
    return () => this.fields.value(index) ?? null;
  }

  private list(elements: readonly (jsep.Expression | null)[]): Evaluate {
    const all = elements.map((element) => (element === null ? constant(null) : this.compile(element)));
    return () => all.map((evaluate) => evaluate());
  }

  private binary({ operator, ...sides }: jsep.BinaryExpression): Evaluate {
    if (operator === 'in' && sides.right.type === 'Literal') throw wrong('in without a list: ["a", "b"]');
    const [left, right] = [this.compile(sides.left), this.compile(sides.right)];
    if (operator === '&&') return () => isTrue(left()) && isTrue(right());
    if (operator === '||') return () => isTrue(left()) || isTrue(right());
    const apply = BINARY[operator];
    if (apply === undefined) throw wrong(`the operator ${operator}, which is not known here`);
    return () => apply(left(), right());
  }

  private call({ callee, arguments: given }: jsep.CallExpression): Evaluate {
    const called = callee as Node;
    const name = called.type === 'Identifier' ? called.name : '';
    if (name === 'matches') return this.matches(given);
    const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (known === undefined)
      throw wrong(`a call of ${JSON.stringify(name)}; there are ${[...Object.keys(FUNCTIONS), 'matches'].join(', ')}`);
    if (given.length !== known.length) throw wrong(`${name} with ${given.length} values instead of ${known.length}`);
    const values = given.map((node) => this.compile(node));
    return () => known(...values.map((evaluate) => evaluate()));
  }

  /** The expression is compiled once, so it must stand there as it is. */
  private matches([subject, given, ...more]: readonly jsep.Expression[]): Evaluate {
    const pattern = given === undefined ? undefined : literalText(given);
    if (subject === undefined || pattern === undefined || more.length > 0)
      throw wrong('matches without a field and a regular expression in quotes');
    const [value, compiled] = [this.compile(subject), this.parsePattern(pattern)];
    return () => {
      const found = value();
      return found !== null && compiled.test(fieldText(found));
    };
  }
}

function unknownNode(node: never): never {
  throw wrong(`a ${(node as jsep.Expression).type}, which is not known here`);
}

const constant =
  (value: unknown): Evaluate =>
  () =>
    value;

function unary(operator: string, value: Evaluate): Evaluate {
  if (operator === '!') return () => !isTrue(value());
  if (operator === '-') return () => arithmetic(value(), (number) => -number);
  throw wrong(`the operator ${operator}, which is not known here`);
}

function arithmetic(value: unknown, apply: (number: number) => number): number | null {
  return typeof value === 'number' ? apply(value) : null;
}

/** The names from the row down: `payload.args["a b"][0]`, `row["odd name"]`. */
function pathOf(node: jsep.Identifier | jsep.MemberExpression): string[] {
  if (node.type === 'Identifier') return [node.name];
  const { object, property, computed } = node;
  const name = computed ? literalText(property) : (property as jsep.Identifier).name;
  if (name === undefined) throw wrong('a member without a name in quotes');
  const parent = object as Node;
  if (parent.type !== 'Identifier' && parent.type !== 'MemberExpression') throw wrong('a member of what is no field');
  return parent.type === 'Identifier' && parent.name === 'row' ? [name] : [...pathOf(parent), name];
}

/** A string, or the number of a place in a list. */
function literalText(expression: jsep.Expression): string | undefined {
  const node = expression as Node;
  if (node.type !== 'Literal') return undefined;
  return typeof node.value === 'string' || typeof node.value === 'number' ? String(node.value) : undefined;
}

function equalitiesOf(expression: jsep.Expression): Equality[] {
  const node = expression as Node;
  if (node.type !== 'BinaryExpression') return [];
  if (node.operator === '&&') return [...equalitiesOf(node.left), ...equalitiesOf(node.right)];
  if (!EQUAL.has(node.operator)) return [];
  const sides = [node.left, node.right] as Node[];
  const field = sides.find(({ type }) => type === 'Identifier') as jsep.Identifier | undefined;
  const value = sides.find(({ type }) => type === 'Literal') as jsep.Literal | undefined;
  return field !== undefined && typeof value?.value === 'string' ? [{ member: field.name, text: value.value }] : [];
}
