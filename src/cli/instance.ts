/**
 * How commands find a running turnout: a small file that it writes at start and removes at its end, in the runtime
 * directory of the machine and in its state directory. Holds no secret.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Instance {
  url: string;
  pid: number;
  stateDir: string;
  startedAt: string;
}

const FILE = 'instance.json';

/** Directory of this user, or of the machine where users have none, in which running turnouts announce themselves. */
function runtimeDir(env: Record<string, string | undefined> = process.env): string {
  const own = env.XDG_RUNTIME_DIR;
  return own === undefined || own === '' ? '/run/turnout' : join(own, 'turnout');
}

/** Writes the files; a place that cannot be written is passed over, for the others do. Returns the way to remove them. */
export async function announce(instance: Instance): Promise<() => Promise<void>> {
  const text = `${JSON.stringify(instance)}\n`;
  const files: string[] = [];
  await forgetTheDead();
  const shared = join(runtimeDir(), `${instance.pid}.json`);
  if (await tryWrite(runtimeDir(), shared, text)) files.push(shared);
  const own = join(instance.stateDir, FILE);
  if (await tryWrite(instance.stateDir, own, text)) files.push(own);
  return async () => {
    for (const file of files) await rm(file, { force: true });
  };
}

/** Files that killed turnouts left behind. */
async function forgetTheDead(): Promise<void> {
  for (const file of await jsonFiles(runtimeDir())) {
    const instance = await readInstance(file);
    if (instance !== null && !isAlive(instance.pid)) await rm(file, { force: true });
  }
}

async function tryWrite(dir: string, file: string, text: string): Promise<boolean> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await writeFile(file, text, { mode: 0o600 });
    return true;
  } catch {
    return false; // not writable for this user: the next place is
  }
}

/** Turnouts that announced themselves and are alive, newest first. */
export async function runningInstances(stateDir: string | null): Promise<{ found: Instance[]; looked: string[] }> {
  const looked = [stateDir === null ? runtimeDir() : join(stateDir, FILE)];
  const files = stateDir === null ? await jsonFiles(runtimeDir()) : looked;
  const found = new Map<number, Instance>();
  for (const file of files) {
    const instance = await readInstance(file);
    if (instance !== null && isAlive(instance.pid)) found.set(instance.pid, instance);
  }
  return { found: [...found.values()].sort((a, b) => b.startedAt.localeCompare(a.startedAt)), looked };
}

async function jsonFiles(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).filter((name) => name.endsWith('.json')).map((name) => join(dir, name));
  } catch {
    return []; // no such directory: nobody announced itself there
  }
}

async function readInstance(file: string): Promise<Instance | null> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as Partial<Instance>;
    const { url, pid, stateDir, startedAt } = value;
    if (typeof url !== 'string' || typeof pid !== 'number' || typeof stateDir !== 'string') return null;
    return { url, pid, stateDir, startedAt: startedAt ?? '' };
  } catch {
    return null; // gone meanwhile, or not ours
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
