/**
 * The walls of the child process: with which flags it is started, and the check, in the child, that they stand. A policy
 * that breaks out of its isolate finds a process that can read turnout's code and nothing else. Must never grant more.
 */
import { existsSync, lstatSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, parse } from 'node:path';
import { CODE, programFile, ROOT } from '../../core/platform/program-file.ts';

/** Needed by isolated-vm on this side of Node 20; without it isolates may crash the process. */
const NO_SNAPSHOT = '--no-node-snapshot';

/** Scopes of node's permission model that must be closed. */
const CLOSED = ['fs.write', 'child', 'worker', 'net', 'wasi', 'inspector', 'ffi'] as const;

/** The command that starts the child. */
export function childCommand(): { file: string; args: string[] } {
  const args = [
    NO_SNAPSHOT,
    '--permission',
    '--allow-addons',
    ...readable().map((path) => `--allow-fs-read=${path}`),
    // Every call starts with cold code, so that compiling it never pays: interpreted it takes half the time, and the part
    // of V8 in which most of its security faults were found is not used.
    ...['--no-opt', '--no-maglev', '--no-sparkplug', '--regexp-interpret-all'],
    '--max-old-space-size=128',
    '--no-warnings',
    programFile('policies/sandbox/host-main'),
  ];
  return { file: process.execPath, args };
}

/** Turnout's code, and the packages that make the isolates. */
function readable(): string[] {
  const isolatedVm = packageFrom(CODE, 'isolated-vm');
  const loader = packageFrom(isolatedVm.folder, 'node-gyp-build');
  // where the last one exists the loader takes the addon that was built for musl
  const paths = [CODE, join(ROOT, 'package.json'), ...isolatedVm.paths, ...loader.paths, '/etc/alpine-release'];
  // a folder must come before what lies in it, or node forgets it
  return [...new Set(paths)].sort();
}

/** A package as node finds it from a folder: where it really lies, and all paths that lead there. Package managers link. */
function packageFrom(folder: string, name: string): { folder: string; paths: string[] } {
  const real = dirname(createRequire(join(folder, 'index.js')).resolve(`${name}/package.json`));
  const paths = [real];
  for (let at = folder; at !== parse(at).root; at = dirname(at)) {
    const found = join(at, 'node_modules', name);
    if (!existsSync(found)) continue;
    for (let part = found; part !== parse(part).root; part = dirname(part)) {
      if (part === found || lstatSync(part).isSymbolicLink()) paths.push(part);
    }
    break;
  }
  return { folder: real, paths };
}

/** In the child: what is missing of the walls, in words; empty when they stand. */
export function missingWalls(): string[] {
  const missing: string[] = [];
  if (!process.execArgv.includes(NO_SNAPSHOT)) missing.push(`it was started without ${NO_SNAPSHOT}`);
  const { permission } = process;
  if (permission === undefined) return [...missing, 'it was started without --permission'];
  for (const scope of CLOSED) if (permission.has(scope)) missing.push(`its permission "${scope}" is open`);
  // a permission for one path alone does not count as open
  const more = process.execArgv.find((arg) => /^--allow-(?!addons$|fs-read=)/.test(arg));
  if (more !== undefined && missing.length === 0) missing.push(`it was started with ${more}`);
  if (permission.has('fs.read', parse(process.execPath).root)) missing.push('it may read every file');
  return missing;
}
