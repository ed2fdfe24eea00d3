/** The address of a store as it may be logged. */

const userInformation = /\/\/[^/?#]*@/
const secretParameter = /([?&][^=&#]*(?:pass|pwd|token|secret|key|auth)[^=&#]*=)[^&#]*/gi

/** Without user information, and without the values of query parameters whose names sound like a secret. */
export function withoutCredentials(url: string): string {
  return url.replace(userInformation, '//').replace(secretParameter, '$1***')
}
