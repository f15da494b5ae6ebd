/**
 * NVIDIA GPUs by way of `nvidia-smi`: the memory of each, and which process holds what of it.
 * What it cannot tell it prints in brackets (`[N/A]`, `[Not Supported]`): an answer, but never a figure.
 */

import { delimiter } from 'node:path';
import { LIMITS } from '../../limits.ts';
import type { Answer, Problem } from './attempts.ts';
import type { DeviceSource, FoundDevice, Holders } from './look.ts';
import { findTool, type Printed, runTool } from './tool.ts';

const NAME = 'nvidia-smi';
const PROCESSES = 'nvidia-smi (processes)';
/** Where WSL keeps it, often outside PATH. */
const MORE_FOLDERS = ['/usr/lib/wsl/lib'];
const MIB = 1024 ** 2;
const CSV = '--format=csv,noheader,nounits';
/** Said on stdout, with or without an exit code that tells of a failure. */
const NONE = /^no (?:devices were|running processes) found/i;

export interface NvidiaOptions {
  env: NodeJS.ProcessEnv;
}

export function nvidiaSource({ env }: NvidiaOptions): DeviceSource {
  const path = [env['PATH'] ?? '', ...MORE_FOLDERS].join(delimiter);
  const query =
    <T>(name: string, what: string, parse: (text: string) => T | null) =>
    async (signal: AbortSignal): Promise<Answer<T>> => {
      const printed = await runTool(findTool(NAME, path) ?? NAME, [what, CSV], env, signal);
      if ('problem' in printed) return printed;
      const { code, out } = printed.value;
      // some failures of one GPU give an exit code, and the lines of the others all the same
      const value = code === 0 || (code !== null && out.trim() !== '') ? parse(out) : null;
      return value === null ? { problem: problemOf(name, printed.value) } : { value };
    };
  return {
    name: NAME,
    kind: 'nvidia',
    // processes in containers and of other systems may be hidden from it
    listsAll: false,
    exists: () => findTool(NAME, path) !== null,
    async look(ask, pids) {
      const devices = await ask(NAME, query(NAME, '--query-gpu=index,uuid,memory.total,memory.used', parseGpus));
      if (devices === null) return null;
      // after the first, so that a driver that is out of order costs one failure and one warning
      const what = '--query-compute-apps=pid,gpu_uuid,used_memory';
      const listed = pids.length === 0 ? null : await ask(PROCESSES, query(PROCESSES, what, parseProcesses));
      return { devices, holders: holdersOf(devices, listed) };
    },
  };
}

/** GPUs whose memory is told. Lines that are none are passed over, if there is one that is; null when there is not. */
export function parseGpus(text: string): FoundDevice[] | null {
  const devices: FoundDevice[] = [];
  let readable = text.trim() === '' || NONE.test(text.trim());
  for (const [index = '', uuid = '', total, used, ...more] of rowsOf(text)) {
    if (!/^\d+$/.test(index) || uuid === '' || used === undefined || more.length > 0) continue;
    readable = true;
    const [totalBytes, usedBytes] = [bytesOf(total), bytesOf(used)];
    if (totalBytes === null || usedBytes === null || totalBytes === 0) continue;
    devices.push({ key: uuid, kind: 'nvidia', index: Number(index), alias: uuid, totalBytes, usedBytes });
  }
  return readable ? devices : null;
}

/** The processes that were listed, by UUID of the GPU. */
export interface Listed {
  holders: Map<string, Map<number, number | null>>;
  /** GPUs of which some process was not named, so that its list says nothing of who is missing. */
  hidden: Set<string>;
  /** It is not told of any GPU. */
  untold: boolean;
}

/** null when there is no line that can be understood, though there are lines. */
export function parseProcesses(text: string): Listed | null {
  const listed: Listed = { holders: new Map(), hidden: new Set(), untold: false };
  if (text.trim() === '' || NONE.test(text.trim())) return listed;
  let readable = false;
  for (const [pid = '', uuid = '', used, ...more] of rowsOf(text)) {
    if (isBracketed(pid) && (uuid === '' || isBracketed(uuid))) listed.untold = true;
    else if (used === undefined || uuid === '' || more.length > 0) continue;
    else if (isBracketed(pid)) listed.hidden.add(uuid);
    else if (/^\d+$/.test(pid)) addTo(listed.holders, uuid, Number(pid), bytesOf(used));
    else continue;
    readable = true;
  }
  return readable ? listed : null;
}

/** A process that stands there twice (several instances of a GPU) holds both. */
function addTo(holders: Listed['holders'], uuid: string, pid: number, bytes: number | null): void {
  const ofDevice = holders.get(uuid) ?? new Map<number, number | null>();
  holders.set(uuid, ofDevice);
  const before = ofDevice.get(pid);
  if (before === undefined) ofDevice.set(pid, bytes);
  else ofDevice.set(pid, before === null || bytes === null ? null : before + bytes);
}

function holdersOf(devices: readonly FoundDevice[], listed: Listed | null): Map<string, Holders> {
  const holders = new Map<string, Holders>();
  if (listed === null || listed.untold) return holders;
  for (const { key } of devices) {
    if (!listed.hidden.has(key)) holders.set(key, listed.holders.get(key) ?? new Map());
  }
  return holders;
}

const rowsOf = (text: string): string[][] =>
  text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.split(',').map((cell) => cell.trim())]));

const isBracketed = (cell: string): boolean => /^\[.*\]$/.test(cell);

/** MiB, for `nounits` is asked for; null for anything that is no number. */
function bytesOf(cell: string | undefined): number | null {
  return cell !== undefined && /^\d+$/.test(cell) ? Number(cell) * MIB : null;
}

function problemOf(name: string, { code, out, err }: Printed): Problem {
  const said = (err.trim() || out.trim()).split('\n', 1)[0]?.slice(0, LIMITS.deviceToolSaidCharsMax) ?? '';
  const words = said === '' ? 'and printed nothing' : `and printed "${said}"`;
  if (code === 0) return { cause: 'garbage', text: `cannot read the answer of ${name}: it printed "${said}"` };
  return { cause: 'exit', text: `${name} ended with ${code === null ? 'a signal' : `exit code ${code}`} ${words}` };
}
