/**
 * Which of the runs that were taken over have a first process that lives, and whether its port is its own.
 * Must never say so of a process that only has the same pid.
 */
import type { Survivor } from '../process-runtime.ts';
import { familyOf } from './family.ts';
import { loopbackEndpoints, portOwners } from './port.ts';
import { hasProc, type Proc, scanProcesses } from './proc.ts';
import { hasStopCommand, isLeaderGone, nameOf, type Run, type Shell } from './run.ts';

export async function findSurvivors(shell: Shell, runs: readonly Run[]): Promise<Survivor[]> {
  const living = runs.filter((run) => run.phase === 'live' && !isGone(shell, run));
  if (living.length === 0 || !hasProc) return [];
  const table = await scanProcesses();
  return living.flatMap((run) => {
    const { leader } = run.mark;
    if (leader === null) return [];
    const { pid, start } = leader;
    return [{ run: run.run, pid, startTime: start, bootId: shell.bootId, fault: portFault(run, table) }];
  });
}

function isGone(shell: Shell, run: Run): boolean {
  try {
    return isLeaderGone(run);
  } catch (error) {
    shell.warn(`cannot see whether ${nameOf(run)} lives: ${(error as Error).message}`);
    return true;
  }
}

/**
 * A port on which others than its family are seen to listen has been taken from it. Not looked at where there is a
 * `cmdStop`: a container's port is held by the container engine.
 */
function portFault(run: Run, table: readonly Proc[]): string | null {
  if (hasStopCommand(run)) return null;
  const [endpoint] = loopbackEndpoints(run.proxy);
  if (endpoint === undefined) return null;
  const { port } = endpoint;
  const family = familyOf(table, { ...run.mark, known: new Map(run.mark.known) });
  if (portOwners(family, port).length > 0) return null;
  // looked at last: it means to read the descriptors of every process
  const [stranger] = portOwners(table, port);
  return stranger === undefined ? null : `its port ${port} is held by process ${stranger.pid} ("${stranger.name}")`;
}
