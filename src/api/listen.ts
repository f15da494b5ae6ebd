/**
 * The HTTP server's settings, and how it begins to listen. Its end is server-life.ts. Knows no routes. Each setting that differs from Node's default says why.
 */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import { TurnoutError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { http, https } from '../core/platform/node-http.ts';

export interface ServerHooks {
  request(req: IncomingMessage, res: ServerResponse): void;
  /** A request with `Expect: 100-continue`; whoever wants its body must call `res.writeContinue()`. */
  expectsContinue(req: IncomingMessage, res: ServerResponse): void;
  /** Whether to leave HTTP for this request; otherwise it is an ordinary one (curl and Java offer `h2c` with those). */
  isUpgrade(req: IncomingMessage): boolean;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface Listening {
  address: string;
  port: number;
  /** Where a program on this machine reaches it. */
  url: string;
}

/** `tls`: PEM certificate and key, or null for plain HTTP. */
export function createHttpServer(hooks: ServerHooks, tls: { cert: Buffer; key: Buffer } | null): Server {
  const settings: ServerOptions = {
    requestTimeout: 0, // uploads take as long as they take; the gap between bytes is limited instead
    headersTimeout: LIMITS.headersTimeoutMs,
    connectionsCheckingInterval: LIMITS.connectionsCheckMs, // without it headersTimeout is looked at every 30 s
    keepAliveTimeout: LIMITS.clientKeepAliveMs,
    maxHeaderSize: LIMITS.clientHeaderBytesMax,
    shouldUpgradeCallback: hooks.isUpgrade,
  };
  const server = tls === null ? http.createServer(settings) : https.createServer({ ...settings, ...tls });
  server.on('request', hooks.request);
  server.on('checkContinue', hooks.expectsContinue);
  server.on('upgrade', hooks.upgrade);
  return server;
}

/** Splits `host:port`, `:port` and `[::1]:port`. Throws `usage`. */
export function parseHostPort(text: string): { host: string | undefined; port: number } {
  const match = /^(?:\[([0-9a-f:.%a-z]+)\]|([^:[\]]*)):(\d{1,5})$/i.exec(text.trim());
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new TurnoutError('usage', `read listen address "${text}": expected HOST:PORT, :PORT or [IPV6]:PORT`);
  }
  const host = match[1] ?? match[2] ?? '';
  return { host: host === '' || host === '*' ? undefined : host, port };
}

/** Begins to listen. Throws `port-in-use` or `usage`, naming the address and the remedy. */
export function listenOn(server: Server, hostPort: string): Promise<Listening> {
  const { host, port } = parseHostPort(hostPort);
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => reject(listenError(hostPort, cause));
    server.once('error', onError);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', onError);
      resolve(listeningAt(server.address() as AddressInfo, server instanceof TlsServer ? 'https' : 'http'));
    });
  });
}

/** Goes on listening on a socket that was inherited as this descriptor; who connected meanwhile waits in its queue. */
export function listenOnInherited(server: Server, fd: number): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void =>
      reject(new TurnoutError('usage', `listen on the inherited socket: ${cause.message}`, { cause }));
    server.once('error', onError);
    server.listen({ fd }, () => {
      server.off('error', onError);
      resolve(listeningAt(server.address() as AddressInfo, server instanceof TlsServer ? 'https' : 'http'));
    });
  });
}

function listeningAt({ address, port }: AddressInfo, scheme: 'http' | 'https'): Listening {
  const everywhere = address === '::' || address === '0.0.0.0';
  const host = everywhere ? '127.0.0.1' : address.includes(':') ? `[${address}]` : address;
  return { address, port, url: `${scheme}://${host}:${port}` };
}

function listenError(hostPort: string, cause: NodeJS.ErrnoException): TurnoutError {
  if (cause.code === 'EADDRINUSE') {
    const remedy = 'stop the program that holds it, or choose another address with --listen';
    return new TurnoutError('port-in-use', `listen on "${hostPort}": the address is in use; ${remedy}`, { cause });
  }
  const why: Record<string, string> = {
    EACCES: 'not permitted; ports below 1024 need privileges',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'this host name is not known',
  };
  const reason = why[cause.code ?? ''] ?? cause.message;
  return new TurnoutError('usage', `listen on "${hostPort}": ${reason}; choose another address with --listen`, {
    cause,
  });
}
