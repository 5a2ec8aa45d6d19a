/**
 * Runs in a pod as the client of an example: it asks TARGET again and again, each time by a connection of its own. What it saw is
 * at `/history?from=<index>`. The examples answer with the name of their pod; the one that polls adds whether it leads.
 */
import { createServer, get } from 'node:http';

type Sample = { readonly pod: string; readonly atMs: number } | { readonly failure: string; readonly atMs: number };

const ASK_EVERY_MS = 10;
const ANSWER_MS_MAX = 1_000;
const SAMPLES_MAX = 1_000_000;

const history: Sample[] = [];
const nowMs = () => performance.timeOrigin + performance.now();

function ask(target: string): Promise<Sample> {
  return new Promise((resolve) => {
    const failed = (failure: string) => resolve({ failure, atMs: nowMs() });
    const request = get(target, { agent: false, signal: AbortSignal.timeout(ANSWER_MS_MAX) }, (response) => {
      response.setEncoding('utf8');
      let body = '';
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('error', ({ message }) => failed(message));
      response.on('end', () => {
        const pod = /^(\S+)(?: leads)?$/.exec(body.trim())?.[1];
        if (response.statusCode === 200 && pod !== undefined) resolve({ pod, atMs: nowMs() });
        else failed(`${response.statusCode} ${body.trim().slice(0, 100)}`);
      });
    });
    request.on('error', (error: NodeJS.ErrnoException) => failed(error.code ?? error.message));
  });
}

async function askOn(target: string): Promise<void> {
  const sample = await ask(target);
  if (history.length < SAMPLES_MAX) history.push(sample);
  setTimeout(() => void askOn(target), ASK_EVERY_MS);
}

createServer((request, response) => {
  const from = Number(new URL(request.url ?? '/', 'http://observer').searchParams.get('from'));
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify(history.slice(from)));
}).listen(8080);

void askOn(process.env.TARGET!);
process.on('SIGTERM', () => process.exit(0));
