/**
 * The running fake model as its handlers see it.
 * Must never hold anything that belongs to a single request.
 */
import type { FakeModelOptions } from './options.ts';
import type { RequestRecord } from './record.ts';
import type { SlotPool } from './slots.ts';

export interface FakeModel {
  readonly options: FakeModelOptions;
  readonly record: RequestRecord;
  readonly slots: SlotPool;
  /** False while it loads. */
  ready(): boolean;
  /** Dies as a crashing server does, with this exit code. */
  die(code: number): void;
}
