/** Swagger UI at `/docs`, readable without a token; it calls the API of the instance it was loaded from. */
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyPluginAsync } from 'fastify'

const ui: FastifyPluginAsync = async app => {
  app.addHook('onRoute', route => {
    route.config = { ...route.config, role: 'public' }
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Sluice admin API' },
    uiConfig: { deepLinking: true, displayRequestDuration: true, docExpansion: 'list', tryItOutEnabled: false },
    // Everything comes from here and talks to here. Swagger UI sets inline styles, and draws icons from data: URLs.
    staticCSP: {
      'default-src': ["'self'"],
      'base-uri': ["'none'"],
      'connect-src': ["'self'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
      'img-src': ["'self'", 'data:'],
      'object-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"]
    }
  })
}

export default ui
