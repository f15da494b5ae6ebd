/**
 * Makes load: by wrk where it is installed, else by autocannon in a process of its own.
 * Must never mix the two in one run: their clocks differ.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileOf } from './processes.ts';
import { PATH, REQUEST } from './sizes.ts';

export interface LoadResult {
  requests: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Connections refused or cut, timeouts. */
  errors: number;
  non2xx: number;
}

export interface Load {
  /** Name and version. */
  by: string;
  run(url: string, connections: number, seconds: number): Promise<LoadResult>;
  close(): void;
}

/** Output of a program that must end with 0. */
function outputOf(command: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`"${command} ${args.join(' ')}" ended with ${code}: ${stderr.trim()}`));
    });
  });
}

function resultIn(output: string): LoadResult {
  const line = output.split('\n').find((text) => text.startsWith('RESULT '));
  if (line === undefined)
    throw new Error(`cannot read the result of the load, expected a line "RESULT", got: ${output}`);
  return JSON.parse(line.slice('RESULT '.length)) as LoadResult;
}

/** wrk counts a status above 399 as an error of its own kind; times are in microseconds. */
const WRK_SCRIPT = `
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [==[${REQUEST}]==]
done = function(summary, latency)
  local e = summary.errors
  local seconds = summary.duration / 1000000
  io.write(string.format(
    'RESULT {"requests":%d,"requestsPerSecond":%.3f,"p50Ms":%.3f,"p99Ms":%.3f,"errors":%d,"non2xx":%d}\\n',
    summary.requests, summary.requests / seconds, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.timeout, e.status))
end
`;

function wrkVersion(): string | null {
  try {
    execFileSync('wrk', ['-v'], { stdio: 'pipe', encoding: 'utf8' });
    return 'wrk';
  } catch (error) {
    // It prints its version and ends with 1, which is not the same as not being there.
    const { stdout } = error as { stdout?: string };
    return stdout === undefined || stdout === '' ? null : (/^wrk \S+/.exec(stdout)?.[0] ?? 'wrk');
  }
}

export function chooseLoad(): Load {
  const wrk = wrkVersion();
  if (wrk === null) {
    return {
      by: 'autocannon',
      run: async (url, connections, seconds) => {
        const args = [fileOf('autocannon-load.ts'), url + PATH, String(connections), String(seconds)];
        return resultIn(await outputOf(process.execPath, args));
      },
      close: () => undefined,
    };
  }
  const dir = mkdtempSync(join(tmpdir(), 'turnout-wrk-'));
  const script = join(dir, 'post.lua');
  writeFileSync(script, WRK_SCRIPT);
  return {
    by: `${wrk}, one thread`,
    run: async (url, connections, seconds) => {
      // wrk takes whole seconds only.
      const duration = `-d${Math.max(1, Math.round(seconds))}s`;
      return resultIn(await outputOf('wrk', ['-t1', `-c${connections}`, duration, '-s', script, url + PATH]));
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}
