/** Runs the command line as users do, with an environment that holds nothing of theirs. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIN } from '../support/turnout.ts';

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

export interface Place {
  dir: string;
  /** Writes a file and returns its path. */
  file(name: string, text: string): Promise<string>;
  cli(args: string[], env?: Record<string, string>): Promise<Ran>;
  remove(): Promise<void>;
}

export async function makePlace(): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), 'turnout-cli-'));
  return {
    dir,
    async file(name, text) {
      const path = join(dir, name);
      await writeFile(path, text);
      return path;
    },
    cli(args, env = {}) {
      const clean = { PATH: process.env.PATH ?? '', HOME: dir, XDG_RUNTIME_DIR: dir, XDG_STATE_HOME: dir, ...env };
      const child = spawn(process.execPath, [BIN, ...args], {
        cwd: dir,
        env: clean,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let out = '';
      let err = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
      return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
