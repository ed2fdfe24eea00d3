# syntax=docker/dockerfile:1

# What is run is compiled: Node strips types from the sources of a checkout, but an image has no use for a toolchain.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/build.ts
COPY schemas schemas
COPY src src
COPY plugins plugins
COPY routes routes
RUN npm run build

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional dependencies are a copy of Node 24 for machines with an older one; the image has its own.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force
COPY --from=build /build/dist ./dist

# The rules of the file store and the last good configuration: the only place that is written to.
RUN mkdir /data && chown node:node /data
VOLUME /data
# The port is asked for by name: where it is not permitted, the start fails, rather than falling back to a port that nobody publishes.
# Docker (20.10 and later) lets every user of a container bind port 80; elsewhere set SLUICE_PORT to one above 1023.
ENV SLUICE_PORT=80 \
    SLUICE_STORE=file:/data/sluice.yaml \
    SLUICE_DATA_DIR=/data
USER node
EXPOSE 80 9000

HEALTHCHECK --interval=5s --timeout=3s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.SLUICE_ADMIN_PORT ?? 9000) + '/health').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

# The exec form: SIGTERM reaches the gateway itself, which then drains and exits 0.
ENTRYPOINT ["node", "dist/src/cli.js"]
CMD ["start"]
