/** Processes that a test starts, free of what the test runner adds to them. */

/** The environment without the settings of this machine and of the test runner. */
export function cleanEnv(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SLUICE_|NODE_OPTIONS$|NODE_V8_|_?TAP)/.test(name)))
}

/**
 * The command that runs Node with `args`: `[file, args]` for `spawn` and `execFile`. tap wraps these and puts loaders into NODE_OPTIONS of every
 * child to follow it, which slows a gateway down and breaks the compiler: `env` takes them out again.
 */
export function nodeCommand(args: readonly string[]): [file: string, args: string[]] {
  return ['/usr/bin/env', ['-u', 'NODE_OPTIONS', process.execPath, ...args]]
}
