/** A worker thread of `costPool.ts`: adds up one part of a file and hands back the sums. */
import { parentPort, workerData } from 'node:worker_threads';
import { zoneNamed } from '../machine/hostZone';
import type { TallyPlan } from '../../core/tally';
import { scanPart } from './costScan';
import type { FilePart } from './costScan';

/** What a worker is given: plain data. */
export interface CostTask {
  readonly part: FilePart;
  readonly plan: TallyPlan;
  readonly zone: string;
  readonly dayStartMs: number;
}

const { part, plan, zone, dayStartMs } = workerData as CostTask;
parentPort?.postMessage(scanPart(part, plan, { zone: zoneNamed(zone, process.env), dayStartMs }));
