/** The part of undici that is in use, by file: its index also loads fetch, caches and mocks, at 6 MiB and most of the time. */
declare module 'undici/lib/dispatcher/client.js' {
  export { Client as default } from 'undici';
}
