/**
 * How the HTTP server ends: closed, once what is being answered was answered; or released, because a successor goes on
 * with its listening socket. Follows connections for that.
 * Must never cut an answer before its time is up, nor, when it is released, a connection whose request is on its way.
 */
import { closeSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as after } from 'node:timers/promises';
import { Server as TlsServer } from 'node:tls';
import { LIMITS } from '../core/limits.ts';

export interface ServerLife {
  /** A request was read. */
  asked(req: IncomingMessage, res: ServerResponse): void;
  /** The server listens on this descriptor, which Node leaves open when it closes the server. */
  inherited(fd: number): void;
  /** A socket that left HTTP: the server no longer counts it as a request. */
  upgraded(socket: Duplex): void;
  /**
   * Takes no more connections; resolves when the last answer has ended, or after `withinMs` by cutting what is left; may
   * be called again with less patience.
   */
  close(withinMs: number): Promise<void>;
  /**
   * Whether each answer is the last on its connection: a client that keeps its connections lets go of them of its own
   * accord then, and none of its requests can cross with our closing one.
   */
  lastAnswers(on: boolean): void;
  /**
   * Takes no more connections, which somebody else will: they wait in the queue of the socket. Resolves when everybody
   * who connected before has been answered, or after `withinMs` by cutting what is left.
   */
  release(withinMs: number): Promise<void>;
}

const LOOK_MS = 5;

export function serverLife(server: Server): ServerLife {
  const upgraded = new Set<Duplex>();
  const answering = new Set<ServerResponse>();
  /** Connections that have not asked for anything yet, and since when. */
  const silent = new Map<Duplex, number>();
  let closing: Promise<void> | null = null;
  let released = false;
  let last = false;
  let inherited: number | null = null;
  const cut = (): void => {
    server.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
  };
  const onConnection = (socket: Duplex): void => {
    silent.set(socket, performance.now());
    socket.once('close', () => silent.delete(socket));
  };
  // what is read of a TLS connection comes from its own socket, after the handshake
  if (server instanceof TlsServer) server.on('secureConnection', onConnection);
  else server.on('connection', onConnection);

  const isBusy = (): boolean => {
    if (answering.size > 0 || upgraded.size > 0) return true;
    const since = performance.now() - LIMITS.restartSilentMs;
    for (const connectedAt of silent.values()) if (connectedAt > since) return true;
    return false;
  };

  return {
    asked(req, res) {
      silent.delete(req.socket);
      answering.add(res);
      if (last) res.shouldKeepAlive = false;
      res.once('close', () => {
        answering.delete(res);
        if (closing !== null) setImmediate(() => server.closeIdleConnections());
      });
    },
    inherited(fd) {
      inherited = fd;
    },
    upgraded(socket) {
      silent.delete(socket);
      upgraded.add(socket);
      socket.once('close', () => upgraded.delete(socket));
    },
    lastAnswers(on) {
      last = on;
    },
    async close(withinMs) {
      closing ??= new Promise<void>((resolve) => {
        server.close(() => resolve());
        // else its queue would go on taking connections that nobody answers
        if (inherited !== null && !released) closeSync(inherited);
        inherited = null;
        server.closeIdleConnections();
      });
      const timer = setTimeout(cut, withinMs);
      await closing;
      clearTimeout(timer);
    },
    async release(withinMs) {
      released = true;
      last = true;
      // not that of http, which also cuts connections whose answer is still on its way to the client
      NetServer.prototype.close.call(server);
      const until = performance.now() + withinMs;
      // a connection that was accepted at this moment, and a handshake, become visible within a few turns
      await after(LIMITS.restartSettleMs);
      while (isBusy() && performance.now() < until) await after(LOOK_MS);
      if (isBusy()) cut();
    },
  };
}
