import { createHash } from 'node:crypto';

const STYLE = `
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --ink: #14181f; --dim: #5b6472; --line: #dfe3e8;
  --leader: #0a7d45; --standby: #44546a; --lost: #a8330f; }
@media (prefers-color-scheme: dark) { :root { --bg: #101318; --card: #181c23; --ink: #e9edf2; --dim: #9aa5b4;
  --line: #2b313b; --leader: #4ccf8b; --standby: #a9b8cc; --lost: #ff9270; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem; background: var(--bg); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 44rem; margin: auto; background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.5rem; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; color: var(--standby); }
h1[data-role=leader] { color: var(--leader); }
h1[data-role=lost] { color: var(--lost); }
h2 { margin: 1.75rem 0 .5rem; font-size: 1rem; }
#summary { margin: .4rem 0 0; color: var(--dim); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.25rem; margin: 1.25rem 0 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
ol, ul { list-style: none; margin: 0; padding: 0; }
li { padding: .35rem 0; border-top: 1px solid var(--line); display: flex; gap: 1rem; }
time { color: var(--dim); font-variant-numeric: tabular-nums; white-space: nowrap; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .6rem; } }
`;

/**
 * The stream says when something changed. How long leadership holds moves with every renewal, which is no change, so it is
 * asked for while the page is visible. Everything is set as text: names in a Lease are whatever somebody wrote into it.
 */
const SCRIPT = `
const byId = (id) => document.getElementById(id);
const set = (id, value) => { byId(id).textContent = value === null || value === '' ? '\\u2013' : String(value); };
const HISTORY_MAX = 20;

function role(name, words) {
  byId('role').dataset.role = name;
  byId('role').textContent = words;
  document.title = words + ' \\u00b7 Leasegate';
}

function show(answer) {
  if (answer.isLeader) role('leader', 'This replica leads');
  else role('standby', 'This replica stands by');
  byId('summary').textContent = answer.isLeader ? 'It may act for the group.'
    : answer.leader ? 'The leader is ' + answer.leader.pod + '.' : 'No leader is known.';
  set('valid', answer.isLeader ? (answer.validForMs / 1000).toFixed(1) + ' s, unless renewed' : null);
  set('identity', answer.identity);
  set('leader', answer.leader && answer.leader.identity);
  set('address', answer.leader && answer.leader.address);
  set('token', answer.fencingToken);
  set('since', answer.term && answer.term.acquireTime);
  set('transitions', answer.term && answer.term.transitions);
  set('lease', answer.lease.namespace + '/' + answer.lease.name);
}

function showAll({ elections }) {
  byId('several').hidden = elections.length < 2;
  byId('elections').replaceChildren(...elections.map((one) => {
    const item = document.createElement('li');
    const name = document.createElement('strong');
    name.textContent = one.name;
    item.append(name, one.isLeader ? 'led by this replica' : one.leader ? 'led by ' + one.leader.pod : 'no leader is known');
    return item;
  }));
}

function unsure(words) {
  role('lost', words);
  byId('summary').textContent = 'What is shown below was true when it was last heard of.';
  set('valid', null);
}

function record(event) {
  const words = { snapshot: 'Connected', started: 'Began to lead', stopped: 'Stopped leading',
    'leader-changed': 'The leader changed' }[event.change];
  const item = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = new Date().toLocaleTimeString();
  item.append(time, words + (event.reason ? ' (' + event.reason + ')' : '')
    + (event.leader ? ': ' + event.leader.pod : ''));
  byId('history').prepend(item);
  while (byId('history').children.length > HISTORY_MAX) byId('history').lastChild.remove();
}

const stream = new EventSource('leader/events');
stream.addEventListener('leadership', (message) => {
  const event = JSON.parse(message.data);
  show(event);
  record(event);
});
stream.onerror = () => unsure('The sidecar does not answer');

async function ask(path) {
  const response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(1500) });
  return response.json();
}

async function refresh() {
  if (document.hidden) return;
  try {
    show(await ask('leader'));
    showAll(await ask('elections'));
  } catch {
    unsure('The sidecar does not answer');
  }
}
setInterval(refresh, 2000);
refresh();
document.addEventListener('visibilitychange', refresh);
`;

/** Self-contained: nothing is fetched from elsewhere, and nothing on it changes anything. */
export const STATUS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Leasegate</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1 id="role" role="status">Asking…</h1>
<p id="summary"></p>
<noscript><p>This page needs JavaScript. <a href="leader">The same as JSON</a>.</p></noscript>
<dl>
<dt>Leadership holds for</dt><dd id="valid">–</dd>
<dt>This replica</dt><dd id="identity">–</dd>
<dt>Leader</dt><dd id="leader">–</dd>
<dt>Leader's address</dt><dd id="address">–</dd>
<dt>Fencing token</dt><dd id="token">–</dd>
<dt>Leader since</dt><dd id="since">–</dd>
<dt>Transitions</dt><dd id="transitions">–</dd>
<dt>Lease</dt><dd id="lease">–</dd>
</dl>
<section id="several" hidden>
<h2>All elections of this replica; above is the first</h2>
<ul id="elections"></ul>
</section>
<h2>Changes since this page was opened</h2>
<ol id="history"></ol>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;

/** Lets exactly this page's own style and script run, and lets it talk to its own origin only. */
export const STATUS_PAGE_CSP = [
  "default-src 'none'",
  `script-src '${sha256(SCRIPT)}'`,
  `style-src '${sha256(STYLE)}'`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function sha256(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
