import { STATUS_CODES } from 'node:http';

const NEVER_IN_A_PHRASE = /[^ -~\x80-\xff]/;

/** What follows the status of an answer: as the application said, or the usual words where it said none that may be passed on. */
export function reasonPhrase(status: number, said: string): string {
  const usual = STATUS_CODES[status] ?? '';
  return said === usual || said === '' || NEVER_IN_A_PHRASE.test(said) ? usual : said;
}
