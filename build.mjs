// Bundles what is shipped: start-up is most of a shell user's wait, and one file loads faster than a hundred.
// With --types it also writes the library's declarations.
import { build } from 'esbuild';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));
const workers = ['scan/scanWorker', 'costs/costWorker', 'index/indexWorker', 'index/digestWorker'];
const parts = ['catalogue/compileCatalogue', 'secrets/detectSecrets'];
const programs = ['onlyAppend', 'onlyRead', 'onlyCheck', 'onlyVerify', 'onlyCheckpoint', 'allCommands'];

// commander starts programs as subcommands; ledger has none, and node:child_process takes an append 1 ms to load.
const commanderWithoutPrograms = {
  name: 'commander-without-programs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer, path }) =>
      importer.includes('/commander/') ? { path, namespace: 'none' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'module.exports = {};' }));
  },
};

// What was compiled for the bundles of before.
rmSync(new URL('./dist/compiled', import.meta.url), { recursive: true, force: true });

await build({
  absWorkingDir: root,
  entryPoints: [
    { in: 'src/cli/entry.ts', out: 'ledger' },
    { in: 'src/index.ts', out: 'index' },
    ...programs.map((name) => ({ in: `src/cli/${name}.ts`, out: name })),
    ...[...workers, ...parts].map((file) => ({ in: `src/store/${file}.ts`, out: basename(file) })),
  ],
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // A real import() would start the ES module loader: 10 ms.
  supported: { 'dynamic-import': false },
  minify: true,
  keepNames: false,
  alias: {
    // libsql asks these two which of its binaries fits, in 12 ms (src/store/index/libsqlTarget.ts).
    '@neon-rs/load': './src/store/index/libsqlTarget.ts',
    'detect-libc': './src/store/index/libsqlTarget.ts',
    // Its other form finds its files at run time, where a bundle has none.
    'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
  },
  // A regular expression's engine is a third of all commands: it is loaded where there is an expression.
  external: ['*.node', '@libsql/*', 'fs-native-extensions', 're2js'],
  plugins: [commanderWithoutPrograms],
  define: { LEDGER_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});

// What runs in the page of a bundle, where nothing else may be loaded.
await build({
  absWorkingDir: root,
  entryPoints: ['src/page/main.ts'],
  outfile: 'dist/page.js',
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  format: 'iife',
  minify: true,
  logLevel: 'warning',
});

// Validators of the built-in catalogues: a row of theirs must not wait for a compiler of schemas.
for (const file of readdirSync(new URL('./schemas', import.meta.url))) {
  const schema = JSON.parse(readFileSync(new URL(`./schemas/${file}`, import.meta.url), 'utf8'));
  // As in src/store/catalogue/compileCatalogue.ts.
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    allowUnionTypes: true,
    ownProperties: true,
    code: { source: true },
  });
  ajv.addSchema(schema);
  const refs = Object.fromEntries(
    Object.keys(schema.$defs ?? {}).map((name) => [name, `${schema.$id}#/$defs/${name}`]),
  );
  await build({
    stdin: { contents: standaloneCode.default(ajv, refs), resolveDir: root, sourcefile: file },
    outfile: `${root}dist/validators/${basename(file, '.json')}.cjs`,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    logLevel: 'warning',
  });
}

// Text for shells, which is read when it is asked for.
cpSync(new URL('./src/cli/shell', import.meta.url), new URL('./dist/shell', import.meta.url), { recursive: true });

if (process.argv.includes('--types')) {
  const { default: ts } = await import('typescript');
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: ['src'] }, ts.sys, root);
  const wanted = {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    outDir: `${root}dist/types`,
    rootDir: `${root}src`,
  };
  const { diagnostics } = ts.createProgram([`${root}src/index.ts`], wanted).emit();
  if (diagnostics.length > 0)
    throw new Error(
      ts.formatDiagnostics(diagnostics, {
        getCanonicalFileName: (name) => name,
        getCurrentDirectory: () => root,
        getNewLine: () => '\n',
      }),
    );
}
