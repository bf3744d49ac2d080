/**
 * A process whose index thread dies while its writer is open. Argument: the state folder. It says "closed" and what was
 * told of the index, and ends with 2.
 */
import { Writer } from '../../src/store/append/writer';
import { nodeHost } from '../../src/store/machine/nodeHost';
import { nextIndexThread } from './indexThread';
import { testPaths } from './ledgers';
import { checked } from './writers';

async function work(dir: string): Promise<void> {
  const started = nextIndexThread();
  const told: string[] = [];
  const events = {
    onHeal: () => undefined,
    onDrain: () => undefined,
    onRowsLost: () => undefined,
    onIndexFault: ({ message }: Error) => told.push(message),
    onOtherLedger: () => undefined,
  };
  const writer = new Writer({ paths: testPaths(dir), host: nodeHost(), durability: 'disk', events });
  for (let n = 0; n < 3; n++) await writer.append(Array.from({ length: 3000 }, () => checked({ action: 'a.b' })));
  // It is started after the receipts are out.
  const thread = await started;
  await thread.terminate();
  await writer.append([checked({ action: 'a.b' })]);
  process.exitCode = 1;
  await writer.close();
  await writer.close();
  process.exitCode = 2;
  process.stdout.write(`closed ${JSON.stringify(told)}\n`);
}

void work(process.argv[2] ?? '');
