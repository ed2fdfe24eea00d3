/** Which source a `discovery` block means. */
import type { Discovery, DiscoveryType } from '../../schemas/discovery.ts'
import { openConsulSource } from './consul.ts'
import { openDnsSource } from './dns.ts'
import { openEtcdSource } from './etcd.ts'
import { openNacosSource } from './nacos.ts'
import type { DiscoverySource, SourceEvents } from './source.ts'

/** Begins to ask at once; what it tells comes later. */
export type OpenSource = (discovery: Discovery, events: SourceEvents) => DiscoverySource

const openers = { dns: openDnsSource, consul: openConsulSource, etcd: openEtcdSource, nacos: openNacosSource } satisfies Record<
  DiscoveryType,
  OpenSource
>

export const openSource: OpenSource = (discovery, events) => openers[discovery.type](discovery, events)
