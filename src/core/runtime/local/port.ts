/**
 * Whether something accepts connections where a model is to answer, and who. Looks at loopback only: a server elsewhere
 * is not ours to judge. Must never send a byte.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { LIMITS } from '../../limits.ts';
import { hasProc, listDescriptors, readDescriptor, scanProcesses } from './proc.ts';

export interface Endpoint {
  host: string;
  port: number;
}

const LISTENING = '0A';

/** The loopback addresses that a `proxy` URL names; none when it leads elsewhere or is no URL. */
export function loopbackEndpoints(proxy: string | null): Endpoint[] {
  const url = proxy === null ? null : URL.parse(proxy);
  if (url === null) return [];
  const port = url.port === '' ? defaultPort(url.protocol) : Number(url.port);
  if (port === null) return [];
  return loopbackHosts(url.hostname).map((host) => ({ host, port }));
}

/** The first of these that accepts a connection, or null when all refuse. */
export async function firstAccepting(endpoints: readonly Endpoint[]): Promise<Endpoint | null> {
  const answers = await Promise.all(endpoints.map(async (endpoint) => ((await accepts(endpoint)) ? endpoint : null)));
  return answers.find((answer) => answer !== null) ?? null;
}

/** `port-in-use: ...` with the owner of the port where that can be found out. */
export async function portInUse({ host, port }: Endpoint): Promise<string> {
  const owner = await portOwner(port);
  const who = owner === null ? 'another program' : `process ${owner.pid} ("${owner.name}")`;
  const shown = host.includes(':') ? `[${host}]` : host;
  return `port-in-use: ${who} accepts connections on ${shown}:${port} already, expected the port to be free`;
}

/** The process that listens on this port, if it may be seen. */
async function portOwner(port: number): Promise<{ pid: number; name: string } | null> {
  return portOwners(await scanProcesses(), port)[0] ?? null;
}

/** Of these processes, those that listen on the port, as far as that may be seen. */
export function portOwners<P extends { pid: number; name: string }>(table: readonly P[], port: number): P[] {
  const sockets = new Set(['tcp', 'tcp6'].flatMap((name) => listeningSockets(name, port)));
  if (sockets.size === 0) return [];
  return table.filter(({ pid }) => listDescriptors(pid).some((fd) => sockets.has(readDescriptor(pid, fd) ?? '')));
}

/** A full backlog drops the attempt without a word: silence on loopback means that somebody listens. */
function accepts({ host, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(LIMITS.portProbeMs, () => settle(true));
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

function loopbackHosts(hostname: string): string[] {
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return ['127.0.0.1', '::1'];
  if (hostname === '0.0.0.0') return ['127.0.0.1'];
  if (hostname === '[::1]' || hostname === '[::]') return ['::1'];
  return /^127\.\d+\.\d+\.\d+$/.test(hostname) ? [hostname] : [];
}

function defaultPort(protocol: string): number | null {
  if (protocol === 'http:') return 80;
  return protocol === 'https:' ? 443 : null;
}

/** Names of the sockets that listen on the port, as they stand in /proc/<pid>/fd. */
function listeningSockets(table: string, port: number): string[] {
  if (!hasProc) return [];
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readTable(table).flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    return local.endsWith(wanted) && state === LISTENING ? [`socket:[${inode}]`] : [];
  });
}

/** There is no tcp6 where IPv6 is switched off. */
function readTable(table: string): string[] {
  try {
    return readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
