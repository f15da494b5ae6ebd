/** Certificate and key of `--tls-cert-file` and `--tls-key-file`; both or none (spec 1.1). */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { TurnoutError } from '../core/errors.ts';

export async function readTls(
  certFile: string | undefined,
  keyFile: string | undefined,
): Promise<{ cert: Buffer; key: Buffer } | null> {
  if (certFile === undefined && keyFile === undefined) return null;
  if (certFile === undefined || keyFile === undefined) {
    const missing = certFile === undefined ? '--tls-cert-file' : '--tls-key-file';
    throw new TurnoutError('config', `serve over TLS: ${missing} is missing, both files are needed`);
  }
  const cert = await read(certFile);
  const key = await read(keyFile);
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `serve over TLS with "${certFile}" and "${keyFile}": expected a PEM certificate and its key, got: ${reason}`;
    throw new TurnoutError('config', message, { cause });
  }
  return { cert, key };
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new TurnoutError('config', `read "${file}": ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
