/** A class of clients and what each of them may do. Wire shape of `/tiers` and of `tiers` in a file. */
import Type, { type Static } from 'typebox'
import { DescriptionSchema, IdSchema, LabelsSchema } from './common.ts'
import { type RateLimit, RateLimitSchema } from './rate-limit.ts'

const fields = {
  description: Type.Optional(DescriptionSchema),
  labels: Type.Optional(LabelsSchema),
  limits: Type.Optional(
    Type.Array(RateLimitSchema, {
      maxItems: 10,
      default: [],
      description:
        'For each client of the tier, over all rules; all of them must let a request pass. `key` is ["client"] unless it says more.'
    })
  )
}

/** What a client writes. */
export const TierWriteSchema = Type.Object({ id: Type.Optional(IdSchema), ...fields }, { additionalProperties: false, title: 'TierWrite' })
export type TierWrite = Static<typeof TierWriteSchema>

/** What the API answers. Valid input again. */
export const TierSchema = Type.Object({ id: IdSchema, ...fields }, { additionalProperties: false, title: 'Tier' })

/** A tier in canonical form. */
export interface Tier {
  readonly id: string
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
  readonly limits: readonly RateLimit[]
}
