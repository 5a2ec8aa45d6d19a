import { readFileSync } from 'node:fs';
import supertest from 'supertest';
import { expect, test } from 'vitest';
import { API_ERRORS } from './errors.ts';
import { fixture } from './test-fixture.ts';

const PAGE = readFileSync(new URL('../../docs/http-api.md', import.meta.url), 'utf8');

test('the reference gives every error code with its status', () => {
  const rows = [...PAGE.matchAll(/^\| (`[A-Z_`, ]+`) \| (\d{3}) \|/gm)];
  const documented = rows.flatMap(([, codes = '', status]) =>
    [...codes.matchAll(/[A-Z_]+/g)].map(([code]) => [code, Number(status)] as const),
  );
  expect(Object.fromEntries(documented)).toEqual(API_ERRORS);
});

test('each route of the reference is on the listeners that it names, and on no other', async () => {
  const { api } = fixture();
  const rows = [...PAGE.matchAll(/^\| `(GET|POST) (\/\S*)` \| (both|local) \|/gm)];
  expect(rows.length).toBeGreaterThan(10);
  for (const [, method, path, listener] of rows) {
    if (path!.endsWith('/events')) continue;
    const ask = (of: typeof api.local) => (method === 'GET' ? supertest(of).get(path!) : supertest(of).post(path!));
    expect((await ask(api.local)).status, `${path} local`).not.toBeOneOf([404, 405]);
    const onProbe = (await ask(api.probe)).status;
    if (listener === 'both') expect(onProbe, `${path} probe`).not.toBeOneOf([404, 405]);
    else expect(onProbe, `${path} probe`).toBe(404);
  }
});

test('the reference has every metric with its labels, and no other', async () => {
  const { metrics, membership } = fixture();
  metrics.withMembers(membership!);
  metrics.withCandidate({ stands: () => true, pingsAnswered: () => 0 });
  metrics.withGateway();
  metrics.applicationHealthy(true);
  metrics.withPublishing();
  metrics.withNotifying();
  const served = [...(await metrics.scrape()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  const section = PAGE.slice(PAGE.indexOf('## Metrics'));
  const documented = [...section.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z_]+)/g)].map(([, name]) => name),
  );
  expect(documented.toSorted()).toEqual(served.toSorted());
});
