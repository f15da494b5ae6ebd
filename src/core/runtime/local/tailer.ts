/**
 * Watches the sizes of the output files of live runs: cuts those that grew too large and notices floods.
 * One timer for all runs, which exists only while there are any and never keeps the process alive.
 * Must never block a child: it only ever reads and cuts behind the writer.
 */
import { fstatSync } from 'node:fs';
import { LIMITS } from '../../limits.ts';
import { createFloodMeter, type FloodMeter } from './flood.ts';
import { cutFile } from './output-cut.ts';
import type { OutputFile } from './output-file.ts';

interface TailHooks {
  onFlood(bytesPerSec: number): void;
  /** The file cannot be watched any more; it is let go. */
  onTrouble(error: unknown): void;
}

export interface Tailer {
  add(output: OutputFile, hooks: TailHooks): void;
  /** Cuts it a last time if need be and forgets it; its descriptor stays open for the caller to read and close. */
  finish(output: OutputFile): Promise<void>;
  /** Forgets all files. */
  close(): Promise<void>;
}

interface Tailed {
  output: OutputFile;
  hooks: TailHooks;
  size: number;
  total: number;
  flood: FloodMeter;
  cutting: Promise<void> | null;
  troubled: boolean;
}

/** @param onTick called at each look, for what else is to be sampled while runs are alive */
export function createTailer(onTick: () => void = () => {}): Tailer {
  const files = new Map<OutputFile, Tailed>();
  let timer: NodeJS.Timeout | null = null;

  const arm = (hurry: boolean): void => {
    if (timer !== null || files.size === 0) return;
    timer = setTimeout(tick, hurry ? LIMITS.outputPollMs / 5 : LIMITS.outputPollMs).unref();
  };
  const tick = (): void => {
    timer = null;
    onTick();
    let hurry = false;
    for (const file of files.values()) hurry = look(file) > LIMITS.outputFileBytesMax / 4 || hurry;
    arm(hurry);
  };

  return {
    add: (output, hooks) => {
      const { size } = fstatSync(output.fd);
      files.set(output, { output, hooks, size, total: 0, flood: createFloodMeter(), cutting: null, troubled: false });
      arm(false);
    },
    finish: async (output) => {
      const file = files.get(output);
      if (file === undefined) return;
      files.delete(output);
      await file.cutting;
      look(file);
      await file.cutting;
    },
    close: async () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      const open = [...files.values()];
      files.clear();
      await Promise.all(open.map((file) => file.cutting));
    },
  };
}

/** Looks at one file and returns by how much it grew. */
function look(file: Tailed): number {
  if (file.cutting !== null || file.troubled) return 0;
  try {
    const { size } = fstatSync(file.output.fd);
    const grown = noteGrowth(file, size);
    if (size > LIMITS.outputFileBytesMax) file.cutting = cut(file);
    return grown;
  } catch (error) {
    giveUp(file, error);
    return 0;
  }
}

function noteGrowth(file: Tailed, size: number): number {
  // smaller than it was: somebody else cut it
  const grown = Math.max(0, size - file.size);
  file.size = size;
  file.total += grown;
  const flood = file.flood(performance.now(), file.total);
  if (flood !== null) file.hooks.onFlood(flood);
  return grown;
}

async function cut(file: Tailed): Promise<void> {
  try {
    const { before, after } = await cutFile(file.output.fd, LIMITS.outputFileBytesMax / 2);
    noteGrowth(file, before);
    file.size = after;
  } catch (error) {
    giveUp(file, error);
  } finally {
    file.cutting = null;
  }
}

function giveUp(file: Tailed, error: unknown): void {
  file.troubled = true;
  file.hooks.onTrouble(error);
}
