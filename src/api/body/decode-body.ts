/**
 * Undoes the `Content-Encoding` of a request body, off the main thread and with a bounded output, so that a few
 * kilobytes cannot become gigabytes (design section 9).
 * Must never decode more than one layer.
 */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { TurnoutError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';

export type Decoder = 'gzip' | 'deflate' | 'br';

const DECODE = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  'raw-deflate': promisify(inflateRaw),
  br: promisify(brotliDecompress),
};

/** Null when nothing is to be undone. Throws `unsupported-encoding`. */
export function decoderOf(contentEncoding: string | undefined): Decoder | null {
  const name = (contentEncoding ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return null;
  if (name === 'gzip' || name === 'x-gzip') return 'gzip';
  if (name === 'deflate' || name === 'br') return name;
  throw new TurnoutError(
    'unsupported-encoding',
    `decode the request body: expected Content-Encoding "gzip", "deflate", "br" or none, got "${name.slice(0, 100)}"`,
  );
}

/** Throws `body-too-large` past the smaller of `maxBytes` and `LIMITS.decodedBodyBytesMax`, `bad-request` for bad data. */
export async function decodeBody(bytes: Buffer, decoder: Decoder, maxBytes: number): Promise<Buffer> {
  const maxOutputLength = Math.min(maxBytes, LIMITS.decodedBodyBytesMax);
  try {
    return await DECODE[decoder === 'deflate' && !hasZlibHead(bytes) ? 'raw-deflate' : decoder](bytes, {
      maxOutputLength,
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      const limit = maxBytes <= LIMITS.decodedBodyBytesMax ? ' (turnout.maxBodyBytes)' : ' when compressed';
      throw new TurnoutError(
        'body-too-large',
        `decode the request body: expected at most ${maxOutputLength} bytes${limit}, got more from "${decoder}"`,
      );
    }
    throw new TurnoutError('bad-request', `decode the request body: expected "${decoder}" data, got something else`, {
      cause,
    });
  }
}

/** Clients send raw deflate as well as zlib under the name `deflate`. */
function hasZlibHead(bytes: Buffer): boolean {
  return bytes.length >= 2 && (bytes[0]! & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0;
}
