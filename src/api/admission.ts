/**
 * From a request to its place at a model: the arrival is reported, the grant awaited, and a client that leaves while it
 * waits is reported at once. Everything that is admitted ends exactly once, whatever happens in between.
 */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Arrival } from '../core/inputs.ts';
import type { Grant, Router, Ticket } from '../core/runtime/router.ts';
import { label } from './labels.ts';

export type Granted = Extract<Grant, { granted: true }>;

export type Admission = { ticket: Ticket; grant: Grant } | { ticket: Ticket; grant: null };

/**
 * Admits and waits. `grant` is null when the client left while it waited: the ticket is closed and nobody is there to
 * answer. Texts of clients are bounded here.
 */
export async function admit(router: Router, arrival: Arrival, client: ServerResponse | Duplex): Promise<Admission> {
  const { asked, endpoint, method } = arrival;
  const ticket = router.admit({ ...arrival, asked: label(asked), endpoint: label(endpoint), method: label(method) });
  if (ticket.grant !== null) return { ticket, grant: ticket.grant };
  const grant = await grantOrLeave(ticket, client);
  return { ticket, grant };
}

function grantOrLeave(ticket: Ticket, client: ServerResponse | Duplex): Promise<Grant | null> {
  return new Promise((resolve) => {
    const onClose = (): void => {
      ticket.leave({ status: null, bytes: 0 });
      resolve(null);
    };
    if (client.destroyed) return onClose();
    client.once('close', onClose);
    void ticket.wait().then((grant) => {
      client.off('close', onClose);
      resolve(grant);
    });
  });
}

/** Runs `serve` for a granted ticket; if it throws, the ticket is finished as failed before the error goes on. */
export async function served<T>(ticket: Ticket, serve: () => Promise<T>): Promise<T> {
  try {
    return await serve();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    ticket.finish({ outcome: 'no-answer', status: 500, bytes: 0, firstByteMs: null, usage: null, error: message });
    throw error;
  }
}
