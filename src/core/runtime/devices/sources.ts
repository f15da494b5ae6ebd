/** The sources of figures about devices that turnout knows, best known first. Must never start a tool by itself. */
import { amdSource } from './amd.ts';
import type { DeviceSource } from './look.ts';
import { nvidiaSource } from './nvidia.ts';
import { ramSource } from './ram.ts';

export interface SourceOptions {
  /** What tools inherit; its PATH is where they are looked for. Default: turnout's own. */
  env?: NodeJS.ProcessEnv;
  /** Stands in for `/sys`. */
  sys?: string;
  /** Stands in for `/proc`. */
  proc?: string;
}

export function deviceSources({ env = process.env, sys = '/sys', proc = '/proc' }: SourceOptions = {}): DeviceSource[] {
  return [nvidiaSource({ env }), amdSource({ sys, proc }), ramSource({ proc })];
}
