// Bundles what is shipped: start-up is most of a shell user's wait, and one file loads faster than a hundred.
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));
const workers = ['scanWorker', 'costWorker', 'indexWorker'];
const entryPoints = [
  { in: 'src/cli/entry.ts', out: 'ledger' },
  ...workers.map((name) => ({ in: `src/store/${name}.ts`, out: name })),
];

await build({
  absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
  entryPoints,
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  // libsql asks these two which of its binaries fits, in 12 ms (src/store/libsqlTarget.ts).
  alias: { '@neon-rs/load': './src/store/libsqlTarget.ts', 'detect-libc': './src/store/libsqlTarget.ts' },
  external: ['*.node', '@libsql/*', 'fs-native-extensions'],
  define: { LEDGER_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});
