/**
 * Adds up the costs of a whole file on both cores: a worker thread for each part but the last, which this thread does.
 * Small files are not worth a thread's start.
 */
import { availableParallelism } from 'node:os';
import type { Calendar } from '../../core/day';
import { Tally } from '../../core/tally';
import type { TallyPlan } from '../../core/tally';
import { KEPT_PLACES, scanPart } from './costScan';
import type { CostScan, FilePart } from './costScan';
import type { CostTask } from './costWorker';
import { scanLines } from '../read/lines';
import { startWorker } from '../machine/workers';

/** A thread costs some 40 ms to start, in which this many bytes are read: the head start of the thread that is there. */
const HEAD_START_BYTES = 20 << 20;
const WORTH_A_THREAD_BYTES = 32 << 20;
const MAX_PARTS = 4;

/** Adds up `part`, in as many pieces as there are cores. */
export async function scanCosts(part: FilePart, plan: TallyPlan, calendar: Calendar): Promise<CostScan> {
  const parts = split(part);
  const last = parts.pop() ?? part;
  const others = parts.map((one) =>
    inWorker({ part: one, plan, zone: calendar.zone.name, dayStartMs: calendar.dayStartMs }),
  );
  const mine = Promise.resolve().then(() => scanPart(last, plan, calendar));
  return others.length === 0 ? mine : joined(await Promise.all([...others, mine]), plan, calendar);
}

/** Pieces that take equally long, each from the start of a line. */
function split({ fd, from, to }: FilePart): FilePart[] {
  const count = Math.min(availableParallelism(), MAX_PARTS, Math.floor((to - from) / WORTH_A_THREAD_BYTES));
  if (count < 2) return [{ fd, from, to }];
  const cuts = [from];
  const share = (to - from - HEAD_START_BYTES) / count;
  for (let i = 1; i < count; i++) {
    const middle = from + Math.floor(share * i);
    scanLines(fd, middle, to, (line) => {
      cuts.push(line.offset + line.bytes + (line.terminated ? 1 : 0));
      return false;
    });
  }
  return [...new Set(cuts)].map((cut, i, all) => ({ fd, from: cut, to: all[i + 1] ?? to }));
}

/** Only the last piece has the file's last line: in the others what is broken at the end is broken in the middle. */
function joined(scans: readonly CostScan[], plan: TallyPlan, calendar: Calendar): CostScan {
  const tally = new Tally(plan, calendar);
  for (const scan of scans) tally.merge(scan.sums);
  const ends = scans.slice(0, -1).flatMap(({ unsettledAt }) => (unsettledAt === undefined ? [] : [unsettledAt]));
  return {
    sums: tally.result(),
    brokenLines: scans.reduce((sum, scan) => sum + scan.brokenLines, ends.length),
    brokenAt: [...scans.flatMap((scan) => scan.brokenAt), ...ends].sort((a, b) => a - b).slice(0, KEPT_PLACES),
    unsettledAt: scans.at(-1)?.unsettledAt,
  };
}

function inWorker(task: CostTask): Promise<CostScan> {
  return new Promise((resolve, reject) => {
    const worker = startWorker('costs/costWorker', task);
    worker.once('message', (scan: CostScan) => resolve(scan));
    worker.once('error', reject);
  });
}
