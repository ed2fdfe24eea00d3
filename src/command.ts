/** What the `sluice` command does. */
import { startGateway } from './main.ts'
import { readSettings, SettingsError, settingsHelp } from './settings.ts'
import { version } from './version.ts'

const usage = `Usage: sluice start [flags]     run the gateway
       sluice --version
       sluice --help

Flags and the environment variables they stand for (default):
${settingsHelp()}
`

/** Runs the command; what goes wrong is said on standard error, and shows in the exit code. */
export async function run(args: readonly string[]): Promise<void> {
  try {
    await main(args)
  } catch (error) {
    fail(error instanceof SettingsError ? `sluice: ${error.message}` : `sluice: ${error instanceof Error ? error.stack : error}`)
  }
}

async function main(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args
  if (command === '--version' || command === '-v') return print(`${version}\n`)
  if (command === '--help' || command === '-h' || rest.includes('--help')) return print(usage)
  if (command !== 'start') return fail(command === undefined ? usage : `sluice: unknown command '${command}'; see sluice --help`)
  // From the first moment: a signal that finds no listener ends the process, and the line that says that all is ready may be read sooner than
  // what stands behind it is run.
  const starting = startGateway(readSettings(process.env, rest))
  let stopping = false
  const stop = (): void => {
    // The second signal: now.
    if (stopping) process.exit(1)
    stopping = true
    starting
      .then(gateway => gateway.close())
      .then(
        () => process.exit(0),
        error => fail(String(error))
      )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', () => void starting.then(gateway => gateway.reload()).catch(() => undefined))
  await starting
}

function print(text: string): void {
  process.stdout.write(text)
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}
