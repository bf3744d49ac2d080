/**
 * The four floors, cli → services → store → core, held by a test: who may import whom, no cycles, one home for each
 * third-party package, and a core that touches nothing. A layer that is only agreed on is gone within a month.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'node:test';
import ts from 'typescript';

const SRC = resolve(__dirname, '../src');

interface Import {
  /** Relative to src, for instance `store/heal.ts`. */
  readonly from: string;
  readonly line: number;
  /** As written. */
  readonly name: string;
  /** Relative to src; undefined for packages. */
  readonly to: string | undefined;
  /** Erased by the compiler: nothing is loaded. */
  readonly typeOnly: boolean;
}

type Floor = 'cli' | 'services' | 'store' | 'core' | 'library' | 'page';

/** What each floor may import. The library's entry stands where the surface stands. */
const MAY_IMPORT: Readonly<Record<Floor, readonly Floor[]>> = {
  cli: ['cli', 'services', 'core'],
  library: ['services', 'core'],
  services: ['store', 'core'],
  store: ['store', 'core'],
  core: ['core'],
  // It checks what the others made, in a browser: it shares nothing with them.
  page: ['page'],
};

const files = filesIn(SRC).map((path) => relative(SRC, path));
const imports = files.flatMap(importsOf);

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

function textOf(file: string): string {
  return readFileSync(join(SRC, file), 'utf8');
}

/** Every import of a file: declarations, re-exports, `import()` as expression and as type. */
function importsOf(from: string): Import[] {
  const source = ts.createSourceFile(from, textOf(from), ts.ScriptTarget.ES2023, true);
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return;
    const line = source.getLineAndCharacterOfPosition(specifier.getStart()).line + 1;
    found.push({ from, line, name: specifier.text, to: targetOf(from, specifier.text), typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node))
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function targetOf(from: string, name: string): string | undefined {
  if (!name.startsWith('.')) return undefined;
  const path = resolve(SRC, dirname(from), name);
  const file = [`${path}.ts`, join(path, 'index.ts')].find((one) => statSync(one, { throwIfNoEntry: false })?.isFile());
  assert.ok(file, `${from} imports ${name}, which is no file`);
  return relative(SRC, file);
}

function floorOf(file: string): Floor {
  const [first = ''] = file.split('/');
  if (first === 'index.ts') return 'library';
  assert.ok(first in MAY_IMPORT, `src/${file} stands on no floor`);
  return first as Floor;
}

const told = ({ from, line, name }: Import): string => `src/${from}:${line} imports ${name}`;
const between = imports.filter((one): one is Import & { readonly to: string } => one.to !== undefined);

test('the test sees the imports that are there', () => {
  assert.ok(files.length > 50 && between.length > 300, `${files.length} files, ${between.length} imports`);
  assert.ok(between.some((one) => one.from === 'services/append.ts' && one.to.startsWith('store/')));
  assert.ok(
    imports.some((one) => one.typeOnly),
    'type imports',
  );
});

test('imports go downward only', () => {
  const upward = between.filter((one) => !MAY_IMPORT[floorOf(one.from)].includes(floorOf(one.to)));
  // One service never imports another: what two of them need sinks one floor, so `services` is not in its own list.
  assert.deepEqual(upward.map(told), []);
});

test('commands import no other command', () => {
  const isCommand = (file: string): boolean => file.startsWith('cli/commands/');
  assert.deepEqual(between.filter((one) => isCommand(one.from) && isCommand(one.to)).map(told), []);
});

test('nothing is loaded in a circle', () => {
  const graph = new Map(files.map((file) => [file, [] as string[]]));
  for (const one of between) if (!one.typeOnly) graph.get(one.from)?.push(one.to);
  assert.deepEqual(cyclesOf(graph), []);
});

/** One cycle for every edge that leads back to a file under way. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) cycles.push([...path.slice(at), file].join(' → '));
    if (at >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return cycles;
}

test('the search for circles finds one', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['b']],
  ]);
  assert.deepEqual(cyclesOf(graph), ['b → c → b']);
});

test('each third-party package has one home file', () => {
  const homes = new Map<string, Set<string>>();
  for (const { name, from, to, typeOnly } of imports) {
    if (to !== undefined || typeOnly || isBuiltin(name)) continue;
    const parts = name.split('/');
    const packageName = name.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? name);
    homes.set(packageName, (homes.get(packageName) ?? new Set()).add(`src/${from}`));
  }
  assert.ok(homes.size > 0);
  assert.deepEqual(
    [...homes].filter(([, where]) => where.size > 1).map(([name, where]) => `${name}: ${[...where].join(', ')}`),
    [],
  );
});

function isBuiltin(name: string): boolean {
  return name.startsWith('node:') || builtinModules.includes(name);
}

/** They compute, and touch nothing. */
const PURE_BUILTINS: ReadonlySet<string> = new Set(['node:crypto', 'node:buffer']);

test('the core is pure: no files, processes, clocks, randomness, output', () => {
  const faults: string[] = imports
    .filter((one) => one.from.startsWith('core/') && isBuiltin(one.name) && !PURE_BUILTINS.has(one.name))
    .map(told);
  const touching =
    /\bprocess\.|\bconsole\.|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\brandom(?:Bytes|UUID|FillSync)\b|\bperformance\.now\b|\bsetTimeout\b/;
  for (const file of files.filter((one) => one.startsWith('core/'))) {
    textOf(file)
      .split('\n')
      .forEach((text, i) => {
        if (touching.test(text.replace(/^\s*(?:\*|\/\/|\/\*).*/, '')))
          faults.push(`src/${file}:${i + 1} ${text.trim()}`);
      });
  }
  assert.deepEqual(faults, []);
});

test('the disk is the store’s: a service never opens a file, and nothing below the surface prints', () => {
  const opens = imports.filter(
    (one) => one.from.startsWith('services/') && /^node:(?:fs|child_process|worker_threads)/.test(one.name),
  );
  assert.deepEqual(opens.map(told), []);
  const prints = files.filter(
    (file) => !file.startsWith('cli/') && /\bconsole\.|\bprocess\.(?:exit|stdout)\b/.test(textOf(file)),
  );
  assert.deepEqual(prints, []);
});
