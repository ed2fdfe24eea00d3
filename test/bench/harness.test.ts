/** The bench reads what wrk, the kernel and its operator write; wrong figures would look like right ones. */
import t from 'tap'
import { cpuTimeUs, parseCoreTicks, parseStat } from '../../bench/harness/cpu.ts'
import { parseWrk } from '../../bench/harness/load.ts'
import { parseOptions } from '../../bench/harness/options.ts'
import { disturbanceOf, type Run, toRows, toTable } from '../../bench/harness/report.ts'
import { findTools } from '../../bench/harness/tools.ts'

const wrkOutput = `Running 3s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.34ms  801.12us  15.03ms   90.12%
    Req/Sec    23.71k     1.22k   25.11k    80.00%
  Latency Distribution
     50%  890.00us
     75%    2.60ms
     90%    3.10ms
     99%    1.02s 
  70772 requests in 3.00s, 14.51MB read
Requests/sec:  23569.12
Transfer/sec:      4.83MB
`

t.test('what wrk prints is read in one unit', async t => {
  t.same(parseWrk(wrkOutput), { requests: 70772, requestsPerSecond: 23569.12, p50Ms: 0.89, p99Ms: 1020 })
})

t.test('a run with failed requests is no measurement', async t => {
  t.throws(() => parseWrk(`${wrkOutput}  Non-2xx or 3xx responses: 12\n`), /responses: 12/)
  t.throws(() => parseWrk(`${wrkOutput}  Socket errors: connect 0, read 3, write 0, timeout 0\n`), /read 3/)
  t.throws(() => parseWrk('unable to connect'), /printed nothing like/)
})

t.test('processor time counts user and system, of the process and of its ended children', async t => {
  const line = '42 (a (b) c) S 7 42 42 0 -1 4194560 900 0 0 0 11 22 33 44 20 0 11 0 5000 1000000 900 18446744073709551615'
  t.same(parseStat(line), { pid: 42, parent: 7, ticks: 110 })
})

t.test('processor time of a live process only grows', async t => {
  const before = cpuTimeUs(process.pid)
  const end = performance.now() + 50
  while (performance.now() < end);
  t.ok(cpuTimeUs(process.pid) - before >= 20_000, 'what this process burned is in it')
  t.throws(() => cpuTimeUs(0x7fffffff), /has ended/)
})

t.test('time of a core counts what runs on it and what is stolen from it, not what it idles', async t => {
  const text = 'cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 4 800 16 32 64 128 0 0\ncpu1 5 5 5 5 5 5 5 5 0 0\n'
  t.equal(parseCoreTicks(text, '0'), 1 + 2 + 4 + 128)
})

t.test('a disturbed run is reported', async t => {
  const quiet = { cpuUs: 1, disturbance: 0.02, requests: 1, requestsPerSecond: 1, p50Ms: 1, p99Ms: 2 }
  t.equal(disturbanceOf(new Map([['floor', [quiet]]])), undefined)
  t.match(disturbanceOf(new Map([['floor', [quiet, { ...quiet, disturbance: 0.4 }]]])), /40 %/)
})

t.test('a row is the median of its rounds, and its ratio is to the first', async t => {
  const run = (cpuUs: number): Run => ({ cpuUs, disturbance: 0, requests: 1, requestsPerSecond: 1e6 / cpuUs, p50Ms: 1, p99Ms: 2 })
  const rows = toRows(
    new Map([
      ['floor', [run(20), run(90), run(25)]],
      ['other', [run(30), run(50)]]
    ])
  )
  t.match(rows, [
    { name: 'floor', cpuUs: 25, ratio: 1 },
    { name: 'other', cpuUs: 40, ratio: 1.6 }
  ])
  t.match(toTable(rows), '| other | 40.0 | 1.60 |')
})

t.test('a missing tool is one line that says what to install', async t => {
  t.throws(() => findTools('/nowhere'), { message: /^needs wrk.*: apt-get install -y wrk/ })
})

t.test('a bad option is refused', async t => {
  t.match(parseOptions(['--seconds', '2', '--json']), { seconds: 2, rounds: 3, connections: 64, json: true })
  t.throws(() => parseOptions(['--rounds', '0']), /--rounds takes a whole number/)
  t.throws(() => parseOptions(['--sconds', '2']), /sconds/)
})
