/** The shipped program. The compile cache (Node 22 and later) must be on before the rest is loaded. */
import module from 'node:module';

type WithCompileCache = typeof module & { readonly enableCompileCache?: () => unknown };

(module as WithCompileCache).enableCompileCache?.();

async function start(): Promise<void> {
  const [{ main }, { processIo }] = await Promise.all([import('./main'), import('./io')]);
  await main(process.argv.slice(2), processIo());
}

void start();
