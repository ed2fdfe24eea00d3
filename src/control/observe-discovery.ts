/** The sources of targets, told to the log. */
import type { Logger } from 'pino'
import type { DiscoveryListener } from '../discovery/discoveries.ts'

/** A listener that tells of each change once. */
export function reportDiscovery(logger: Logger): DiscoveryListener {
  return {
    onState: (services, type, isUp, error) => {
      if (isUp) logger.info({ services, type }, `${type} answers for the targets of ${named(services)}`)
      else
        logger.warn(
          { services, type, error },
          `${type} does not answer for the targets of ${named(services)}; those it named last stay in use`
        )
    },
    onTargets: (services, type, targets) =>
      logger.info(
        { services, type, targets: targets.map(({ url }) => url) },
        `${type} names ${targets.length} targets of ${named(services)}`
      )
  }
}

function named(services: readonly string[]): string {
  return services.map(id => `'${id}'`).join(', ')
}
