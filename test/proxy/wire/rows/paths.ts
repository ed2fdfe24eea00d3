/** Paths that two readers could read in two ways: refused, or forwarded in a form that says the same (RFC 3986 section 6.2). */
import { ok } from '../does.ts'
import { type Line, type Row, table } from '../row.ts'
import { all, answered, gotTarget, kept, noByte, nothing, status } from '../sees.ts'
import { getAt } from '../sends.ts'

const fine = all(answered(200), kept)

/** What is sent, and the forms in which it may arrive. */
const equivalent: [sent: string, arrives: (string | RegExp)[], mayRefuse?: number[]][] = [
  ['/', ['/']],
  ['/a/b', ['/a/b']],
  ['/a/b/', ['/a/b/']],
  ['/a//b', ['/a//b', '/a/b']],
  ['//a', ['//a', '/a']],
  ['//evil.example/a', ['//evil.example/a', '/evil.example/a']],
  ['///', ['///', '/']],
  ['/a/./b', ['/a/./b', '/a/b']],
  ['/a/../b', ['/a/../b', '/b'], [400]],
  ['/a/..', ['/a/..', '/'], [400]],
  ['/a/%2e/b', ['/a/%2e/b', '/a/b', '/a/./b']],
  ['/a/%2e%2e/b', ['/a/%2e%2e/b', '/b'], [400]],
  ['/a/%2E%2e/b', ['/a/%2E%2e/b', '/b'], [400]],
  ['/a/.%2e/b', ['/a/.%2e/b', '/b'], [400]],
  ['/../../etc/passwd', ['/../../etc/passwd', '/etc/passwd'], [400]],
  ['/%2e%2e/%2e%2e/etc/passwd', ['/%2e%2e/%2e%2e/etc/passwd', '/etc/passwd'], [400]],
  ['/a%2fb', ['/a%2fb', '/a%2Fb'], [400, 404]],
  ['/a%2Fb', ['/a%2Fb'], [400, 404]],
  ['/a/..%2fb', ['/a/..%2fb', '/a/..%2Fb'], [400, 404]],
  ['/a%5cb', ['/a%5cb', '/a%5Cb'], [400]],
  ['/a%252fb', ['/a%252fb']],
  ['/a%25%32%65', ['/a%25%32%65', '/a%252e']],
  ['/a;b=c/d', ['/a;b=c/d']],
  ['/a/..;/b', ['/a/..;/b'], [400]],
  ['/a/;/b', ['/a/;/b']],
  ['/%7euser', ['/%7euser', '/~user']],
  ['/caf%c3%a9', ['/caf%c3%a9', '/caf%C3%A9']],
  ['/%E2%82%AC/%e2', ['/%E2%82%AC/%e2', '/%E2%82%AC/%E2']],
  ["/a!$&'()*+,=:@-._~", ["/a!$&'()*+,=:@-._~"]],
  ['/a%20b', ['/a%20b']],
  ['/a%0d%0aX:%201', ['/a%0d%0aX:%201', '/a%0D%0AX:%201'], [400]],
  ['/a%0a', ['/a%0a', '/a%0A'], [400]],
  ['/a%3fb', ['/a%3fb', '/a%3Fb']],
  ['/a%23b', ['/a%23b']],
  ['/a+b', ['/a+b']],
  ['/...', ['/...']],
  ['/a...b/..c', ['/a...b/..c']],
  ['/.well-known/x', ['/.well-known/x']]
]

/** What no URI may hold: refused, or encoded. */
const illegal: [sent: string, encoded: (string | RegExp)[]][] = [
  ['/a\\b', ['/a\\b', '/a%5Cb']],
  ['/a\\..\\b', ['/a\\..\\b', '/a%5C..%5Cb']],
  ['\\a', []],
  ['/a%00b', ['/a%00b']],
  ['/a%', ['/a%', '/a%25']],
  ['/a%zz', ['/a%zz', '/a%25zz']],
  ['/a%2', ['/a%2', '/a%252']],
  ['/a"b', ['/a"b', '/a%22b']],
  ['/a<b>', ['/a<b>', '/a%3Cb%3E']],
  ['/a{b}', ['/a{b}', '/a%7Bb%7D']],
  ['/a|b^c`', ['/a|b^c`', '/a%7Cb%5Ec%60']],
  ['/a[b]', ['/a[b]', '/a%5Bb%5D']],
  ['/caf\xe9', ['/caf%E9']],
  ['/a?b\\c', [/^\/a\?b(\\|%5C)c$/]],
  ['/a?caf\xe9', ['/a?caf%E9']]
]

const own = 'the RFCs let a gateway forward either reading'
// biome-ignore format: one row, one line
const strict = table('paths', [
  ...['/a%2fb', '/a%5cb', '/a\\b', '/a%00b', '/a%zz', '/a/..%2f..%2fb', '/a#b'].map(
    (sent): Line => [`${JSON.stringify(sent)} is refused`, getAt(sent), ok, status(400), noByte, { ours: own }]
  ),
  ['/stripped/../x leaves the rule', getAt('/stripped/../x'), ok, fine, gotTarget('/x'), { ours: 'a rule with strip_prefix' }],
  ['/stripped/%2e%2e/x leaves the rule', getAt('/stripped/%2e%2e/x'), ok, fine, gotTarget('/x'), { ours: 'a rule with strip_prefix' }],
  ['//stripped//x is within the rule', getAt('//stripped//x'), ok, fine, gotTarget('/base/x'), { ours: 'a rule with strip_prefix' }],
  ['/%73tripped/x is within the rule', getAt('/%73tripped/x?y'), ok, fine, gotTarget('/base/x?y'), { ours: 'a rule with strip_prefix' }],
  ['/stripped..;/x is not within the rule', getAt('/stripped..;/x'), ok, fine, gotTarget('/stripped..;/x'), { ours: 'a rule with strip_prefix' }],
  ['/stripped/..;/x could leave the rule', getAt('/stripped/..;/x'), ok, status(400), noByte, { ours: 'a rule with strip_prefix' }]
])

/** All rows of this file. */
export const pathRows: readonly Row[] = [
  ...table('paths', [
    ...equivalent.map(
      ([sent, arrives, mayRefuse]): Line => [
        JSON.stringify(sent),
        getAt(sent),
        ok,
        fine,
        gotTarget(...arrives),
        mayRefuse === undefined ? {} : { mayRefuse }
      ]
    ),
    ...illegal.map(
      ([sent, encoded]): Line =>
        encoded.length === 0
          ? [JSON.stringify(sent), getAt(sent), ok, status(400), nothing]
          : [JSON.stringify(sent), getAt(sent), ok, fine, gotTarget(...encoded), { mayRefuse: [400] }]
    )
  ]),
  ...strict
]
