// Bundles what is shipped: start-up is most of a shell user's wait, and one file loads faster than a hundred.
import { build } from 'esbuild';
import { readFileSync, rmSync } from 'node:fs';

const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));
const entryPoints = [{ in: 'src/cli/entry.ts', out: 'ledger' }];

rmSync(new URL('./dist', import.meta.url), { recursive: true, force: true });
await build({
  entryPoints,
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  external: ['*.node', '@libsql/*', 'fs-native-extensions'],
  define: { LEDGER_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});
