import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import supertest from 'supertest';
import { expect, test, vi } from 'vitest';
import { fixture } from './test-fixture.ts';

const BROWSER_ACCEPT = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

async function page() {
  const { text, headers } = await supertest(fixture().api.local).get('/').set('Accept', BROWSER_ACCEPT).expect(200);
  const inside = (tag: string) => new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(text)?.[1] ?? '';
  return { text, headers, style: inside('style'), script: inside('script') };
}

test('a browser gets a page, which is not stored', async () => {
  const { headers } = await page();
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    vary: 'Accept',
  });
});

test("the content security policy admits this page's own script and style and nothing else", async () => {
  const { headers, style, script } = await page();
  const policy = headers['content-security-policy'] ?? '';
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  expect(policy).toContain(`script-src ${hash(script)};`);
  expect(policy).toContain(`style-src ${hash(style)};`);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
});

test('the page loads nothing from elsewhere, changes nothing and writes no markup', async () => {
  const { text, script } = await page();
  expect(text).not.toMatch(/https?:\/\/|\bsrc=|@import|url\(/);
  expect(text).not.toMatch(/<form|<button|POST|step-down|pause|resume/);
  expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write/);
});

test('the script can be parsed, and each element it fills is on the page', async () => {
  const { text, script } = await page();
  expect(() => new Script(script)).not.toThrow();
  const ids = [...script.matchAll(/(?:byId|set)\('(\w+)'/g)].map(([, id]) => id);
  expect(ids.length).toBeGreaterThan(8);
  for (const id of ids) expect(text).toContain(`id="${id}"`);
});

/** As much of a browser's page as the script touches. */
class StubElement {
  readonly dataset = {};
  hidden = true;
  textContent = '';
  children: (StubElement | string)[] = [];
  append(...nodes: (StubElement | string)[]): void {
    this.children.push(...nodes);
  }
  replaceChildren(...nodes: StubElement[]): void {
    this.children = nodes;
  }
  get words(): string {
    return this.textContent + this.children.map((each) => ` ${typeof each === 'string' ? each : each.words}`).join('');
  }
}

test.each([
  [[], true, []],
  [['a', 'b'], false, [' web no leader is known', ' a led by this replica', ' b led by web-1']],
] as const)('of several elections each has a line, of one none: %o', async (further, hidden, lines) => {
  const f = fixture(null, ...further);
  f.others[0]?.lead();
  f.others[1]?.follow();
  const { script } = await page();
  const elements = new Map<string, StubElement>();
  const byId = (id: string) => elements.get(id) ?? elements.set(id, new StubElement()).get(id)!;
  const asked: Promise<unknown>[] = [];
  const fetch = (path: string) => {
    const answer = supertest(f.api.local)
      .get(`/${path}`)
      .then(({ body }) => ({ json: () => body }));
    asked.push(answer);
    return answer;
  };
  new Script(script).runInNewContext({
    document: { getElementById: byId, createElement: () => new StubElement(), addEventListener() {} },
    ...{ fetch, setInterval() {}, AbortSignal },
    EventSource: class {
      addEventListener() {}
    },
  });
  await vi.waitUntil(() => asked.length === 2 && elements.has('elections'));
  expect(byId('several').hidden).toBe(hidden);
  if (!hidden) expect(byId('elections').children.map((each) => (each as StubElement).words)).toEqual(lines);
});
