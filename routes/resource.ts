/** What makes one kind of item a resource of the admin API. */
import type { TSchema } from 'typebox'
import type { DocumentKind } from '../src/core/change.ts'
import type { LiveItem } from '../src/core/config-state.ts'

/** The query of a list, once it is checked. `label` and `limit` are the same for every resource. */
export interface ListQuery {
  readonly limit?: number
  readonly cursor?: string
  readonly label?: readonly string[]
}

export interface Resource<K extends DocumentKind, Q extends ListQuery> {
  readonly kind: K
  /** `/forward-rules` */
  readonly path: string
  readonly tag: string
  /** For operation ids: `ForwardRule` makes `getForwardRule` and, with an s, `listForwardRules`. */
  readonly name: string
  /** For texts: `Read a rule`. */
  readonly noun: string
  readonly readSchema: TSchema
  /** What a write answers. */
  readonly writtenSchema: TSchema
  readonly writeSchema: TSchema
  readonly pageSchema: TSchema
  readonly querySchema: TSchema
  /** Bodies to try, by name; the first is what Swagger UI fills in. */
  readonly examples: Readonly<Record<string, { readonly summary: string; readonly value: Readonly<Record<string, unknown>> }>>
  readonly patchExample: unknown
  /** What `query` asks for beyond labels. */
  readonly matches: (item: LiveItem<K>['item'], query: Q) => boolean
}
