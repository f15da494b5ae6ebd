/**
 * Keeps a child of the policy host alive while there is something to run in it: starts it when it is first needed, and again
 * after a growing pause when it ended. Must never start a second one while the first lives.
 */
import { BOUNDS } from './bounds.ts';
import { type ChildEnd, type ChildLink, startChild } from './child-link.ts';
import type { FromChild } from './messages.ts';
import type { PolicyHostStatus } from './types.ts';

export interface Supervisor {
  /** Starts a child if there is none. Null once it is ready, else why it did not start. */
  ready(): Promise<string | null>;
  isReady(): boolean;
  status(): Omit<PolicyHostStatus, 'slots'>;
  close(): Promise<void>;
}

export interface SupervisorPorts {
  command: { file: string; args: readonly string[] };
  onReady(link: ChildLink): void;
  onMessage(message: FromChild, body: string): void;
  onEnd(end: ChildEnd): void;
  /** Whether there is anything to start another child for. */
  isWanted(): boolean;
}

export function createSupervisor(ports: SupervisorPorts): Supervisor {
  let phase: PolicyHostStatus['phase'] = 'idle';
  let link: ChildLink | null = null;
  let gone: Promise<void> = Promise.resolve();
  let hopes: ((why: string | null) => void)[] = [];
  let starts = 0;
  let failures = 0;
  let readyAt = 0;
  let restartAt: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let lastEnd: string | null = null;

  function tell(why: string | null): void {
    const all = hopes;
    hopes = [];
    for (const hope of all) hope(why);
  }

  function start(): void {
    clearTimeout(timer);
    restartAt = null;
    phase = 'starting';
    starts++;
    void gone.then(spawnNow); // what is left of the one before takes a moment to end
  }

  function spawnNow(): void {
    if (phase !== 'starting') return;
    const mine = startChild(ports.command, {
      onMessage(message, body) {
        if (message.op !== 'hello') return ports.onMessage(message, body);
        phase = 'ready';
        readyAt = performance.now();
        ports.onReady(mine);
        tell(null);
      },
      onEnd,
    });
    link = mine;
    gone = mine.gone;
  }

  function onEnd(end: ChildEnd): void {
    link = null;
    lastEnd = end.message;
    if (phase === 'closed') return ports.onEnd(end);
    const healthy = phase === 'ready' && performance.now() - readyAt >= BOUNDS.policyHealthyMs;
    const failed = phase === 'starting';
    failures = healthy ? 0 : failures + 1;
    phase = 'idle';
    ports.onEnd(end);
    if (failed) tell(end.message);
    if (isIdle() && ports.isWanted()) restartLater();
  }

  /** Whoever was told of the end may have started another. */
  function isIdle(): boolean {
    return phase === 'idle';
  }

  function restartLater(): void {
    const pauseMs = Math.min(BOUNDS.policyRestartMinMs * 2 ** Math.max(0, failures - 1), BOUNDS.policyRestartMaxMs);
    phase = 'waiting';
    restartAt = performance.now() + pauseMs;
    timer = setTimeout(() => {
      if (phase !== 'waiting') return;
      if (ports.isWanted()) start();
      else phase = 'idle';
    }, pauseMs);
    timer.unref();
  }

  return {
    async ready() {
      if (phase === 'closed') return 'the policy host is closed';
      if (phase === 'ready') return null;
      const { promise, resolve } = Promise.withResolvers<string | null>();
      hopes.push(resolve);
      if (phase !== 'starting') start();
      return promise;
    },
    isReady: () => phase === 'ready',
    status: () => ({
      phase,
      pid: link?.pid ?? null,
      starts,
      restartInMs: restartAt === null ? null : Math.max(0, Math.round(restartAt - performance.now())),
      lastEnd,
    }),
    async close() {
      clearTimeout(timer);
      restartAt = null;
      phase = 'closed';
      link?.kill();
      tell('the policy host is closed');
      await gone;
    },
  };
}
