/**
 * One child process of the policy host, from its start to its end: frames out and in, and a watch on time and memory while
 * anything of a policy runs. Must never believe what the child says without reading it, nor wait for a child to end itself.
 */
import { spawn } from 'node:child_process';
import { BOUNDS } from './bounds.ts';
import { lastWords } from './fault.ts';
import { createFrameReader, encodeFrame } from './frames.ts';
import { type FromChild, readFromChild, type ToChild } from './messages.ts';
import { firstToGo, processorMs, residentBytes } from './usage.ts';

/** Why it ended. `byPolicy`: what it was doing is to blame, as far as one can tell. */
export interface ChildEnd {
  kind: 'timeout' | 'memory' | 'dead';
  message: string;
  byPolicy: boolean;
}

export interface ChildLink {
  readonly pid: number | null;
  send(message: ToChild, body: string): void;
  /** Whether the processor was busy with others while the last job should have run. */
  isStarved(): boolean;
  kill(): void;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
}

export interface ChildPorts {
  onMessage(message: FromChild, body: string): void;
  /** Once, and nothing after it. */
  onEnd(end: ChildEnd): void;
}

export function startChild(command: { file: string; args: readonly string[] }, ports: ChildPorts): ChildLink {
  const env = process.platform === 'win32' ? { SystemRoot: process.env['SystemRoot'] } : {};
  const child = spawn(command.file, command.args, {
    cwd: '/',
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const pid = child.pid ?? 0;
  if (pid !== 0) firstToGo(pid);
  const gone = Promise.withResolvers<void>();
  let ended = false;
  let greeted = false;
  let lastId = 0;
  /** The last job that was answered, and the last one after which it came to rest: each is said once. */
  let answeredId = 0;
  let restedId = 0;
  let busySince: number | null = null;
  let isLoading = false;
  /** Processor time when the watch first looked at this job; null before. */
  let workedBefore: number | null = null;
  let stderr = '';
  let stderrChars = 0;
  let watch: NodeJS.Timeout | null = null;
  const started = setTimeout(
    () => end('dead', `did not start within ${BOUNDS.policyChildStartMs} ms`, false),
    BOUNDS.policyChildStartMs,
  );

  function end(kind: ChildEnd['kind'], what: string, byPolicy: boolean): void {
    if (ended) return;
    ended = true;
    clearTimeout(started);
    rested();
    child.kill('SIGKILL');
    ports.onEnd({ kind, message: `the policy host ${what}`, byPolicy });
  }

  function rested(): void {
    busySince = null;
    if (watch !== null) clearInterval(watch);
    watch = null;
  }

  function look(): void {
    workedBefore ??= processorMs(pid);
    const bytes = residentBytes(pid);
    if (bytes !== null && bytes > BOUNDS.policyChildBytesMax) {
      end('memory', `used ${Math.round(bytes / 1024 / 1024)} MB of memory and was stopped`, true);
    } else if (isSilent()) {
      // What it said may lie unread in the pipe, if it was this process that did not get to it.
      setImmediate(() => {
        if (!isSilent()) return;
        end('timeout', `gave no sign of life for ${killMs()} ms and was stopped`, !isStarved());
      });
    }
  }

  /** Where nobody counts processor time it is taken for the policy's own. */
  function isStarved(): boolean {
    const worked = processorMs(pid);
    const enough = isLoading ? BOUNDS.policyLoadStarvedMs : BOUNDS.policyStarvedMs;
    return worked !== null && (workedBefore === null || worked - workedBefore < enough);
  }

  function isSilent(): boolean {
    return busySince !== null && performance.now() - busySince > killMs();
  }

  function killMs(): number {
    return isLoading ? BOUNDS.policyLoadKillMs : BOUNDS.policyKillMs;
  }

  const reader = createFrameReader(({ head, body }) => {
    if (ended) return;
    const message = readFromChild(head);
    if (message.op === 'hello') {
      if (greeted) throw new Error('it greeted twice');
      greeted = true;
      clearTimeout(started);
    } else if (message.op === 'rested') {
      if (message.id <= restedId || message.id > answeredId) throw new Error('it rests without having worked');
      restedId = message.id;
      if (message.id === lastId) rested();
    } else if (message.id !== lastId || message.id === answeredId || !greeted) {
      throw new Error('it answered what was not asked');
    } else {
      answeredId = message.id;
      if (busySince !== null) busySince = performance.now();
    }
    ports.onMessage(message, body);
  }, BOUNDS.policyFrameBodyBytesMax);

  child.stdout.on('data', (chunk: Buffer) => {
    if (ended) return;
    try {
      reader.push(chunk);
    } catch (error) {
      end('dead', `said what it may not say: ${error instanceof Error ? error.message : String(error)}`, true);
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-BOUNDS.policyStderrCharsMax);
    stderrChars += text.length;
    if (stderrChars > BOUNDS.policyStderrTotalCharsMax) end('dead', 'complained without end and was stopped', true);
  });
  // A pipe breaks when the process ends, which is told by itself.
  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.on('error', () => {});
  child.on('error', (error) => {
    end('dead', `cannot be started: ${error.message}`, false);
    gone.resolve();
  });
  child.on('close', (code, signal) => {
    const { kind, what, byPolicy } = howItEnded(code, signal, stderr, busySince !== null);
    end(kind, what, byPolicy);
    gone.resolve();
  });

  return {
    pid: child.pid ?? null,
    send(message, body) {
      lastId = message.id;
      busySince = performance.now();
      workedBefore = null;
      isLoading = message.op === 'load';
      watch ??= setInterval(look, BOUNDS.policyWatchMs);
      child.stdin.write(encodeFrame(message, body));
    },
    isStarved,
    kill: () => end('dead', 'was closed', false),
    gone: gone.promise,
  };
}

/** A signal that the process cannot give itself came from outside; the policy is not to blame for it. */
function howItEnded(code: number | null, signal: NodeJS.Signals | null, stderr: string, busy: boolean) {
  const words = lastWords(stderr);
  const what = `ended with ${signal ?? `code ${code}`}${words === '' ? '' : `: ${words}`}`;
  if (/out of memory|Allocation failed/i.test(stderr)) return { kind: 'memory', what, byPolicy: busy } as const;
  return { kind: 'dead', what, byPolicy: busy && signal !== 'SIGKILL' && signal !== 'SIGTERM' } as const;
}
