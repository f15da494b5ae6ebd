#!/usr/bin/env node
/**
 * Entry of the `turnout` command. Plain JavaScript that any node since 18 can read: run by a node that turnout does not
 * support it starts again with the one pinned beside it, else it says in one line what is needed.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What was built starts in half the time; it must be of the present sources, where there are any. */
function isFresh(built) {
  const { mtimeMs: since } = statSync(built, { throwIfNoEntry: false }) ?? {};
  if (since === undefined) return false;
  const folders = [join(root, 'src')].filter((folder) => existsSync(folder));
  for (const folder of folders) {
    if (statSync(folder).mtimeMs > since) return false; // a file came or went
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (statSync(path).mtimeMs > since) return false;
    }
  }
  return true;
}

const SUPPORTED = [24, 26];
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const major = Number(process.versions.node.split('.')[0]);

if (SUPPORTED.includes(major)) {
  module.enableCompileCache?.();
  const source = join(root, 'src', 'cli', 'main.ts');
  const built = join(root, 'dist', 'cli', 'main.js');
  const { main } = await import(pathToFileURL(isFresh(built) ? built : source).href);
  await main(process.argv.slice(2));
} else {
  const pinned = [join(root, 'node_modules', 'node', 'bin', 'node'), join(root, '..', 'node', 'bin', 'node')];
  const node = pinned.find((file) => existsSync(file));
  if (node === undefined) {
    process.stderr.write(
      `turnout needs Node 24 or 26, this is ${process.version}; install one, or run "npm install" in ${root}\n`,
    );
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends SIGINT to both of us: passing it on would make it two, and two mean "stop at once".
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`turnout cannot start ${node}: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
