/** Swagger UI in a real browser: it lists the operations and calls the API. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { startAdmin } from '../helpers/admin.ts'

const executablePath = '/usr/bin/chromium'
const isMissing = !existsSync(executablePath)
/** The machine may be busy with other tests. */
const waitMs = 60_000

// Without a browser the promise is not tested: that must be chosen, not happen.
if (isMissing && process.env.SLUICE_NO_BROWSER !== '1') {
  t.fail(`${executablePath} is missing: install it (apt-get install chromium), or set SLUICE_NO_BROWSER=1 to go without this test`)
} else if (isMissing) {
  t.comment(`${executablePath} is missing and SLUICE_NO_BROWSER=1: Swagger UI is NOT tested in a browser`)
  t.pass('chosen by SLUICE_NO_BROWSER=1')
} else {
  const browser = await launch()
  t.teardown(() => browser.close())
  t.test('Swagger UI lists the operations and executes POST /forward-rules', t => withoutToken(t, browser))
  t.test('Swagger UI calls an API that wants a token, once it is given', t => withToken(t, browser))
}

async function withoutToken(t: Test, browser: Browser): Promise<void> {
  const { app, live } = await startAdmin(t)
  const { page, faults } = await openDocs(browser, await app.listen({ host: '127.0.0.1', port: 0 }))
  const summaries = await page.locator('.opblock-summary-path').allInnerTexts()
  for (const path of ['/forward-rules', '/services', '/config', '/explain', '/health'])
    t.ok(
      summaries.some(text => text.replaceAll('\u200b', '').trim() === path),
      `${path} is listed`
    )
  t.equal(await execute(page, 'createForwardRule'), '201')
  t.match(
    await page.locator('#operations-Forward_rules-createForwardRule .live-responses-table .highlight-code').first().textContent(),
    '"rule-001"'
  )
  t.ok(live.snapshot?.rule('rule-001'), 'the rule is live')
  t.same(faults, [], 'the page finds everything it needs, within its content security policy')
  await screenshot(page)
}

async function withToken(t: Test, browser: Browser): Promise<void> {
  const { app, live } = await startAdmin(t, { tokens: [{ name: 'ui', role: 'editor', token: 'secret' }] })
  const { page } = await openDocs(browser, await app.listen({ host: '127.0.0.1', port: 0 }))
  t.equal(await execute(page, 'createForwardRule'), '401')
  await page.locator('.auth-wrapper .authorize').click()
  await page.locator('.auth-container input').fill('secret')
  await page.locator('.auth-btn-wrapper .authorize').click()
  await page.locator('.auth-btn-wrapper .btn-done').click()
  await page.locator('#operations-Forward_rules-createForwardRule .execute').click()
  await page.locator('#operations-Forward_rules-createForwardRule .live-responses-table .response-col_status', { hasText: '201' }).waitFor()
  t.ok(live.snapshot?.rule('rule-001'))
}

async function openDocs(browser: Browser, url: string): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1400 } })
  page.setDefaultTimeout(waitMs)
  const faults: string[] = []
  page.on('console', message => {
    if (message.type() === 'error') faults.push(message.text())
  })
  page.on('pageerror', error => faults.push(error.message))
  page.on('requestfailed', request => faults.push(request.url()))
  await page.goto(`${url}/docs`)
  await page.locator('#operations-Forward_rules-createForwardRule').waitFor()
  return { page, faults }
}

/** Expands an operation, tries it out with its example, and resolves with the status of the answer. */
async function execute(page: Page, operationId: string): Promise<string | undefined> {
  const operation = page.locator(`#operations-Forward_rules-${operationId}`)
  await operation.locator('.opblock-summary-control').click()
  await operation.locator('.try-out__btn').click()
  await operation.locator('.execute').click()
  const status = operation.locator('.live-responses-table tbody .response-col_status')
  await status.waitFor()
  return (await status.textContent())?.trim().slice(0, 3)
}

/** One for both tests: starting it is what takes time. */
function launch(): Promise<Browser> {
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync'
  ]
  return chromium.launch({ executablePath, headless: true, args })
}

async function screenshot(page: Page): Promise<void> {
  const folder = process.env.SLUICE_SCREENSHOT_DIR
  if (folder === undefined) return
  await page.locator('#operations-Forward_rules-createForwardRule').scrollIntoViewIfNeeded()
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, 'swagger.png'), animations: 'disabled' })
}
