/** The little of autocannon that the bench uses; the package has no types. */
declare module 'autocannon' {
  interface Options {
    url: string;
    connections: number;
    duration: number;
    method: string;
    headers: Record<string, string>;
    body: string;
  }
  interface Result {
    duration: number;
    errors: number;
    timeouts: number;
    non2xx: number;
    '2xx': number;
  }
  interface Instance {
    on(event: 'response', listener: (client: unknown, status: number, bytes: number, ms: number) => void): this;
    once(event: 'done', listener: (result: Result) => void): this;
    once(event: 'error', listener: (error: Error) => void): this;
  }
  const autocannon: (options: Options) => Instance;
  export = autocannon;
}
