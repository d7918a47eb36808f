// Journeys through the pages, in a real browser: every step is a click, a key or a form, and what is shown is looked at.
//   BASE  the address of the pages    SETUP  the first administrator's link    SHOTS  a folder for pictures
import { chromium } from 'playwright-core';
import AxeBuilder from '@axe-core/playwright';
import { mkdirSync } from 'node:fs';
import assert from 'node:assert/strict';

const { BASE, SETUP, SHOTS, PROVIDER } = process.env;
const PASSWORD = 'correct horse battery staple';
mkdirSync(SHOTS, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const faults = [];
let shots = 0;
let checked = 0;

// Somebody with a browser of their own. What the browser complains of (a policy that is broken, a script that fails) is a fault.
async function somebody(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  // Nothing but what the test itself has started is asked for anything.
  await context.route((url) => url.hostname !== '127.0.0.1', (route) => route.abort());
  const page = await context.newPage();
  page.expected = false;
  page.on('console', (message) => {
    const is_status = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !(page.expected && is_status)) faults.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`));
  return page;
}

// A picture, and the rules of WCAG 2.2 AA as far as a program can judge them.
async function look(page, name) {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const found = await new AxeBuilder({ page }).withTags(tags).analyze();
  for (const one of found.violations) faults.push(`${name}: ${one.id}: ${one.nodes[0].html.slice(0, 200)}`);
  const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (width > 1) faults.push(`${name}: the page is ${width} pixels wider than the window`);
  await page.screenshot({ path: `${SHOTS}/${String(++shots).padStart(2, '0')}-${name}.png`, fullPage: true });
  checked += 1;
}

async function submit(page, selector = 'main button[type=submit]') {
  await Promise.all([page.waitForLoadState('load'), page.click(selector)]);
}

async function sign_in(page, person, password = PASSWORD) {
  await page.goto(`${BASE}/sign-in`);
  await page.fill('#person', person);
  await page.fill('#password', password);
  await submit(page);
}

const number = (text) => Number(text.replaceAll(/[^0-9]/g, ''));

// The first administrator begins, and is told what is wrong.
const root = await somebody();
root.expected = true;
await root.goto(SETUP);
await look(root, 'welcome');
await root.fill('#password', PASSWORD);
await root.fill('#again', `${PASSWORD} not`);
await submit(root);
assert.match(await root.textContent('[role=alert]'), /not the same/);
await root.fill('#password', PASSWORD);
await root.fill('#again', PASSWORD);
await submit(root);
assert.equal(new URL(root.url()).pathname, '/');
await root.goto(SETUP);
assert.match(await root.textContent('main'), /was used/);
await look(root, 'link-used');
await root.goto(`${BASE}/`);
await submit(root, '.who button');
await sign_in(root, 'freya.administrator', 'a wrong password altogether');
assert.match(await root.textContent('[role=alert]'), /not right/);
await look(root, 'sign-in-refused');
await sign_in(root, 'freya.administrator');
root.expected = false;

// The dashboard: every figure leads to the list that makes it, and they say the same.
await look(root, 'dashboard');
assert.match(await root.textContent('.demonstration'), /invented/);
for (const name of ['Overdue', 'Owed in all']) {
  await root.goto(`${BASE}/`);
  const figure = root.locator('.figure', { has: root.locator('dt', { hasText: new RegExp(`^${name}$`) }) });
  const shown = number(await figure.locator('.value').innerText());
  assert.ok(shown > 0, `${name} is ${shown}`);
  await Promise.all([root.waitForURL(/findings/), figure.locator('.value a').click()]);
  const status = await root.innerText('[role=status]');
  assert.equal(number(status.split('findings')[0]), shown, `${name}: ${status}`);
}

// The policy: a document with figures, a page for executives, and the version before as of its day.
await root.goto(`${BASE}/policy`);
assert.match(await root.textContent('main'), /The vulnerability process/);
await look(root, 'policy');
await Promise.all([root.waitForURL(/documents\/executive/), root.click('text=one page for executives')]);
assert.match(await root.textContent('main'), /We hold ourselves to these figures/);
await look(root, 'policy-for-executives');
await root.goto(`${BASE}/policy`);
await Promise.all([root.waitForURL(/policy\?at=/), root.locator('table a', { hasText: /UTC|\d{4}-/ }).last().click()]);
assert.match(await root.textContent('main'), /Common baseline/);

// Findings: filtered, sorted, paged; and why one is due when it is.
await root.goto(`${BASE}/findings`);
await look(root, 'findings');
await root.selectOption('#overdue', 'true');
await root.selectOption('#sort', 'cvss');
await submit(root);
const scores = (await root.locator('tbody tr td:nth-child(6)').allInnerTexts()).filter((text) => text !== '–').map(Number);
assert.ok(scores.length > 5 && scores.every((score, at) => at === 0 || scores[at - 1] >= score), `not sorted: ${scores}`);
const first = await root.locator('tbody tr').first().innerText();
await Promise.all([root.waitForURL(/page_token/), root.click('a[rel=next]')]);
assert.notEqual(await root.locator('tbody tr').first().innerText(), first);
await Promise.all([root.waitForLoadState('load'), root.click('a[rel=prev]')]);
assert.equal(await root.locator('tbody tr').first().innerText(), first);
await Promise.all([root.waitForURL(/why/), root.locator('tbody th a').first().click()]);
assert.match(await root.textContent('main'), /How the due date follows/);
await look(root, 'why');
await Promise.all([root.waitForURL(/vulnerabilities/), root.getByText('everywhere else').click()]);
await look(root, 'vulnerability');
await root.goto(`${BASE}/patches`);
await look(root, 'patches');
await root.goto(`${BASE}/undetermined`);
await look(root, 'undetermined');

// Assets: searched for, looked at, changed, registered.
await root.goto(`${BASE}/assets`);
await look(root, 'assets');
const asset = await root.locator('tbody th a').first().innerText();
await root.fill('#name', asset);
await submit(root);
assert.equal(await root.locator('tbody tr').count() >= 1, true);
await Promise.all([root.waitForURL(/assets\/[^?]+/), root.locator('tbody th a').first().click()]);
await look(root, 'asset');
await root.getByText('History', { exact: true }).click();
assert.match(await root.textContent('[aria-label=History]'), /registered/);
await look(root, 'history');
await root.getByText('Change what is said about it').click();
await root.fill('#said-tags', 'seen, by a browser');
await submit(root, 'details[open] form.stack button[type=submit]');
assert.match(await root.textContent('dl.pairs'), /seen, by a browser/);
await Promise.all([root.waitForURL(/inventory/), root.locator('.figure a').first().click()]);
await look(root, 'inventory');
await root.goto(`${BASE}/assets?name=no-such-thing`);
assert.match(await root.textContent('tbody'), /No asset fits/);
assert.match(await root.textContent('.notice'), /no asset/, 'nothing found is no all-clear');
await root.goto(`${BASE}/assets`);
await root.getByText('Register an asset').click();
await root.fill('#said-id', 'made/by-browser');
await root.fill('#said-name', '<b>bold</b>');
await submit(root, 'details[open] button[type=submit]');
assert.match(await root.textContent('dl.pairs'), /<b>bold<\/b>/, 'shown as it was written');
root.expected = true;
await root.goto(`${BASE}/assets/nobody-has-this`);
await look(root, 'no-such-asset');
root.expected = false;

// People: somebody is added, invited, and begins in a browser of their own.
async function invited(id, role, teams = '') {
  await root.goto(`${BASE}/people`);
  await root.fill('#person', id);
  await root.locator('form.stack', { has: root.locator('#person') }).locator(`input[value="${role}"]`).check();
  await root.fill('#teams-new', teams);
  await submit(root, 'form.stack:has(#person) button[type=submit]');
  const line = root.locator('tbody tr', { has: root.locator('th', { hasText: new RegExp(`^${id}$`) }) });
  await Promise.all([root.waitForURL(/invite/), line.getByRole('button', { name: 'Invite' }).click()]);
  const link = await root.innerText('pre');
  const page = await somebody();
  await page.goto(link);
  await page.fill('#password', PASSWORD);
  await page.fill('#again', PASSWORD);
  await submit(page);
  return page;
}
const operator = await invited('paula.operator', 'operator');
await root.goto(`${BASE}/people`);
await look(root, 'people');
const approver = await invited('ingrid.approver', 'approver');
const developer = await invited('tim.developer', 'developer', 'web');
const employee = await invited('eve.employee', 'employee');
const auditor = await invited('alma.auditor', 'auditor');

// A decision: one asks, another approves; who asked is not offered to approve.
await operator.goto(`${BASE}/findings`);
const vulnerability = (await operator.locator('tbody th a').first().innerText()).trim();
await operator.goto(`${BASE}/decisions`);
await operator.getByText('Ask for a decision').click();
await operator.fill('#vulnerability', vulnerability);
await operator.fill('#reason', 'segmented until the vendor certifies the new version');
await operator.fill('#until', new Date(Date.now() + 30 * 86400e3).toISOString().slice(0, 10));
await operator.fill('#risk', 'an attacker needs an account');
await operator.fill('#controls', 'segmentation');
await operator.fill('#plan', 'the vendor certifies in a month');
await submit(operator, 'details[open] button[type=submit]');
const waiting = operator.locator('tbody tr', { hasText: 'segmented until the vendor' }).first();
assert.match(await waiting.innerText(), /waits for approval/);
assert.equal(await waiting.getByRole('button', { name: 'Approve' }).count(), 0);
await approver.goto(`${BASE}/decisions`);
const asked = approver.locator('tbody tr', { hasText: 'asked for by paula.operator' }).first();
await Promise.all([approver.waitForLoadState('load'), asked.getByRole('button', { name: 'Approve' }).click()]);
const held = approver.locator('tbody tr', { hasText: 'asked for by paula.operator' }).first();
await held.locator('.pill', { hasText: 'holds' }).waitFor();
await look(approver, 'decisions');

// Each sees what is theirs.
const places = async (page) => (await page.locator('nav[aria-label=Main] a').allInnerTexts()).join(' ');
assert.equal(await places(employee), 'Dashboard My tasks Feeds Policy');
assert.equal(await employee.locator('main a').count(), 0, 'nothing that is closed is offered');
await look(employee, 'dashboard-of-an-employee');
await developer.goto(`${BASE}/assets`);
await developer.waitForSelector('tbody');
const owners = new Set(await developer.locator('tbody td:nth-child(3)').allInnerTexts());
assert.deepEqual([...owners], ['web']);
await look(developer, 'assets-of-a-developer');
await auditor.goto(`${BASE}/ledger`);
await look(auditor, 'ledger');
await Promise.all([auditor.waitForURL(/ledger\/\d+/), auditor.locator('tbody a').first().click()]);
await look(auditor, 'entry');
assert.equal(await auditor.locator('main form').count(), 0, 'an auditor changes nothing');
auditor.expected = true;
const refused = await auditor.goto(`${BASE}/people`).then(() => auditor.locator('main form').count());
assert.equal(refused, 0);

// The policy: broken, and told where; mended, reviewed, approved by two, published, read and signed.
const lead = await invited('lena.lead', 'security-lead');
const second = await invited('ingo.approver', 'approver');
await operator.goto(`${BASE}/documents`);
await look(operator, 'register');
await Promise.all([operator.waitForURL(/documents\/policy$/), operator.locator('tbody th a').first().click()]);
await look(operator, 'register-policy');
await Promise.all([operator.waitForURL(/draft/), operator.getByText('Draft a new version').click()]);
const before = await operator.inputValue('#text');
await operator.fill('#text', before.replace('within = "14 days"\nevery = "12 months"\nremind', 'within = "14 dais"\nevery = "12 months"\nremind'));
await operator.locator('#checked .late', { hasText: 'error' }).first().waitFor();
assert.match(await operator.innerText('#checked'), /line \d+/);
await look(operator, 'editor-with-an-error');
await operator.fill('#text', before.replace('within = "14 days"\nevery = "12 months"\nremind', 'within = "10 days"\nevery = "12 months"\nremind'));
await operator.locator('#checked .pill.ok', { hasText: 'no errors' }).waitFor();
assert.match(await operator.innerText('#checked'), /On the fleet as it is/);
await operator.fill('#rationale', 'people are faster at reading than we thought');
await submit(operator);
await operator.waitForURL(/versions\/policy-1/);
await operator.fill('#people', 'eve.employee');
await operator.fill('#until', new Date(Date.now() + 5 * 86400e3).toISOString().slice(0, 10));
await Promise.all([operator.waitForLoadState('load'), operator.getByRole('button', { name: 'Hand it in' }).click()]);
const say = async (page, words) => {
  await page.goto(`${BASE}/tasks`);
  await Promise.all([page.waitForURL(/versions/), page.locator('main a[href^="/versions/"]').first().click()]);
  await Promise.all([page.waitForLoadState('load'), page.getByRole('button', { name: words, exact: true }).click()]);
};
await employee.goto(`${BASE}/tasks`);
await look(employee, 'tasks');
await say(employee, 'Nothing against it');
await say(lead, 'I find it sound');
await say(approver, 'I approve it');
await look(approver, 'version');
assert.match(await approver.innerText('main'), /It lacks/);
await say(second, 'I approve it');
await Promise.all([second.waitForURL(/compare/), second.getByText('What it changes').click()]);
await second.getByText('Overdue, month by month').waitFor();
await look(second, 'version-compared');
await say(lead, 'Publish');
assert.match(await lead.innerText('main'), /published/);
await employee.goto(`${BASE}/policy`);
assert.match(await employee.innerText('main'), /within 10 days/);
await employee.fill('#name', 'Eve Employee');
await Promise.all([employee.waitForURL(/tasks/), employee.getByRole('button', { name: 'I have read it' }).click()]);
await lead.goto(`${BASE}/campaigns`);
await look(lead, 'campaigns');
await lead.goto(`${BASE}/campaigns/policy`);
assert.match(await lead.locator('tbody tr', { hasText: 'Eve Employee' }).innerText(), /done/);
await lead.goto(`${BASE}/training`);
await look(lead, 'training');
await root.goto(`${BASE}/groups`);
await look(root, 'groups');
const file = await lead.request.get(`${BASE}/policy/documents/whole/files/pdf`);
assert.equal((await file.body()).subarray(0, 5).toString(), '%PDF-');

// Agents and tokens: shown once.
await operator.goto(`${BASE}/agents`);
await operator.fill('#asset', 'agent-of-browser');
await operator.check('input[name=register]');
await submit(operator, 'form.stack button[type=submit]');
assert.match(await operator.innerText('pre'), /plimsoll-agent enrol https:\/\/\S+ plimsoll_[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+/);
await look(operator, 'ticket');
await operator.goto(`${BASE}/agents`);
await look(operator, 'agents');
await operator.goto(`${BASE}/account`);
await operator.check('input[name=scope][value=read]');
await operator.fill('#until', new Date(Date.now() + 30 * 86400e3).toISOString().slice(0, 10));
await submit(operator, 'form.stack:has(input[name=scope]) button[type=submit]');
const token = await operator.innerText('pre');
const asked_with = await fetch(`${BASE}/api/v1/summary`, { headers: { authorization: `Bearer ${token}` } });
assert.equal(asked_with.status, 200);
await operator.goto(`${BASE}/account`);
await look(operator, 'account');
await submit(operator, 'form:has(button.danger) button.danger');
assert.equal((await fetch(`${BASE}/api/v1/summary`, { headers: { authorization: `Bearer ${token}` } })).status, 401);

// Feeds: progress comes by itself.
await operator.goto(`${BASE}/feeds`);
await look(operator, 'feeds');

// With the keyboard alone: the first key leads past the navigation.
await root.goto(`${BASE}/findings`);
await root.keyboard.press('Tab');
assert.equal(await root.evaluate(() => document.activeElement.textContent), 'To the content');
await root.keyboard.press('Enter');
assert.equal(await root.evaluate(() => document.activeElement.id), 'main');
await root.keyboard.press('Tab');
assert.equal(await root.evaluate(() => document.activeElement.tagName), 'INPUT');

// In the dark, on a small screen, on paper, and without scripts.
const state = await root.context().storageState();
const then = new Date(Date.now() - 10 * 86400e3).toISOString().slice(0, 10);
const here = `/assets/${encodeURIComponent(asset)}`;
const every = ['/', '/findings', '/patches', '/assets', here, `${here}/inventory`, `${here}/history`, `/?at=${then}`, `${here}?at=${then}`, '/decisions', '/agents', '/feeds', '/ledger', '/people', '/account', '/policy', '/policy/documents/technical', '/tasks', '/documents', '/documents/policy/draft', '/campaigns', '/violations', '/training', '/settings'];
const dark = await somebody({ storageState: state, colorScheme: 'dark' });
for (const place of every) { await dark.goto(BASE + place); await look(dark, `dark${place.replaceAll(/[^a-z]+/g, '-')}`); }
const small = await somebody({ storageState: state, viewport: { width: 375, height: 740 } });
for (const place of every) { await small.goto(BASE + place); await look(small, `small${place.replaceAll(/[^a-z]+/g, '-')}`); }
const paper = await somebody({ storageState: state });
await paper.goto(`${BASE}/`);
await paper.emulateMedia({ media: 'print' });
await paper.pdf({ path: `${SHOTS}/dashboard.pdf`, format: 'A4', printBackground: true });
const plain = await somebody({ storageState: state, javaScriptEnabled: false });
for (const place of every) {
  const answer = await plain.goto(BASE + place);
  assert.equal(answer.status(), 200, place);
  assert.ok(await plain.locator('h1').count() === 1, place);
}
await plain.goto(`${BASE}/findings`);
await plain.fill('#package', 'linux');
await submit(plain);
assert.match(plain.url(), /package=linux/);

// Every line of a past day leads on to that day.
for (const place of [`/findings?at=${then}`, `/patches?at=${then}`, `/assets?at=${then}`, `${here}?at=${then}`]) {
  await plain.goto(BASE + place);
  const all = await plain.locator('tbody a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  assert.ok(all.length > 0 || place.startsWith(here), place);
  for (const link of all) assert.ok(link.includes(`at=${then}`), `${place}: ${link}`);
}
await plain.goto(`${BASE}/findings?at=${then}`);
await Promise.all([plain.waitForURL(/why/), plain.locator('tbody th a').first().click()]);
assert.match(await plain.innerText('main'), /as it was known then/);
await Promise.all([plain.waitForURL(/vulnerabilities/), plain.getByText('everywhere else').click()]);
assert.match(await plain.innerText('main'), /as it was known then/);

// An organisation's own sign-in, where it is set up.
if (PROVIDER) {
  const stranger = await somebody();
  stranger.expected = true;
  await stranger.goto(`${BASE}/sign-in`);
  await Promise.all([stranger.waitForURL((url) => url.href.startsWith(PROVIDER)), stranger.getByText("your organisation's account").click()]);
  await stranger.fill('input[name=login]', 'olaf.operator');
  await stranger.fill('input[name=password]', 'any');
  await stranger.click('button[type=submit]');
  // Then the provider asks whether this service may know.
  await stranger.waitForSelector('text=Continue');
  await Promise.all([stranger.waitForURL(`${BASE}/`), stranger.click('button[type=submit]')]);
  assert.match(await stranger.innerText('.who'), /olaf\.operator/);
  await look(stranger, 'by-provider');
}

await browser.close();
if (faults.length) {
  console.error(faults.join('\n'));
  process.exit(1);
}
console.log(`${checked} pages looked at, without a fault`);
