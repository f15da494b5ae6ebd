/** Which code the `turnout` command runs: what was built, unless a source is newer. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { BIN } from '../support/turnout.ts';

const OLD = new Date('2026-01-01T00:00:00Z');
const NEW = new Date('2026-01-02T00:00:00Z');
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'turnout-bin-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'bin'));
  await cp(BIN, join(root, 'bin', 'turnout.js'));
  await writeFile(join(root, 'package.json'), '{ "type": "module" }');
});

async function put(path: string, at: Date): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `export const main = () => console.log('${path}');\n`);
  await utimes(file, at, at);
}

/** Sets the time of folders, which writing files changes. */
async function touch(at: Date, ...folders: string[]): Promise<void> {
  for (const folder of folders) await utimes(join(root, folder), at, at);
}

async function runs(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'bin', 'turnout.js')]);
  return stdout.trim();
}

it('what was built, when no source is newer', async () => {
  await put('src/cli/main.ts', OLD);
  await put('src/core/deep/file.ts', OLD);
  await put('dist/cli/main.js', NEW);
  await touch(OLD, 'src', 'src/cli', 'src/core', 'src/core/deep');
  expect(await runs()).toBe('dist/cli/main.js');
});

it('the sources, when one of them is newer, wherever it lies', async () => {
  await put('src/cli/main.ts', OLD);
  await put('dist/cli/main.js', OLD);
  await put('src/core/deep/file.ts', NEW);
  await touch(OLD, 'src', 'src/cli', 'src/core', 'src/core/deep');
  expect(await runs()).toBe('src/cli/main.ts');
});

it('the sources, when one was removed since', async () => {
  await put('src/cli/main.ts', OLD);
  await put('dist/cli/main.js', OLD);
  await mkdir(join(root, 'src/core'));
  await touch(OLD, 'src', 'src/cli');
  await touch(NEW, 'src/core');
  expect(await runs()).toBe('src/cli/main.ts');
});

it('the sources, when nothing was built', async () => {
  await put('src/cli/main.ts', NEW);
  expect(await runs()).toBe('src/cli/main.ts');
});

it('what was built, in a package without sources', async () => {
  await put('dist/cli/main.js', OLD);
  expect(await runs()).toBe('dist/cli/main.js');
});
