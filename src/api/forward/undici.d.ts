/** The parts of undici that turnout uses. Its index loads its fetch, caches and mocks too, which take a tenth of a start. */
declare module 'undici/lib/dispatcher/client.js' {
  export { Client as default } from 'undici';
}
declare module 'undici/lib/dispatcher/pool.js' {
  export { Pool as default } from 'undici';
}
